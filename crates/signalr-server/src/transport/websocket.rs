//! WebSockets through axum. The only file that names the WebSocket library.

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};

use super::{Broken, Frame, FrameSink, FrameSource, Inbound};
use crate::options::HubOptions;

/// Read and write buffers; the library's 128 KiB each would be allocated per connection.
const BUFFER_BYTES: usize = 4096;

/// The library's own limit is this many times the hub's, so that an oversize message is
/// seen, and answered, by the hub and not by WebSocket code 1009.
const TRANSPORT_LIMIT_FACTOR: usize = 8;

/// Sets the buffers and limits of a connection.
pub(crate) fn configure(upgrade: WebSocketUpgrade, options: &HubOptions) -> WebSocketUpgrade {
    let limit = options
        .maximum_message_bytes
        .saturating_mul(TRANSPORT_LIMIT_FACTOR);
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(options.send_queue_bytes.saturating_add(4 * BUFFER_BYTES))
        .max_message_size(limit)
        .max_frame_size(limit)
}

/// The two halves of a socket.
pub(crate) type Halves = (Source, Sink);

/// Takes a socket apart.
pub(crate) fn run(socket: WebSocket) -> Halves {
    let (sink, stream) = socket.split();
    let source = Source {
        stream,
        ended: false,
    };
    (source, Sink(sink))
}

pub(crate) struct Source {
    stream: SplitStream<WebSocket>,
    ended: bool,
}

impl FrameSource for Source {
    async fn next(&mut self) -> Inbound {
        if self.ended {
            return Inbound::Lost;
        }
        loop {
            let inbound = match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Inbound::Text(Bytes::from(text)),
                Some(Ok(Message::Binary(bytes))) => return Inbound::Data(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                // The library has queued the answer to the close; asking again sends it.
                Some(Ok(Message::Close(_))) => return Inbound::Closed,
                Some(Err(error)) if is_too_long(&error) => Inbound::TooLong,
                Some(Err(_)) | None => Inbound::Lost,
            };
            self.ended = true;
            return inbound;
        }
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<tungstenite::Error>() {
            return matches!(error, tungstenite::Error::Capacity(_));
        }
        source = error.source();
    }
    false
}

pub(crate) struct Sink(SplitSink<WebSocket, Message>);

impl FrameSink for Sink {
    async fn feed(&mut self, frame: Frame) -> Result<(), Broken> {
        let message = if frame.binary {
            Message::Binary(frame.bytes)
        } else {
            Message::Text(Utf8Bytes::try_from(frame.bytes).map_err(|_| Broken)?)
        };
        self.0.feed(message).await.map_err(|_| Broken)
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        self.0.flush().await.map_err(|_| Broken)
    }

    async fn close(&mut self) -> Result<(), Broken> {
        let frame = CloseFrame {
            code: close_code::NORMAL,
            reason: Utf8Bytes::from_static(""),
        };
        self.0
            .send(Message::Close(Some(frame)))
            .await
            .map_err(|_| Broken)
    }
}
