//! The wall clock, as a value, so that a test can hold time still.
//!
//! It must only be asked for block timestamps: whether a transaction is valid never depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time in whole seconds since the Unix epoch, as block headers carry it.
pub(crate) type Clock = Box<dyn Fn() -> u32 + Send + Sync>;

/// The clock of the machine. Before 1970 it says 0, and after 2106 the largest header time.
#[expect(
    clippy::disallowed_methods,
    reason = "this crate's one reading of the clock"
)]
pub(crate) fn system() -> Clock {
    Box::new(|| {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u32::try_from(since_epoch.as_secs()).unwrap_or(u32::MAX)
    })
}
