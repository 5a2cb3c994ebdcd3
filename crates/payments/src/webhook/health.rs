//! How an endpoint fares: when it is left alone for a while, and when it has failed for too long.
//!
//! Pure. An endpoint that is left alone loses nothing: its deliveries wait, and no attempt of theirs is used up.

use jiff::{SignedDuration, Timestamp};

/// After so many failures in a row an endpoint is left alone for a while.
pub const FAILURES_TO_PAUSE: u32 = 5;
/// For how long, the first time and at most; it doubles in between.
pub const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// The longest pause, unless the endpoint asks for a longer one.
pub const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(300);
/// An endpoint that takes nothing for so long is disabled.
pub const DISABLE_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);
/// How long a probe holds others back: longer than an attempt can take.
pub const PROBE: SignedDuration = SignedDuration::from_secs(60);

/// How an endpoint fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Whether it has ever taken something.
    pub is_proven: bool,
    /// Failures in a row.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// Until when it is left alone. In the past: the next attempt is a probe, and no other goes beside it.
    pub paused_until: Option<Timestamp>,
    /// Pauses in a row.
    pub pauses: u32,
}

/// A failed attempt, as far as it concerns the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Whether it was the probe after a pause.
    pub was_probe: bool,
    /// Whether the endpoint said that it has too much to do (429, 502, 503, 504).
    pub is_overload: bool,
    /// How long it asked to be left alone.
    pub asked: Option<SignedDuration>,
}

impl EndpointHealth {
    /// After an attempt that was taken.
    #[must_use]
    pub fn succeeded(self) -> Self {
        Self {
            is_proven: true,
            ..Self::default()
        }
    }

    /// After an attempt that failed.
    #[must_use]
    pub fn failed(mut self, failure: Failure, now: Timestamp) -> Self {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        let is_paused = self.paused_until.is_some_and(|until| until > now);
        let begins = failure.is_overload || self.failures >= FAILURES_TO_PAUSE;
        // Attempts that were under way beside each other fail together: they are one reason to pause, not many.
        let until = if failure.was_probe || (begins && !is_paused) {
            let pause = pause(self.pauses);
            self.pauses = self.pauses.saturating_add(1);
            later(now, pause.max(failure.asked.unwrap_or_default()))
        } else if let (true, Some(asked)) = (failure.is_overload, failure.asked) {
            self.paused_until.unwrap_or(now).max(later(now, asked))
        } else {
            return self;
        };
        self.paused_until = Some(until);
        self
    }

    /// Whether it has taken nothing for too long.
    pub fn is_hopeless(&self, now: Timestamp) -> bool {
        self.failing_since
            .is_some_and(|since| now.duration_since(since) >= DISABLE_AFTER)
    }
}

/// The pause after `pauses` of them.
fn pause(pauses: u32) -> SignedDuration {
    let doubled = FIRST_PAUSE.as_secs().checked_shl(pauses.min(16));
    SignedDuration::from_secs(doubled.unwrap_or(i64::MAX)).min(LONGEST_PAUSE)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How many attempts may begin now at an endpoint that takes `per_second` (more than 0), when the permits are used up
/// to `used_until`, and up to when they are used up if so many begin: the generic cell rate algorithm, in microseconds,
/// with a twentieth of a second in hand.
pub fn allowance(now_us: i64, used_until_us: i64, per_second: u32, wanted: u32) -> (u32, i64) {
    let interval_us = 1_000_000 / i64::from(per_second.clamp(1, 1_000_000));
    let in_hand = i64::from((per_second / 20).max(1) - 1);
    let from_us = used_until_us.max(now_us.saturating_sub(in_hand.saturating_mul(interval_us)));
    if from_us > now_us {
        return (0, used_until_us);
    }
    let free = (now_us - from_us) / interval_us + 1;
    let granted = u32::try_from(free).unwrap_or(u32::MAX).min(wanted);
    (granted, from_us + i64::from(granted) * interval_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Failure = Failure {
        was_probe: false,
        is_overload: false,
        asked: None,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
    }

    #[test]
    fn five_failures_in_a_row_pause_and_one_success_clears_everything() {
        let mut health = EndpointHealth::default();
        for second in 0..4 {
            health = health.failed(PLAIN, at(second));
            assert_eq!(health.paused_until, None);
        }
        health = health.failed(PLAIN, at(4));
        assert_eq!(health.paused_until, Some(at(9)));
        assert_eq!(health.failing_since, Some(at(0)));
        // What was under way beside it fails as well, and is no further reason.
        assert_eq!(health.failed(PLAIN, at(5)).paused_until, Some(at(9)));
        let cleared = health.succeeded();
        assert!(cleared.is_proven && cleared.failures == 0 && cleared.paused_until.is_none());
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let mut health = EndpointHealth::default();
        let probe = Failure {
            was_probe: true,
            ..PLAIN
        };
        let pauses: Vec<_> = (0..8)
            .map(|_| {
                health = health.failed(probe, at(0));
                health
                    .paused_until
                    .map(|until| until.duration_since(at(0)).as_secs())
            })
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300].map(Some));
    }

    #[test]
    fn an_overload_pauses_at_once_for_as_long_as_was_asked() {
        let asked = |seconds| Failure {
            is_overload: true,
            asked: Some(SignedDuration::from_secs(seconds)),
            ..PLAIN
        };
        let health = EndpointHealth::default().failed(asked(120), at(0));
        assert_eq!(health.paused_until, Some(at(120)));
        assert_eq!(health.failed(asked(60), at(1)).paused_until, Some(at(120)));
        assert_eq!(health.failed(asked(600), at(1)).paused_until, Some(at(601)));
        let short = EndpointHealth::default().failed(asked(1), at(0));
        assert_eq!(short.paused_until, Some(at(5)));
    }

    #[test]
    fn five_days_of_failures_and_nothing_else_are_too_much() {
        let day = 86_400;
        let failing = EndpointHealth::default().failed(PLAIN, at(0));
        assert!(!failing.is_hopeless(at(5 * day - 1)));
        assert!(failing.is_hopeless(at(5 * day)));
        let again = failing.succeeded().failed(PLAIN, at(4 * day));
        assert!(!again.is_hopeless(at(8 * day)));
    }

    #[test]
    fn no_more_begin_in_a_second_than_the_rate_and_what_is_in_hand() {
        for per_second in [1, 3, 10, 50, 1_000] {
            let (mut used, mut begun) = (0, Vec::new());
            for now in (1_000_000..4_000_000).step_by(700) {
                let (granted, until) = allowance(now, used, per_second, 1_000);
                used = until;
                begun.extend((0..granted).map(|_| now));
            }
            let most = begun
                .iter()
                .map(|first| {
                    begun
                        .iter()
                        .filter(|one| (0..1_000_000).contains(&(*one - first)))
                        .count()
                })
                .max();
            let most = u32::try_from(most.expect("some")).expect("few");
            assert!(
                most <= per_second + per_second / 20 + 1,
                "{most} of {per_second}"
            );
            assert!(
                begun.len() as u32 >= per_second * 3 - 3,
                "{} of {per_second}",
                begun.len()
            );
        }
    }
}
