//! WebSockets. The only files that name the WebSocket library.
//!
//! Axum checks the request and writes the answer; the socket is opened here, because what comes
//! before the library must be seen too (see [`polite`]).

mod polite;

use std::future::ready;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, WebSocketUpgrade};
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, Utf8Bytes};

use self::polite::Polite;
use super::{Broken, Frame, FrameSink, FrameSource, Inbound};
use crate::options::HubOptions;

/// Read and write buffers; the library's 128 KiB each would be allocated per connection.
const BUFFER_BYTES: usize = 4096;

/// The library's own limit is this many times the hub's, so that an oversize message is
/// seen, and answered, by the hub and not by WebSocket code 1009.
const TRANSPORT_LIMIT_FACTOR: usize = 8;

type Socket = WebSocketStream<Polite<TokioIo<Upgraded>>>;

/// The buffers and limits of a connection.
fn config(options: &HubOptions) -> WebSocketConfig {
    let limit = options
        .maximum_message_bytes
        .saturating_mul(TRANSPORT_LIMIT_FACTOR);
    WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(options.send_queue_bytes.saturating_add(4 * BUFFER_BYTES))
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
}

/// The answer to a request for a WebSocket, and the socket that it becomes when the answer has
/// left: `None` if the client has gone by then. The error is the refusal of what is no such
/// request.
pub(crate) async fn accept(
    parts: &mut Parts,
    options: &HubOptions,
) -> Result<
    (
        Response,
        impl Future<Output = Option<Halves>> + Send + use<>,
    ),
    Response,
> {
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    if upgrade.is_some() {
        // One that never happens: axum is wanted for its checks and its answer alone.
        let never = hyper::upgrade::on(Request::new(()));
        parts.extensions.insert(never);
    }
    let checked = WebSocketUpgrade::from_request_parts(parts, &()).await;
    let checked = checked.map_err(IntoResponse::into_response)?;
    let answer = checked.on_upgrade(|_| ready(()));
    let config = config(options);
    let socket = async move {
        let io = Polite::new(TokioIo::new(upgrade?.await.ok()?));
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Some(take_apart(socket))
    };
    Ok((answer, socket))
}

/// The two halves of a socket.
pub(crate) type Halves = (Source, Sink);

fn take_apart(socket: Socket) -> Halves {
    let (sink, stream) = socket.split();
    let source = Source {
        stream,
        ended: false,
    };
    (source, Sink(sink))
}

pub(crate) struct Source {
    stream: SplitStream<Socket>,
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
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                // The library has queued the answer to the close; asking again sends it.
                Some(Ok(Message::Close(_))) => return Inbound::Closed,
                Some(Err(Error::Capacity(_))) => Inbound::TooLong,
                Some(Err(_)) | None => Inbound::Lost,
            };
            self.ended = true;
            return inbound;
        }
    }
}

pub(crate) struct Sink(SplitSink<Socket, Message>);

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
            code: CloseCode::Normal,
            reason: Utf8Bytes::from_static(""),
        };
        self.0
            .send(Message::Close(Some(frame)))
            .await
            .map_err(|_| Broken)
    }
}
