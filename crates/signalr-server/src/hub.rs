//! A hub: its methods and callbacks, its options, its clients and its end.

mod builder;
mod method;

pub use builder::HubBuilder;
pub(crate) use method::{Answer, Input, Items, Method};

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::auth::{AuthRequest, Unauthorized, User};
use crate::caller::Caller;
use crate::clients::Clients;
use crate::connection::RawConnection;
use crate::end::DisconnectReason;
use crate::error::HubException;
use crate::http::{self, Origins, Redirect};
use crate::lifetime::Reach;
use crate::options::HubOptions;
use crate::registry::Registry;

/// A future of a method or callback, its type forgotten.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type OnConnected = Box<dyn Fn(Caller) -> Boxed<Result<(), HubException>> + Send + Sync>;
type OnDisconnected = Box<dyn Fn(Caller, DisconnectReason) -> Boxed<()> + Send + Sync>;
pub(crate) type RawHandler = Box<dyn Fn(RawConnection) -> Boxed<()> + Send + Sync>;
type Redirecting = Box<dyn Fn(&AuthRequest) -> Option<Redirect> + Send + Sync>;
type Authenticate =
    Box<dyn Fn(AuthRequest) -> Boxed<Result<Option<User>, Unauthorized>> + Send + Sync>;

/// How far the hub's end has come. Later stages are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Business as usual.
    Open,
    /// Nobody new; running calls finish, then the client is told to reconnect elsewhere.
    Draining,
    /// Clients are told although their calls still run.
    Cutting,
    /// Whatever is left is dropped.
    Dead,
}

/// What every connection of a hub shares.
pub(crate) struct Core {
    pub(crate) methods: HashMap<String, Method>,
    pub(crate) on_connected: Option<OnConnected>,
    pub(crate) on_disconnected: Option<OnDisconnected>,
    pub(crate) authenticate: Option<Authenticate>,
    pub(crate) redirect: Option<Redirecting>,
    pub(crate) raw: Option<RawHandler>,
    pub(crate) options: Arc<HubOptions>,
    pub(crate) origins: Origins,
    pub(crate) registry: Arc<Registry>,
    pub(crate) reach: Arc<Reach>,
    pub(crate) stage: watch::Sender<Stage>,
    pub(crate) connections: TaskTracker,
}

impl Core {
    /// The method of that name, in any letter case.
    pub(crate) fn method(&self, target: &str) -> Option<&Method> {
        self.methods.get(&target.to_lowercase())
    }

    /// Whether new clients are let in.
    pub(crate) fn is_open(&self) -> bool {
        *self.stage.borrow() == Stage::Open
    }

    pub(crate) fn clients(&self) -> Clients {
        Clients::new(Arc::clone(&self.reach))
    }
}

/// A SignalR hub. Cheap to clone; all clones are the same hub.
#[derive(Clone)]
pub struct Hub {
    core: Arc<Core>,
}

impl Hub {
    /// A hub without methods.
    pub fn builder() -> HubBuilder {
        HubBuilder::new()
    }

    /// A router that serves the hub at `base` and `base/negotiate`, in any letter case.
    ///
    /// Axum matches paths by letter case, so other spellings are found by the router's
    /// fallback. Merged into a router that has a fallback of its own, which axum refuses, or
    /// gets one later, only `base` as written would be left: use [`mount`](Self::mount) then.
    ///
    /// # Panics
    /// If `base` is not a path that starts with `/`, or has `{` or `}` in it.
    pub fn router(&self, base: &str) -> Router {
        http::router(&self.core, base)
    }

    /// A router that serves the hub at `base` in any letter case, and `app` everywhere else.
    /// Layers and the fallback of `app` do not see the hub's requests.
    ///
    /// # Panics
    /// As [`router`](Self::router).
    pub fn mount(&self, base: &str, app: Router) -> Router {
        http::mount(&self.core, base, app)
    }

    /// For sessions over other transports than HTTP's.
    #[cfg(test)]
    pub(crate) fn core_for_tests(&self) -> Arc<Core> {
        Arc::clone(&self.core)
    }

    /// The clients of this hub.
    #[must_use]
    pub fn clients(&self) -> Clients {
        self.core.clients()
    }

    /// Ends the hub for good: lets nobody in any more (503), waits for running calls, tells
    /// every client to reconnect, and waits until all are gone; after `deadline` whatever is
    /// left is dropped. Calls that still run then run on, without anybody to answer.
    ///
    /// Clients are told at the latest when the close timeout, or half the deadline if that
    /// is less, is left. Returns whether everybody left in an orderly way.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        let core = &self.core;
        let farewell = core.options.close_timeout.min(deadline / 2);
        core.stage.send_replace(Stage::Draining);
        core.connections.close();
        let patience = deadline.saturating_sub(farewell);
        if tokio::time::timeout(patience, core.connections.wait())
            .await
            .is_ok()
        {
            return true;
        }
        core.stage.send_replace(Stage::Cutting);
        let orderly = tokio::time::timeout(farewell, core.connections.wait())
            .await
            .is_ok();
        core.stage.send_replace(Stage::Dead);
        core.connections.wait().await;
        orderly
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub")
            .field("connections", &self.core.registry.len())
            .field("options", &self.core.options)
            .finish_non_exhaustive()
    }
}
