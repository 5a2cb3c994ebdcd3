//! Puts a hub together. Nothing runs before [`HubBuilder::build`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::Stream;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{
    Authenticate, Core, Hub, Method, OnConnected, OnDisconnected, RawHandler, Redirecting, Stage,
    method,
};
use crate::arguments::FromArguments;
use crate::auth::{AuthRequest, Unauthorized, User};
use crate::caller::Caller;
use crate::completion::IntoCompletion;
use crate::connection::RawConnection;
use crate::end::DisconnectReason;
use crate::error::HubException;
use crate::http::{Origins, Redirect};
use crate::lifetime::{HubLifetime, InProcess, Reach};
use crate::options::HubOptions;
use crate::registry::Registry;
use crate::upload::Uploads;

/// A hub in the making.
#[must_use = "a hub is made by `build`"]
pub struct HubBuilder {
    methods: HashMap<String, Method>,
    on_connected: Option<OnConnected>,
    on_disconnected: Option<OnDisconnected>,
    authenticate: Option<Authenticate>,
    redirect: Option<Redirecting>,
    raw: Option<RawHandler>,
    options: HubOptions,
    origins: Origins,
    lifetime: Box<dyn HubLifetime>,
}

impl HubBuilder {
    pub(super) fn new() -> Self {
        Self {
            methods: HashMap::new(),
            on_connected: None,
            on_disconnected: None,
            authenticate: None,
            redirect: None,
            raw: None,
            options: HubOptions::default(),
            origins: Origins::Unchecked,
            lifetime: Box::new(InProcess),
        }
    }

    /// Adds a method. Clients find it in any letter case.
    ///
    /// Its arguments are a tuple (`()` for none) or [`Arguments`](crate::Arguments); it answers
    /// with anything that serializes, or a [`Completion`](crate::Completion).
    ///
    /// Calls of one connection run one after the other, unless
    /// [`maximum_parallel_invocations`](HubOptions::maximum_parallel_invocations) says
    /// otherwise. A call begins in the task of its connection, and goes on in one of its own once
    /// it has to wait for something: it runs to its end even if the client leaves. A panic is
    /// answered with the generic text.
    ///
    /// # Panics
    /// If there is a method of that name already.
    pub fn method<A, R, F, Fut>(self, name: &str, method: F) -> Self
    where
        A: FromArguments,
        R: IntoCompletion,
        F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HubException>> + Send + 'static,
    {
        self.add(name, method::plain(method))
    }

    /// Adds a method that also takes streams which the client uploads: an
    /// [`Upload`](crate::Upload), or a tuple of them. It runs beside other calls.
    ///
    /// # Panics
    /// If there is a method of that name already.
    pub fn upload<A, U, R, F, Fut>(self, name: &str, method: F) -> Self
    where
        A: FromArguments,
        U: Uploads,
        R: IntoCompletion,
        F: Fn(Caller, A, U) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, HubException>> + Send + 'static,
    {
        self.add(name, method::plain_with_uploads(method))
    }

    /// Adds a method that answers with a stream. It runs beside other calls, waits for clients
    /// that read slowly, and is dropped when the client cancels it or leaves.
    ///
    /// # Panics
    /// If there is a method of that name already.
    pub fn stream<A, S, T, F, Fut>(self, name: &str, method: F) -> Self
    where
        A: FromArguments,
        S: Stream<Item = Result<T, HubException>> + Send + 'static,
        T: Serialize + Send + Sync + 'static,
        F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, HubException>> + Send + 'static,
    {
        self.add(name, method::streaming(method))
    }

    /// Adds a method that takes streams and answers with one.
    ///
    /// # Panics
    /// If there is a method of that name already.
    pub fn upload_stream<A, U, S, T, F, Fut>(self, name: &str, method: F) -> Self
    where
        A: FromArguments,
        U: Uploads,
        S: Stream<Item = Result<T, HubException>> + Send + 'static,
        T: Serialize + Send + Sync + 'static,
        F: Fn(Caller, A, U) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, HubException>> + Send + 'static,
    {
        self.add(name, method::streaming_with_uploads(method))
    }

    fn add(mut self, name: &str, method: Method) -> Self {
        let earlier = self.methods.insert(name.to_lowercase(), method);
        assert!(earlier.is_none(), "two hub methods are called '{name}'");
        self
    }

    /// Sends clients elsewhere: asked for every negotiation that was let in. The client
    /// negotiates again at the [`Redirect`]'s URL.
    pub fn redirect<F>(mut self, redirect: F) -> Self
    where
        F: Fn(&AuthRequest) -> Option<Redirect> + Send + Sync + 'static,
    {
        self.redirect = Some(Box::new(redirect));
        self
    }

    /// Serves connections without a hub protocol: negotiation, transports and authentication
    /// are the hub's, and the bytes are the handler's. Methods and callbacks are not used then.
    pub fn raw<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(RawConnection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.raw = Some(Box::new(move |connection| Box::pin(handler(connection))));
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

    /// Decides who is let in; without it everybody is, as the [`User`] that a layer around the
    /// router has put into the request's extensions, or as nobody in particular.
    ///
    /// Asked for every negotiation and every transport, and for every poll and POST that
    /// carries a token; without one those stand for whoever negotiated.
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

    /// Makes this process one of several that act as one hub. Default [`InProcess`].
    pub fn lifetime(mut self, lifetime: impl HubLifetime) -> Self {
        self.lifetime = Box::new(lifetime);
        self
    }

    /// The hub.
    pub fn build(self) -> Hub {
        let registry = Arc::new(Registry::new(self.options.disconnect_timeout));
        Hub {
            core: Arc::new(Core {
                methods: self.methods,
                on_connected: self.on_connected,
                on_disconnected: self.on_disconnected,
                authenticate: self.authenticate,
                redirect: self.redirect,
                raw: self.raw,
                options: Arc::new(self.options),
                origins: self.origins,
                reach: Reach::new(Arc::clone(&registry), self.lifetime),
                registry,
                stage: watch::Sender::new(Stage::Open),
                connections: TaskTracker::new(),
            }),
        }
    }
}
