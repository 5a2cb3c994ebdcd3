//! Transports: how frames travel. This is the seam under which a WebSocket library can be
//! swapped, and over which server-sent events and long polling can be added.
//!
//! Nothing here knows what a frame means.

mod websocket;

pub(crate) use websocket::{configure, run};

use std::future::Future;

use axum::body::Bytes;

/// A transport as clients and methods name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// `WebSockets`
    WebSockets,
    /// `ServerSentEvents`
    ServerSentEvents,
    /// `LongPolling`
    LongPolling,
}

impl Transport {
    /// The name in a negotiation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }
}

/// A frame to the client: one or several whole hub messages, never a part of one.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// UTF-8.
    Text(Bytes),
}

impl Frame {
    /// The size of the payload in bytes.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Text(bytes) => bytes.len(),
        }
    }
}

/// What arrived from the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// Bytes, in a text or a binary frame alike. They may pin a read buffer: copy to keep.
    Data(Bytes),
    /// More bytes at once than the transport takes. Nothing more can be read.
    TooLong,
    /// The client closed in an orderly way.
    Closed,
    /// The connection is gone.
    Lost,
}

/// The transport can take nothing more.
#[derive(Debug)]
pub(crate) struct Broken;

/// The receiving half of a transport.
pub(crate) trait FrameSource: Send + 'static {
    /// The next thing that arrives. Safe to drop and ask again; after `Closed`, `Lost` or
    /// `TooLong` it keeps answering `Lost`.
    fn next(&mut self) -> impl Future<Output = Inbound> + Send;
}

/// The sending half of a transport.
pub(crate) trait FrameSink: Send + 'static {
    /// Takes a frame; it may stay in a buffer.
    fn feed(&mut self, frame: Frame) -> impl Future<Output = Result<(), Broken>> + Send;
    /// Sends everything that was fed.
    fn flush(&mut self) -> impl Future<Output = Result<(), Broken>> + Send;
    /// Says an orderly farewell (WebSocket: code 1000) after everything that was fed.
    fn close(&mut self) -> impl Future<Output = Result<(), Broken>> + Send;
}
