//! Server-sent events: one event for each hub message, in the body of one long answer.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::mpsc;

use super::{Broken, Frame, FrameSink, Inlet};

/// A comment: without a first byte `onopen` never fires in Firefox.
const OPENING: &[u8] = b":\r\n";

/// The answer to a request for events, and the sink that fills it.
pub(crate) fn events(inlet: Arc<Inlet>) -> (Response, EventSink) {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let opening = stream::iter([Bytes::from_static(OPENING)]);
    let rest = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|bytes| (bytes, receiver))
    });
    let body = stream::StreamExt::chain(opening, rest);
    let body = Body::from_stream(stream::StreamExt::map(body, Ok::<_, Infallible>));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache,no-store"),
        (header::PRAGMA, "no-cache"),
        (header::CONTENT_ENCODING, "identity"),
        // nginx would keep events back until a buffer is full.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let sink = EventSink {
        sender: Some(sender),
        batch: Vec::new(),
        inlet,
    };
    ((headers, body).into_response(), sink)
}

/// Writes events.
pub(crate) struct EventSink {
    sender: Option<mpsc::Sender<Bytes>>,
    batch: Vec<u8>,
    inlet: Arc<Inlet>,
}

/// Appends one event. Line breaks in a message split its data into several lines, which the
/// client puts together again.
fn event(out: &mut Vec<u8>, message: &[u8]) {
    for line in message.split(|byte| *byte == b'\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

impl FrameSink for EventSink {
    async fn feed(&mut self, frame: Frame) -> Result<(), Broken> {
        event(&mut self.batch, &frame.bytes);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        let batch = Bytes::from(std::mem::take(&mut self.batch));
        let sender = self.sender.as_ref().ok_or(Broken)?;
        sender.send(batch).await.map_err(|_| Broken)
    }

    async fn close(&mut self) -> Result<(), Broken> {
        self.sender = None;
        self.inlet.close();
        Ok(())
    }

    async fn gone(&mut self) {
        match &self.sender {
            Some(sender) => sender.closed().await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_in_a_message_become_lines_of_data() {
        let mut out = Vec::new();
        event(&mut out, b"{\"a\":\r\n1}\n\x1e");
        assert_eq!(out, b"data: {\"a\":\r\ndata: 1}\r\ndata: \x1e\r\n\r\n");
    }
}
