//! Several processes as one hub: what is sent in one reaches the clients of all.
//!
//! Each process keeps its own connections. A [`HubLifetime`] only carries text from one process
//! to all others, at most once; what the text means is this crate's part.

mod carried;
mod reach;

use std::sync::Weak;

pub(crate) use reach::Reach;

/// How the processes of a hub hear of one another: ASP.NET Core's `HubLifetimeManager`, reduced
/// to the part that differs between a Redis, a PostgreSQL and a message bus.
///
/// Messages carry everything that [`Clients`](crate::Clients) can do: to all, groups, users and
/// connections, with exceptions; group membership and aborts of connections elsewhere; calls that
/// wait for a client's answer.
///
/// Implementations deliver at most once, to every process but perhaps the own one (what comes
/// back to its sender is ignored), and messages of one process in the order in which they were
/// published. They are trusted: whoever can publish can send to every client.
///
/// ```
/// use std::sync::Mutex;
/// use signalr_server::{HubLifetime, LocalConnections};
/// use tokio::sync::broadcast;
///
/// /// Hubs of one process that act as one: enough for a test.
/// struct Bus(broadcast::Sender<String>);
///
/// impl HubLifetime for Bus {
///     fn begin(&self, local: LocalConnections) {
///         let mut messages = self.0.subscribe();
///         tokio::spawn(async move {
///             while let Ok(message) = messages.recv().await {
///                 let _unknown = local.deliver(&message);
///             }
///         });
///     }
///
///     fn publish(&self, message: String) {
///         drop(self.0.send(message));
///     }
/// }
/// ```
pub trait HubLifetime: Send + Sync + 'static {
    /// The hub is built, in whatever runtime it is built in. From now on every message of another
    /// process goes to [`LocalConnections::deliver`].
    fn begin(&self, local: LocalConnections);

    /// Brings a message to every other process. Must not wait: queue it, and drop it when too
    /// much is queued. It is JSON of any length, without line breaks.
    fn publish(&self, message: String);

    /// Whether there are, or may come to be, other processes. If not, nothing is published.
    fn is_shared(&self) -> bool {
        true
    }
}

/// One process alone, which is the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl HubLifetime for InProcess {
    fn begin(&self, _: LocalConnections) {}

    fn publish(&self, _: String) {}

    fn is_shared(&self) -> bool {
        false
    }
}

/// The connections of this process, as a [`HubLifetime`] reaches them. Does not keep the hub
/// alive.
#[derive(Clone)]
pub struct LocalConnections {
    reach: Weak<Reach>,
}

impl LocalConnections {
    /// Does here what another process has published. Never waits; a call that a client answers is
    /// waited for in a task of its own, so this is called inside a Tokio runtime.
    ///
    /// # Errors
    /// The text is no message that this version knows; nothing was done. During an upgrade newer
    /// processes may send such.
    pub fn deliver(&self, message: &str) -> Result<(), UnknownMessage> {
        match self.reach.upgrade() {
            Some(reach) => reach.carry_out(message),
            None => Ok(()),
        }
    }

    /// Whether the hub is gone: nothing that is delivered has any effect.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.reach.strong_count() == 0
    }
}

impl std::fmt::Debug for LocalConnections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalConnections").finish_non_exhaustive()
    }
}

/// What was delivered is no message of a hub, or of one that is newer than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message that this version of the hub knows")]
pub struct UnknownMessage;
