//! Self-fencing: a holder that could not renew its lease for as long as it lives must not go on.
//!
//! The thread that writes may be stuck in a write to a database that is gone, so another one watches it, by the clock
//! of this machine that never jumps. What counts is the start of the last renewal that came through: the database
//! counts the time of the lease from a later moment.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::threads::spawn;

/// When the lease was renewed last, and whether anybody still needs it.
pub(super) struct Renewal {
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    renewed_at: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Held,
    Lost,
    Ended,
}

impl Renewal {
    pub(super) fn new(taken_at: Instant) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                renewed_at: taken_at,
                stage: Stage::Held,
            }),
            ended: Condvar::new(),
        })
    }

    /// A renewal that began at this moment came through.
    pub(super) fn renewed(&self, began_at: Instant) {
        self.lock().renewed_at = began_at;
    }

    /// The lease is given back or lost: nobody has to watch it any more.
    pub(super) fn end(&self) {
        self.lock().stage = Stage::Ended;
        self.ended.notify_all();
    }

    /// Whether the time of the lease ran out.
    pub(super) fn is_lost(&self) -> bool {
        self.lock().stage == Stage::Lost
    }

    /// Calls `on_lost` once when no renewal came through for `believed_for`.
    pub(super) fn watch(
        self: &Arc<Self>,
        believed_for: Duration,
        on_lost: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let renewal = Arc::clone(self);
        spawn("store-lease", move || {
            if renewal.runs_out(believed_for) {
                on_lost();
            }
        })
    }

    /// Waits until the time is over (`true`) or nobody needs the lease any more.
    fn runs_out(&self, believed_for: Duration) -> bool {
        let mut state = self.lock();
        while state.stage == Stage::Held {
            let left = (state.renewed_at + believed_for).saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.stage = Stage::Lost;
                return true;
            }
            let waited = self.ended.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
