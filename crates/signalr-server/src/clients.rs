//! Sending to connected clients, from any task or thread, without ever waiting.
//!
//! At most once, in order for each connection, to those connected now. A client whose queue
//! is full is disconnected; the others do not notice. Clients of other processes are reached
//! through the [`HubLifetime`](crate::HubLifetime).

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::arguments::ArgumentList;
use crate::error::EncodeError;
use crate::invoke::InvokeError;
use crate::lifetime::Reach;
use crate::registry::To;

/// The clients of a hub. Cheap to clone; usable from anywhere.
#[derive(Clone)]
pub struct Clients {
    reach: Arc<Reach>,
    only_here: bool,
}

impl Clients {
    pub(crate) const fn new(reach: Arc<Reach>) -> Self {
        Self {
            reach,
            only_here: false,
        }
    }

    /// The same, but only those that are connected to this process: for messages that every
    /// process sends to its own.
    #[must_use]
    pub fn here(&self) -> Self {
        Self {
            only_here: true,
            ..self.clone()
        }
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
    /// is connected to this process; if not, the others are told, and not waited for.
    pub fn add_to_group(&self, id: &str, group: &str) -> bool {
        self.reach.join(id, group, self.only_here)
    }

    /// Takes the connection with that public id out of a group. Whether it was in it, as far as
    /// this process knows; the others are told, and not waited for.
    pub fn remove_from_group(&self, id: &str, group: &str) -> bool {
        self.reach.leave(id, group, self.only_here)
    }

    /// How many clients are connected to this process.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.reach.registry().len()
    }

    fn to<'a>(&'a self, to: To<'a>) -> Recipients<'a> {
        Recipients {
            reach: &self.reach,
            to: (to, self.only_here),
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
    reach: &'a Reach,
    /// Whom, and whether only those of this process.
    to: (To<'a>, bool),
}

impl Recipients<'_> {
    /// Calls `target` on these clients and returns to how many connections of this process the
    /// call was queued. It is serialized once for each protocol in use.
    ///
    /// # Errors
    /// The arguments cannot be serialized; nothing was sent.
    pub fn send<A: ArgumentList + ?Sized>(
        &self,
        target: &str,
        arguments: &A,
    ) -> Result<usize, EncodeError> {
        self.reach.send(self.to, target, arguments)
    }

    /// Calls `target` on one client and waits for its answer, for as long as the client is
    /// connected: put a timeout around it. Of several recipients one of this process is asked;
    /// one that is named by its connection id is asked wherever it is.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke<R: DeserializeOwned>(
        &self,
        target: &str,
        arguments: &(impl ArgumentList + ?Sized),
    ) -> Result<R, InvokeError> {
        self.reach.invoke(self.to, target, arguments).await
    }

    /// Ends these connections: Close without an error and without leave to reconnect.
    pub fn abort(&self) {
        self.reach.abort(self.to);
    }
}
