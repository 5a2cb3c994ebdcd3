//! One client, whatever its transport: its identity, its outbound queue and its end.
//!
//! Nothing here waits: sending either queues or ends the connection.

mod calls;
mod greeting;
mod outbox;
mod raw;
mod replay;
mod session;
mod stages;
mod writer;

pub(crate) use calls::{Begun, Calls, Limits, NotBegun};
pub(crate) use outbox::Outbox;
pub use raw::{RawConnection, RawMessage};
pub(crate) use stages::{Opening, serve};

use std::sync::{Arc, OnceLock};

use axum::http::HeaderMap;
use tokio_util::sync::CancellationToken;

use crate::auth::User;
use crate::end::DisconnectReason;
use crate::protocol::Protocol;
use crate::query::Query;
use crate::transport::{Frame, Transport};
use outbox::Pushed;

/// What is known of a connection before its handshake.
pub(crate) struct Origin {
    /// Names the connection in logs; ids and tokens are never logged.
    pub(crate) number: u64,
    /// The public id.
    pub(crate) id: Arc<str>,
    pub(crate) user: Option<User>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) transport: Transport,
}

/// A connection after its handshake.
pub(crate) struct Connection {
    pub(crate) origin: Box<Origin>,
    pub(crate) protocol: Protocol,
    pub(crate) calls: Arc<Calls>,
    /// Whether answers wait while much is queued, so that a client which calls faster than it
    /// reads is held back. Not with stateful reconnect: room comes with an Ack then, which may
    /// stand behind the very calls that would be held back.
    holds_back: bool,
    outbox: Arc<Outbox>,
    ended: CancellationToken,
    reason: OnceLock<DisconnectReason>,
}

impl Connection {
    fn new(origin: Box<Origin>, protocol: Protocol, outbox: Arc<Outbox>, holds_back: bool) -> Self {
        Self {
            origin,
            protocol,
            calls: Arc::default(),
            holds_back,
            outbox,
            ended: CancellationToken::new(),
            reason: OnceLock::new(),
        }
    }

    /// Queues a frame, or ends the connection if too much waits already. Whether it was
    /// queued.
    pub(crate) fn push(&self, frame: Frame) -> bool {
        match self.outbox.push(frame) {
            Pushed::Queued => true,
            Pushed::Overflow => {
                self.end(DisconnectReason::SlowClient);
                false
            }
            Pushed::Sealed => false,
        }
    }

    /// Ends the connection; the first reason stays. Nothing pushed from now on is sent.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        if self.reason.set(reason).is_ok() {
            self.outbox.seal();
            self.ended.cancel();
            self.calls.close();
        }
    }

    /// As [`push`](Self::push), but waits while much is queued. For streams.
    pub(crate) async fn push_when_room(&self, frame: Frame) -> bool {
        self.outbox.half_empty().await;
        self.push(frame)
    }

    /// Queues the answer of a call, which may have to wait for room.
    pub(crate) async fn answer(&self, frame: Frame) {
        if self.holds_back {
            self.outbox.half_empty().await;
        }
        self.push(frame);
    }

    /// Cancelled when the connection has ended, for whatever reason.
    pub(crate) const fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    /// The first reason it was ended for.
    fn reason(&self) -> DisconnectReason {
        self.reason
            .get()
            .cloned()
            .unwrap_or(DisconnectReason::TransportLost)
    }
}
