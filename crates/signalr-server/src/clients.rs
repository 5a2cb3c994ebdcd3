//! Sending to connected clients, from any task or thread, without ever waiting.
//!
//! At most once, in order for each connection, to those connected now. A client whose queue
//! is full is disconnected; the others do not notice.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::arguments::ArgumentList;
use crate::end::DisconnectReason;
use crate::error::EncodeError;
use crate::invoke::{InvokeError, ask};
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

    /// Every connected client but those with these public connection ids.
    pub fn all_except<'a>(&'a self, ids: &'a [&'a str]) -> Recipients<'a> {
        self.to(To::AllExcept(ids))
    }

    pub(crate) fn all_but<'a>(&'a self, id: &'a str) -> Recipients<'a> {
        self.to(To::AllBut(id))
    }

    /// The client with that public connection id, if it is connected.
    pub fn connection<'a>(&'a self, id: &'a str) -> Recipients<'a> {
        self.to(To::Connection(id))
    }

    /// The clients with these public connection ids.
    pub fn connections<'a>(&'a self, ids: &'a [&'a str]) -> Recipients<'a> {
        self.to(To::Connections(ids))
    }

    /// Every connection in that group. Names are compared letter by letter.
    pub fn group<'a>(&'a self, group: &'a str) -> Recipients<'a> {
        self.to(To::Groups(&[], group))
    }

    /// Every connection in at least one of these groups, once.
    pub fn groups<'a>(&'a self, groups: &'a [&'a str]) -> Recipients<'a> {
        let (last, rest) = groups.split_last().map_or(("", groups), |(l, r)| (*l, r));
        self.to(To::Groups(rest, last))
    }

    /// Every connection in that group but those with these public connection ids.
    pub fn group_except<'a>(&'a self, group: &'a str, ids: &'a [&'a str]) -> Recipients<'a> {
        self.to(To::GroupExcept(group, ids))
    }

    /// Every connection of the user with that id.
    pub fn user<'a>(&'a self, id: &'a str) -> Recipients<'a> {
        self.to(To::User(id))
    }

    /// Every connection of the users with these ids.
    pub fn users<'a>(&'a self, ids: &'a [&'a str]) -> Recipients<'a> {
        self.to(To::Users(ids))
    }

    /// Adds the connection with that public id to a group, until it leaves or ends. Whether it
    /// is connected.
    pub fn add_to_group(&self, id: &str, group: &str) -> bool {
        self.registry.join(id, group)
    }

    /// Takes the connection with that public id out of a group. Whether it was in it.
    pub fn remove_from_group(&self, id: &str, group: &str) -> bool {
        self.registry.leave(id, group)
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

    /// Calls `target` on one client and waits for its answer, for as long as the client is
    /// connected: put a timeout around it. Of several recipients one is asked.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke<R: DeserializeOwned>(
        &self,
        target: &str,
        arguments: &(impl ArgumentList + ?Sized),
    ) -> Result<R, InvokeError> {
        let found = self.registry.find(self.to).into_iter().next();
        let connection = found.ok_or(InvokeError::NotConnected)?;
        ask(&connection, target, arguments).await
    }

    /// Ends these connections: Close without an error and without leave to reconnect.
    pub fn abort(&self) {
        for connection in self.registry.find(self.to) {
            connection.end(DisconnectReason::Aborted);
        }
    }
}
