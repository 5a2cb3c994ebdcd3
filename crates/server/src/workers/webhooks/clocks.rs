//! Watches the clock of this machine: a step back holds no delivery up, and a clock that is off is told of.
//!
//! Receivers refuse a signature whose time is more than five minutes off (Standard Webhooks 1.0.0), on every attempt.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use store::StoreError;
use store::acts::webhook::clock::clock_set_back;
use store::queries::clock::database_time;

use crate::app::App;

/// A step back of less than this is how clocks are kept right.
const STEP: SignedDuration = SignedDuration::from_secs(2);
/// How far the clocks of this machine and of the database may be apart before that is told.
const APART: SignedDuration = SignedDuration::from_secs(30);
/// How often they are compared.
const COMPARE_EVERY: Duration = Duration::from_secs(60);

/// The clock, as it was last seen.
pub(super) struct Clocks {
    seen: (Instant, Timestamp),
    compared: Option<Instant>,
    were_apart: bool,
}

impl Clocks {
    pub(super) fn new(app: &App) -> Self {
        Self {
            seen: (Instant::now(), app.clock.now()),
            compared: None,
            were_apart: false,
        }
    }

    /// Looks once.
    pub(super) async fn look(&mut self, app: &App) -> Result<(), StoreError> {
        if self.was_set_back(Instant::now(), app.clock.now()) {
            let act = app.acting();
            let waited = app
                .store
                .write_async(move |tx| clock_set_back(tx, &act))
                .await?;
            tracing::warn!(waited, "WARNING: the clock of this machine was set back");
        }
        let is_time = |compared: Instant| compared.elapsed() >= COMPARE_EVERY;
        if app.store.is_shared() && self.compared.is_none_or(is_time) {
            self.compare(app).await?;
            self.compared = Some(Instant::now());
        }
        Ok(())
    }

    /// Whether less time has passed by the clock than by the one that cannot be set.
    fn was_set_back(&mut self, instant: Instant, now: Timestamp) -> bool {
        let (then, before) = self.seen;
        self.seen = (instant, now);
        let passed = SignedDuration::try_from(instant.saturating_duration_since(then));
        now.duration_since(before) < passed.unwrap_or_default() - STEP
    }

    async fn compare(&mut self, app: &App) -> Result<(), StoreError> {
        let there = app.store.read_async(database_time).await?;
        let apart = app.clock.now().duration_since(there);
        let are_apart = apart.abs() > APART;
        if are_apart && !self.were_apart {
            let seconds = apart.as_secs();
            tracing::warn!(
                seconds,
                "WARNING: the clock of this machine is not that of the database: receivers refuse signatures that are \
                 five minutes off"
            );
        }
        self.were_apart = are_apart;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s25_a_step_back_is_seen_and_a_step_forward_or_a_small_correction_is_not_one() {
        let (begun, now) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let after = |clock_ms: i64, monotonic_ms: u64| {
            let mut clocks = Clocks {
                seen: (begun, now),
                compared: None,
                were_apart: false,
            };
            let later = now + SignedDuration::from_millis(clock_ms);
            clocks.was_set_back(begun + Duration::from_millis(monotonic_ms), later)
        };
        assert!(!after(2_000, 2_000));
        assert!(!after(602_000, 2_000));
        assert!(!after(1_000, 2_000));
        assert!(after(-600_000, 2_000));
        // The machine may have slept or worked for long: what counts is the difference.
        assert!(after(0, 60_000));
    }
}
