//! The hubs of several processes as one: what one sends by [`Clients`](signalr_server::Clients) reaches the clients of
//! all, over PostgreSQL's notices.
//!
//! Not the way of events: every process reads those from the outbox by itself, which loses none.

use signalr_server::{HubLifetime, LocalConnections};
use store::Store;

/// The processes on one database. On SQLite that is one.
pub(super) struct Processes(pub(super) Store);

impl HubLifetime for Processes {
    fn begin(&self, local: LocalConnections) {
        let mut heard = self.0.hear_others();
        tokio::spawn(async move {
            while let Some(text) = heard.next().await
                && !local.is_gone()
            {
                if let Err(error) = local.deliver(&text) {
                    tracing::warn!(%error, "a process of another version has sent it");
                }
            }
        });
    }

    fn publish(&self, message: String) {
        self.0.tell_others(message);
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }
}
