//! [`FakeClock`]: a wall clock that stands still until the test moves it.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use payments::ports::Clock;

/// 2026-01-01T00:00:00Z, in microseconds: where every test begins.
const BEGIN_MICROS: i64 = 1_767_225_600_000_000;

/// A clock moved by hand.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl Default for FakeClock {
    fn default() -> Self {
        Self(AtomicI64::new(BEGIN_MICROS))
    }
}

impl FakeClock {
    /// Moves the clock by `by`, which is cut to microseconds.
    ///
    /// # Panics
    /// When `by` is longer than a clock can show.
    pub fn advance(&self, by: SignedDuration) {
        let micros = i64::try_from(by.as_micros()).expect("a duration that a test waits for");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Moves the clock by whole seconds.
    pub fn advance_seconds(&self, seconds: i64) {
        self.advance(SignedDuration::from_secs(seconds));
    }

    /// Moves the clock by whole milliseconds.
    pub fn advance_millis(&self, millis: i64) {
        self.advance(SignedDuration::from_millis(millis));
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst))
            .expect("a time that can be shown")
    }
}
