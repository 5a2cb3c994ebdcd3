//! Waiting for a condition, with an end to it. Tests never sleep for a fixed time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than anything here takes on a busy machine; a wait this long is a failure.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` finds something, and gives it back.
///
/// # Panics
/// When [`PATIENCE`] is over; the message says `what` was waited for.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
