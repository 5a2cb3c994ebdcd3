//! The connection that called a method, as methods and callbacks see it.

use std::sync::Arc;

use axum::http::HeaderMap;

use crate::arguments::ArgumentList;
use crate::auth::User;
use crate::clients::Clients;
use crate::connection::Connection;
use crate::end::DisconnectReason;
use crate::error::EncodeError;
use crate::transport::Transport;

/// The connection that called. Cheap to clone, and may be kept after the call.
#[derive(Clone)]
pub struct Caller {
    connection: Arc<Connection>,
    clients: Clients,
}

impl Caller {
    pub(crate) const fn new(connection: Arc<Connection>, clients: Clients) -> Self {
        Self {
            connection,
            clients,
        }
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
        let frame = self.connection.protocol.invocation(target, arguments)?;
        self.connection.push(frame);
        Ok(())
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
