//! Sending to connected clients, from any task or thread, without ever waiting.
//!
//! At most once, in order for each connection, to those connected now. A client whose queue
//! is full is disconnected; the others do not notice.

use std::sync::Arc;

use crate::arguments::ArgumentList;
use crate::end::DisconnectReason;
use crate::error::EncodeError;
use crate::protocol::Shared;
use crate::registry::{Registry, To};

/// The clients of a hub. Cheap to clone; usable from anywhere.
#[derive(Clone)]
pub struct Clients {
    registry: Arc<Registry>,
}

impl Clients {
    pub(crate) const fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    /// Every connected client.
    pub fn all(&self) -> Recipients<'_> {
        self.to(To::All)
    }

    /// The client with that public connection id, if it is connected.
    pub fn connection<'a>(&'a self, id: &'a str) -> Recipients<'a> {
        self.to(To::Connection(id))
    }

    /// Every connection of the user with that id.
    pub fn user<'a>(&'a self, id: &'a str) -> Recipients<'a> {
        self.to(To::User(id))
    }

    /// How many clients are connected.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.registry.len()
    }

    fn to<'a>(&'a self, to: To<'a>) -> Recipients<'a> {
        Recipients {
            registry: &self.registry,
            to,
        }
    }
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients")
            .field("connections", &self.connection_count())
            .finish()
    }
}

/// Whom a message is for; found when it is sent.
#[must_use = "nothing is sent before `send`"]
pub struct Recipients<'a> {
    registry: &'a Registry,
    to: To<'a>,
}

impl Recipients<'_> {
    /// Calls `target` on these clients and returns to how many connections the call was
    /// queued. It is serialized once for each protocol in use.
    ///
    /// # Errors
    /// The arguments cannot be serialized; nothing was sent.
    pub fn send<A: ArgumentList + ?Sized>(
        &self,
        target: &str,
        arguments: &A,
    ) -> Result<usize, EncodeError> {
        let mut message = Shared::new(target, arguments);
        let mut queued = 0;
        for connection in self.registry.find(self.to) {
            if connection.push(message.frame(connection.protocol)?) {
                queued += 1;
            }
        }
        Ok(queued)
    }

    /// Ends these connections: Close without an error and without leave to reconnect.
    pub fn abort(&self) {
        for connection in self.registry.find(self.to) {
            connection.end(DisconnectReason::Aborted);
        }
    }
}
