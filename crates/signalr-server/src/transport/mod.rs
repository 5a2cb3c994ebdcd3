//! Transports: how frames travel. This is the seam under which a WebSocket library can be
//! swapped. Server-sent events and long polling send over HTTP answers and receive by POST.
//!
//! Nothing here knows what a frame means.

mod events;
mod inlet;
mod polling;
mod websocket;

pub(crate) use events::events;
pub(crate) use inlet::{Inlet, InletSource};
pub(crate) use polling::{Outlet, Polled, PollingSink};
pub(crate) use websocket::{Halves, accept};

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

    /// Whether it carries bytes, not only text.
    pub(crate) const fn is_binary(self) -> bool {
        !matches!(self, Self::ServerSentEvents)
    }
}

/// A frame to the client: one whole hub message, never a part of one.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Bytes, framing included; UTF-8 unless `binary`.
    pub(crate) bytes: Bytes,
    /// Whether it is bytes and not text.
    pub(crate) binary: bool,
    /// Whether stateful reconnect counts it.
    pub(crate) counted: bool,
}

impl Frame {
    /// The size of the payload in bytes.
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// What arrived from the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// Bytes. They may pin a read buffer: copy to keep.
    Data(Bytes),
    /// Bytes in a text frame; to a hub protocol it is all the same.
    Text(Bytes),
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
    /// Waits until the client is known to be gone, where that shows without writing.
    fn gone(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}
