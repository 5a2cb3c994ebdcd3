//! Time and randomness, as parameters: a test moves the one and seeds the other.
//!
//! [`SystemClock`] and [`SystemEntropy`] are the only places in the project that ask the machine for them.

use jiff::Timestamp;

/// Where the wall-clock time comes from.
pub trait Clock: Send + Sync {
    /// Now, in UTC, cut to whole microseconds (what both databases and both contracts keep).
    fn now(&self) -> Timestamp;
}

/// Where randomness comes from: ids, keys, secrets and jitter.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes; from a source fit for keys, outside of tests.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let micros = Timestamp::now().as_microsecond();
        Timestamp::from_microsecond(micros).expect("a timestamp cut to microseconds is in range")
    }
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks for randomness"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        use rand::RngCore;
        rand::rng().fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_tells_whole_microseconds_of_this_century() {
        let now = SystemClock.now();
        assert_eq!(now.as_nanosecond() % 1_000, 0);
        assert!(now.as_second() > 1_700_000_000, "{now}");
    }
}
