//! A point in time: extension −1 in MessagePack (a `Date` or `DateTime` there), RFC 3339 in JSON.

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::format;

/// The name by which `rmp_serde` recognises an extension.
const EXTENSION: &str = "_ExtStruct";
/// The extension type of timestamps in the MessagePack specification.
const KIND: i8 = -1;

const DAY: i64 = 86_400;

/// A point in time in UTC.
///
/// With MessagePack clients get a `Date` or `DateTime`; with JSON a string like
/// `2000-01-01T00:00:00Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    pub seconds: i64,
    /// Nanoseconds after that second, below 1 000 000 000.
    pub nanoseconds: u32,
}

impl Timestamp {
    /// Reads RFC 3339, with any offset; `None` if the text is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let fixed = |from: usize, to: usize| -> Option<i64> {
            let part = text.get(from..to)?;
            part.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
            part.parse().ok()
        };
        for (at, expected) in
            [(4, b"-"), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")] as [(usize, &[u8]); 5]
        {
            expected.contains(bytes.get(at)?).then_some(())?;
        }
        let (year, month, day) = (fixed(0, 4)?, fixed(5, 7)?, fixed(8, 10)?);
        let (hour, minute, second) = (fixed(11, 13)?, fixed(14, 16)?, fixed(17, 19)?);
        let valid = (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 61;
        valid.then_some(())?;
        let rest = text.get(19..)?;
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
            None => ("0", rest),
        };
        let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        Some(Self {
            seconds: seconds - offset(zone)?,
            nanoseconds,
        })
    }

    /// The shortest of the three forms that the MessagePack specification has.
    fn extension(self) -> Vec<u8> {
        let nanoseconds = self.nanoseconds;
        match u64::try_from(self.seconds) {
            Ok(seconds) if seconds >> 34 == 0 => {
                let both = u64::from(nanoseconds) << 34 | seconds;
                match u32::try_from(both) {
                    Ok(seconds) => seconds.to_be_bytes().to_vec(),
                    Err(_) => both.to_be_bytes().to_vec(),
                }
            }
            _ => [&nanoseconds.to_be_bytes()[..], &self.seconds.to_be_bytes()].concat(),
        }
    }

    fn from_extension(bytes: &[u8]) -> Option<Self> {
        let (seconds, nanoseconds) = match bytes.len() {
            4 => (u32::from_be_bytes(bytes.try_into().ok()?).into(), 0),
            8 => {
                let both = u64::from_be_bytes(bytes.try_into().ok()?);
                let seconds = i64::try_from(both & ((1 << 34) - 1)).ok()?;
                (seconds, u32::try_from(both >> 34).ok()?)
            }
            12 => {
                let (nanoseconds, seconds) = bytes.split_at(4);
                let nanoseconds = u32::from_be_bytes(nanoseconds.try_into().ok()?);
                (i64::from_be_bytes(seconds.try_into().ok()?), nanoseconds)
            }
            _ => return None,
        };
        (nanoseconds < 1_000_000_000).then_some(Self {
            seconds,
            nanoseconds,
        })
    }
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    (hours.len() == 2 && minutes.len() == 2).then_some(())?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// Days since 1970-01-01 in the Gregorian calendar. After Howard Hinnant's `days_from_civil`.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days`].
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if self.nanoseconds > 0 {
            let fraction = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Bytes as `rmp_serde` wants them in an extension.
struct Payload<'a>(&'a [u8]);

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if format::is_messagepack() {
            let bytes = self.extension();
            serializer.serialize_newtype_struct(EXTENSION, &(KIND, Payload(&bytes)))
        } else {
            serializer.collect_str(self)
        }
    }
}

/// The payload of an extension, given out by `rmp_serde` as bytes.
struct Owned(Vec<u8>);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::Binary::deserialize(deserializer).map(|bytes| Self(bytes.0))
    }
}

/// Reads what an extension holds.
pub(super) fn from_extension<'de, D: Deserializer<'de>>(
    extension: D,
) -> Result<Timestamp, D::Error> {
    struct Parts;
    impl<'de> Visitor<'de> for Parts {
        type Value = Timestamp;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a timestamp")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Timestamp, A::Error> {
            let wrong = || A::Error::custom("not a timestamp");
            let kind: i8 = seq.next_element()?.ok_or_else(wrong)?;
            let bytes: Owned = seq.next_element()?.ok_or_else(wrong)?;
            Timestamp::from_extension(&bytes.0)
                .filter(|_| kind == KIND)
                .ok_or_else(wrong)
        }
    }
    extension.deserialize_any(Parts)
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Timestamp;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a timestamp")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text).ok_or_else(|| E::custom("not a timestamp"))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                extension: D,
            ) -> Result<Timestamp, D::Error> {
                from_extension(extension)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
