//! Points in time as the contracts write them: RFC 3339 in UTC, with `Z`.
//!
//! It must never read a clock: it only writes what it is given.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A time with microseconds, as in `2024-08-29T16:30:03.868147Z` (Bitvora).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros {
    unix_micros: i64,
}

impl Micros {
    /// Takes microseconds since 1970-01-01T00:00:00Z. Beyond the years −9999 to 9999 the nearest
    /// time within them is written.
    #[must_use]
    pub const fn from_unix_micros(unix_micros: i64) -> Self {
        Self { unix_micros }
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.unix_micros.div_euclid(1_000_000)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.unix_micros
    }
}

impl std::fmt::Display for Micros {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:.6}", within_calendar(self.unix_micros))
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// A time with milliseconds, as in `2024-03-28T16:03:12.456Z` (Hercle `expiresAt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis {
    unix_micros: i64,
}

impl Millis {
    /// Takes microseconds since 1970-01-01T00:00:00Z; what is below a millisecond is cut off.
    #[must_use]
    pub const fn from_unix_micros(unix_micros: i64) -> Self {
        Self { unix_micros }
    }
}

impl std::fmt::Display for Millis {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:.3}", within_calendar(self.unix_micros))
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

fn within_calendar(unix_micros: i64) -> Timestamp {
    let nearest = if unix_micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_microsecond(unix_micros).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::{Micros, Millis};

    #[test]
    fn micros_always_have_six_decimals_and_a_z() {
        for (micros, text) in [
            (1_724_949_003_868_147, "2024-08-29T16:30:03.868147Z"),
            (1_724_949_003_000_000, "2024-08-29T16:30:03.000000Z"),
            (1_724_949_003_860_000, "2024-08-29T16:30:03.860000Z"),
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Micros::from_unix_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn millis_are_cut_and_always_have_three_decimals() {
        for (micros, text) in [
            (1_711_641_792_456_999, "2024-03-28T16:03:12.456Z"),
            (1_711_641_792_000_000, "2024-03-28T16:03:12.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Millis::from_unix_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_written_as_its_last_moment() {
        assert!(
            Micros::from_unix_micros(i64::MAX)
                .to_string()
                .starts_with("9999-12-")
        );
        assert!(
            Micros::from_unix_micros(i64::MIN)
                .to_string()
                .starts_with("-009999-01-")
        );
        assert!(
            Millis::from_unix_micros(i64::MIN)
                .to_string()
                .starts_with("-009999-01-")
        );
    }

    #[test]
    fn seconds_round_down() {
        assert_eq!(Micros::from_unix_micros(-1).unix_seconds(), -1);
        assert_eq!(Micros::from_unix_micros(1_999_999).unix_seconds(), 1);
    }
}
