//! Puts a hub together. Nothing runs before [`HubBuilder::build`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{Authenticate, Core, Hub, Method, OnConnected, OnDisconnected, Stage};
use crate::arguments::Arguments;
use crate::auth::{AuthRequest, Unauthorized, User};
use crate::caller::Caller;
use crate::completion::Completion;
use crate::end::DisconnectReason;
use crate::error::HubException;
use crate::http::Origins;
use crate::options::HubOptions;
use crate::registry::Registry;

/// A hub in the making.
#[must_use = "a hub is made by `build`"]
pub struct HubBuilder {
    methods: HashMap<String, Method>,
    on_connected: Option<OnConnected>,
    on_disconnected: Option<OnDisconnected>,
    authenticate: Option<Authenticate>,
    options: HubOptions,
    origins: Origins,
}

impl HubBuilder {
    pub(super) fn new() -> Self {
        Self {
            methods: HashMap::new(),
            on_connected: None,
            on_disconnected: None,
            authenticate: None,
            options: HubOptions::default(),
            origins: Origins::Unchecked,
        }
    }

    /// Adds a method. Clients find it in any letter case.
    ///
    /// Calls of one connection run one after the other, each in a task of its own: a panic is
    /// answered with the generic text, and a call runs to its end even if the client leaves.
    ///
    /// # Panics
    /// If there is a method of that name already.
    pub fn method<F, Fut>(mut self, name: &str, method: F) -> Self
    where
        F: Fn(Caller, Arguments) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Completion, HubException>> + Send + 'static,
    {
        let boxed: Method = Arc::new(move |caller, arguments| Box::pin(method(caller, arguments)));
        let earlier = self.methods.insert(name.to_lowercase(), boxed);
        assert!(earlier.is_none(), "two hub methods are called '{name}'");
        self
    }

    /// Called when a client has connected, before its first call. Messages already reach the
    /// client. After an error the client is told and the connection ends.
    pub fn on_connected<F, Fut>(mut self, callback: F) -> Self
    where
        F: Fn(Caller) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HubException>> + Send + 'static,
    {
        self.on_connected = Some(Box::new(move |caller| Box::pin(callback(caller))));
        self
    }

    /// Called once when a connection has ended and its last call has finished; not if the
    /// connect callback refused it.
    pub fn on_disconnected<F, Fut>(mut self, callback: F) -> Self
    where
        F: Fn(Caller, DisconnectReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_disconnected = Some(Box::new(move |caller, reason| {
            Box::pin(callback(caller, reason))
        }));
        self
    }

    /// Decides who is let in; without it everybody is, as nobody in particular. Asked for
    /// every negotiation and every upgrade.
    pub fn authenticate<F, Fut>(mut self, authenticate: F) -> Self
    where
        F: Fn(AuthRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<User>, Unauthorized>> + Send + 'static,
    {
        self.authenticate = Some(Box::new(move |request| Box::pin(authenticate(request))));
        self
    }

    /// Timeouts and limits.
    pub fn options(mut self, options: HubOptions) -> Self {
        self.options = options;
        self
    }

    /// Lets web pages of other origins in: CORS, and a check of `Origin` on WebSockets, to
    /// which CORS does not apply. Default [`Origins::Unchecked`].
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// The hub.
    pub fn build(self) -> Hub {
        let registry = Registry::new(self.options.disconnect_timeout);
        Hub {
            core: Arc::new(Core {
                methods: self.methods,
                on_connected: self.on_connected,
                on_disconnected: self.on_disconnected,
                authenticate: self.authenticate,
                options: Arc::new(self.options),
                origins: self.origins,
                registry: Arc::new(registry),
                stage: watch::Sender::new(Stage::Open),
                connections: TaskTracker::new(),
            }),
        }
    }
}
