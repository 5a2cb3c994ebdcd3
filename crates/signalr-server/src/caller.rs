//! The connection that called a method, as methods and callbacks see it.

use std::sync::Arc;

use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::arguments::ArgumentList;
use crate::auth::User;
use crate::clients::{Clients, Recipients};
use crate::connection::Connection;
use crate::end::DisconnectReason;
use crate::error::EncodeError;
use crate::invoke::{InvokeError, ask};
use crate::transport::Transport;

/// The connection that called. Cheap to clone, and may be kept after the call.
#[derive(Clone)]
pub struct Caller {
    connection: Arc<Connection>,
    clients: Clients,
    cancelled: Option<CancellationToken>,
}

impl Caller {
    pub(crate) const fn new(connection: Arc<Connection>, clients: Clients) -> Self {
        Self {
            connection,
            clients,
            cancelled: None,
        }
    }

    /// The same connection, in a call that can be cancelled.
    pub(crate) fn in_call(&self, cancelled: CancellationToken) -> Self {
        Self {
            cancelled: Some(cancelled),
            ..self.clone()
        }
    }

    pub(crate) const fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The public connection id. Do not log it: under negotiation version 0 it also opened
    /// the connection.
    #[must_use]
    pub fn connection_id(&self) -> &str {
        &self.connection.origin.id
    }

    /// The user that the authenticator returned when the connection was opened.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.connection.origin.user.as_ref()
    }

    /// The id of that user.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user().map(User::id)
    }

    /// A query parameter of the request that opened the connection, its name in any letter
    /// case. `id` and `access_token` are not kept.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.connection.origin.query.get(name)
    }

    /// The headers of the request that opened the connection.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.connection.origin.headers
    }

    /// The transport of the connection.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.connection.origin.transport
    }

    /// Calls `target` on this client, without waiting. What a method sends before it returns
    /// arrives before its completion. Nothing happens if the client is gone.
    ///
    /// # Errors
    /// The arguments cannot be serialized; nothing was sent.
    pub fn send_to_caller<A: ArgumentList + ?Sized>(
        &self,
        target: &str,
        arguments: &A,
    ) -> Result<(), EncodeError> {
        let frame = self
            .connection
            .protocol
            .invocation(None, target, arguments)?;
        self.connection.push(frame);
        Ok(())
    }

    /// Calls `target` on this client and waits for its answer; see
    /// [`Recipients::invoke`](crate::Recipients::invoke).
    ///
    /// # Errors
    /// [`InvokeError::WouldDeadlock`] in a method of a hub that runs one call at a time.
    pub async fn invoke<R: DeserializeOwned>(
        &self,
        target: &str,
        arguments: &(impl ArgumentList + ?Sized),
    ) -> Result<R, InvokeError> {
        ask(&self.connection, target, arguments).await
    }

    /// Every other client of the hub.
    pub fn others(&self) -> Recipients<'_> {
        self.clients.all_but(&self.connection.origin.id)
    }

    /// Adds this connection to a group, until it leaves or ends.
    pub fn join_group(&self, group: &str) {
        self.clients.add_to_group(self.connection_id(), group);
    }

    /// Takes this connection out of a group.
    pub fn leave_group(&self, group: &str) {
        self.clients.remove_from_group(self.connection_id(), group);
    }

    /// All clients of the hub.
    #[must_use]
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Ends the connection: Close without an error and without leave to reconnect. Nothing that
    /// is sent from now on arrives, the answer of a running call included.
    pub fn abort(&self) {
        self.connection.end(DisconnectReason::Aborted);
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.connection.ended().is_cancelled()
    }

    /// Waits until the client has cancelled this call, or the connection has ended. A method is
    /// not stopped by that; a stream is.
    pub async fn cancelled(&self) {
        match &self.cancelled {
            Some(cancelled) => cancelled.cancelled().await,
            None => self.disconnected().await,
        }
    }

    /// Waits until the connection has ended. A method is not stopped by that; one that can
    /// stop early selects on this.
    pub async fn disconnected(&self) {
        self.connection.ended().cancelled().await;
    }
}

impl std::fmt::Debug for Caller {
    /// The number that names the connection in logs; no id, no header.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("connection", &self.connection.origin.number)
            .finish_non_exhaustive()
    }
}
