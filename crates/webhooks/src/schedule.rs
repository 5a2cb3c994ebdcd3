//! When to try again, and what a status means (Standard Webhooks 1.0.0).
//!
//! Pure: it reads no clock and draws no random number. An answer that is not 2xx is a failure,
//! whatever its body says, and a receiver can delay an attempt but never bring it forward.

use std::time::{Duration, SystemTime};

/// How many attempts a delivery has.
pub const MAX_ATTEMPTS: u32 = 10;

/// The delay before each attempt, in seconds after the attempt before it: 75 h 35 min in all.
pub const DELAYS_SECONDS: [u64; MAX_ATTEMPTS as usize] = [
    0,
    5,
    5 * 60,
    30 * 60,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
];

const HOUR: u64 = 3_600;

/// The longest delay, whatever the receiver asks for; jitter comes on top.
pub const MAX_DELAY: Duration = Duration::from_secs(24 * HOUR);

/// The most retries that a schedule of an endpoint's own may have.
pub const MAX_OWN_RETRIES: usize = 30;

/// When an endpoint is tried again: [`DELAYS_SECONDS`], or a schedule of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule(Option<Vec<u64>>);

/// A text that is no schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a schedule is at most 30 delays, each 1 to 86400 seconds")]
pub struct ScheduleError;

impl Schedule {
    /// The schedule with these delays before the second attempt and those after it. Without any, there is one attempt.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`].
    pub fn own(delays_seconds: Vec<u64>) -> Result<Self, ScheduleError> {
        let fits = |delay: &u64| (1..=MAX_DELAY.as_secs()).contains(delay);
        if delays_seconds.len() <= MAX_OWN_RETRIES && delays_seconds.iter().all(fits) {
            Ok(Self(Some(delays_seconds)))
        } else {
            Err(ScheduleError)
        }
    }

    /// The schedule of a stored text: delays in seconds with commas; nothing is the usual one.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`].
    pub fn from_text(text: Option<&str>) -> Result<Self, ScheduleError> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let delays = text.split(',').filter(|delay| !delay.is_empty());
        let delays: Result<Vec<u64>, _> = delays.map(str::parse).collect();
        Self::own(delays.map_err(|_| ScheduleError)?)
    }

    /// The delays as they are stored; `None` for the usual ones.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        let texts = self.0.as_ref()?.iter().map(u64::to_string);
        Some(texts.collect::<Vec<_>>().join(","))
    }

    /// The delay after so many attempts.
    fn after(&self, attempts_made: u32) -> Option<u64> {
        let attempts = usize::try_from(attempts_made).ok()?;
        match &self.0 {
            Some(own) => own.get(attempts.checked_sub(1)?).copied(),
            None => DELAYS_SECONDS.get(attempts).copied(),
        }
    }
}

/// What a status means for the delivery and for its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 2xx: the receiver has it.
    Delivered,
    /// Anything else, a redirect or no answer included: it counts, and the next one is scheduled.
    Failed,
    /// 429, 502, 503 or 504: a failure, and the whole endpoint needs a pause.
    Overloaded,
    /// 410: the receiver wants nothing more; the endpoint is to be disabled.
    Gone,
}

impl Outcome {
    /// Reads the status of an attempt; `None` stands for an attempt without an answer.
    #[must_use]
    pub const fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299) => Self::Delivered,
            Some(410) => Self::Gone,
            Some(429 | 502..=504) => Self::Overloaded,
            _ => Self::Failed,
        }
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is done.
    Delivered,
    /// It is tried again.
    Retry {
        /// How long after this attempt.
        after: Duration,
        /// Whether every other delivery to the endpoint waits as well.
        pause_endpoint: bool,
    },
    /// The schedule is used up.
    Exhausted,
    /// The endpoint is gone, and all that waits for it is to be cancelled.
    Gone,
}

/// Decides what becomes of a delivery to an endpoint with this schedule.
///
/// `attempts_made` counts this attempt, from 1. `retry_after` is the delay the receiver asked for
/// ([`retry_after`]), and `random` any number, for jitter.
#[must_use]
pub fn decide(
    schedule: &Schedule,
    outcome: Outcome,
    attempts_made: u32,
    retry_after: Option<Duration>,
    random: u64,
) -> Verdict {
    let pause_endpoint = outcome == Outcome::Overloaded;
    match outcome {
        Outcome::Delivered => Verdict::Delivered,
        Outcome::Gone => Verdict::Gone,
        Outcome::Failed | Outcome::Overloaded => {
            delay(schedule, attempts_made, retry_after, random).map_or(
                Verdict::Exhausted,
                |after| Verdict::Retry {
                    after,
                    pause_endpoint,
                },
            )
        }
    }
}

/// The delay before the next attempt after `attempts_made` of them: the schedule or what the
/// receiver asked for, whichever is longer, at most [`MAX_DELAY`]; then up to a tenth is added as
/// jitter. `None` when there is no next attempt.
#[must_use]
pub fn delay(
    schedule: &Schedule,
    attempts_made: u32,
    retry_after: Option<Duration>,
    random: u64,
) -> Option<Duration> {
    let base = Duration::from_secs(schedule.after(attempts_made)?)
        .max(retry_after.unwrap_or_default())
        .min(MAX_DELAY);
    let tenth_millis = u64::try_from(base.as_millis() / 10).ok()?;
    let jitter = Duration::from_millis(random % (tenth_millis + 1));
    Some(base + jitter)
}

/// Reads a `Retry-After` header (RFC 9110 section 10.2.3): seconds or an HTTP date, at most
/// [`MAX_DELAY`]. Zero, a negative number, a past date and anything else are ignored.
#[must_use]
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let asked = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number can hold is still a very long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        httpdate::parse_http_date(value)
            .ok()?
            .duration_since(now)
            .ok()?
    };
    (!asked.is_zero()).then(|| asked.min(MAX_DELAY))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::*;

    use super::*;

    /// 1994-11-06T08:49:37Z, the date in the examples of RFC 9110.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn usual() -> Schedule {
        Schedule::default()
    }

    #[test]
    fn a_schedule_of_its_own_has_as_many_attempts_as_it_says_and_one() {
        let own = Schedule::from_text(Some("1,60")).expect("a schedule");
        let seconds = |attempts| delay(&own, attempts, None, 0).map(|delay| delay.as_secs());
        assert_eq!([1, 2, 3].map(seconds), [Some(1), Some(60), None]);
        assert_eq!(own.to_text().as_deref(), Some("1,60"));
        let once = Schedule::from_text(Some("")).expect("no retry");
        assert_eq!(delay(&once, 1, None, 0), None);
        for text in ["0", "86401", "x", "-1", &"1,".repeat(31)] {
            assert_eq!(
                Schedule::from_text(Some(text)),
                Err(ScheduleError),
                "{text}"
            );
        }
        assert_eq!(Schedule::from_text(None), Ok(usual()));
    }

    #[test]
    fn the_schedule_is_the_published_one() {
        let mut since_first = 0;
        let reached: Vec<u64> = DELAYS_SECONDS
            .iter()
            .map(|delay| {
                since_first += delay;
                since_first
            })
            .collect();
        assert_eq!(
            reached,
            [
                0, 5, 305, 2_105, 9_305, 27_305, 63_305, 113_705, 185_705, 272_105
            ]
        );
        assert_eq!(since_first, 75 * 3_600 + 35 * 60 + 5);
    }

    #[test]
    fn s31_ten_attempts_are_made_and_no_more() {
        for attempts in 1..10 {
            assert!(matches!(
                decide(&usual(), Outcome::Failed, attempts, None, 0),
                Verdict::Retry {
                    pause_endpoint: false,
                    ..
                }
            ));
        }
        for attempts in [10, 11, u32::MAX] {
            assert_eq!(
                decide(&usual(), Outcome::Overloaded, attempts, None, 0),
                Verdict::Exhausted
            );
        }
    }

    #[test]
    fn only_2xx_is_success_and_each_status_has_its_meaning() {
        for status in 0..=999 {
            let expected = match status {
                200..=299 => Outcome::Delivered,
                410 => Outcome::Gone,
                429 | 502 | 503 | 504 => Outcome::Overloaded,
                _ => Outcome::Failed,
            };
            assert_eq!(Outcome::of(Some(status)), expected, "{status}");
        }
        assert_eq!(Outcome::of(None), Outcome::Failed);
    }

    #[test]
    fn s14_an_overload_pauses_the_endpoint_and_gone_ends_it() {
        let verdict = decide(
            &usual(),
            Outcome::Overloaded,
            1,
            Some(Duration::from_secs(60)),
            0,
        );
        let after = Duration::from_secs(60);
        assert_eq!(
            verdict,
            Verdict::Retry {
                after,
                pause_endpoint: true
            }
        );
        assert_eq!(decide(&usual(), Outcome::Gone, 1, None, 0), Verdict::Gone);
        assert_eq!(
            decide(&usual(), Outcome::Delivered, 10, None, 0),
            Verdict::Delivered
        );
    }

    #[test]
    fn s14_retry_after_is_read_as_seconds_or_as_a_date_and_nonsense_is_ignored() {
        for (value, seconds) in [
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("1000000000", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("0", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("1e9", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(value, now()), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn s14_jitter_only_adds_and_never_more_than_a_tenth(
            attempts in 1_u32..10, asked in proptest::option::of(0_u64..1_000_000), random: u64,
        ) {
            let asked = asked.map(Duration::from_secs);
            let exact = delay(&usual(), attempts, asked, 0).expect("an attempt is left");
            let jittered = delay(&usual(), attempts, asked, random).expect("an attempt is left");
            prop_assert!(jittered >= exact && jittered <= exact + exact / 10);
            let scheduled = Duration::from_secs(DELAYS_SECONDS[attempts as usize]);
            prop_assert_eq!(exact, scheduled.max(asked.unwrap_or_default()).min(MAX_DELAY));
        }

        #[test]
        fn s14_no_header_makes_the_delay_longer_than_a_day(value in "\\PC*") {
            if let Some(asked) = retry_after(&value, now()) {
                prop_assert!(!asked.is_zero() && asked <= MAX_DELAY);
            }
        }
    }
}
