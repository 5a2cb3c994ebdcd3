//! What a test reads from the database itself: the audit, and whether an attempt is written down.

use store::queries::audit::audit;
use store::queries::webhook::next_delivery_at;

use super::TestServer;
use crate::patience::until;

impl TestServer {
    /// Audits the books in one snapshot, also while the server runs.
    ///
    /// # Panics
    /// When an invariant is broken; the message says by what.
    pub fn audit(&self) {
        let read = self.store.read(audit);
        let verdict = read.expect("the books can be read");
        let broken: Vec<_> = verdict
            .checks
            .iter()
            .filter(|check| !check.broken_by.is_empty())
            .collect();
        assert!(broken.is_empty(), "the books are broken: {broken:#?}");
    }

    /// Waits until the next attempt to deliver a webhook is due in `seconds` at most. While an attempt is under way its
    /// lease is what is due, a minute from now, so this tells that a failed attempt has been written down.
    pub async fn until_next_delivery_within(&self, seconds: i64) {
        let limit = self.now().as_microsecond() + seconds * 1_000_000;
        until("a delivery that waits for its next attempt", async || {
            let due = self.store.read_async(next_delivery_at).await;
            due.ok().flatten().filter(|due| *due <= limit)
        })
        .await;
    }
}
