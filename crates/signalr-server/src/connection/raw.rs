//! Connections without a hub protocol: bytes in, bytes out, over whatever transport the client
//! chose.

use std::sync::Arc;

use axum::body::Bytes;
use tokio::sync::mpsc;

use super::outbox::Pushed;
use super::stages::{Opening, part};
use super::writer::{Attached, Writer};
use super::{Origin, Outbox};
use crate::hub::{Core, RawHandler};
use crate::transport::{Frame, FrameSink, FrameSource, Inbound};

/// How many messages wait for the handler before the client is held back.
const WAITING: usize = 16;

/// A connection without a hub protocol, as its handler sees it. It ends when the handler
/// returns.
pub struct RawConnection {
    received: mpsc::Receiver<RawMessage>,
    outbox: Arc<Outbox>,
}

/// What travels on a raw connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMessage {
    /// The bytes, as the client grouped them; a POST may come in several pieces.
    pub bytes: Bytes,
    /// Whether they came, or are to go, as bytes and not as text. Matters to WebSockets only.
    pub binary: bool,
}

impl RawConnection {
    /// What the client sent next; `None` when it has left.
    pub async fn receive(&mut self) -> Option<RawMessage> {
        self.received.recv().await
    }

    /// Sends to the client, without waiting. `false` if the client is gone or has read too
    /// little for too long.
    pub fn send(&self, message: RawMessage) -> bool {
        let frame = Frame {
            bytes: message.bytes,
            binary: message.binary,
            counted: false,
        };
        self.outbox.push(frame) == Pushed::Queued
    }
}

impl std::fmt::Debug for RawConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawConnection").finish_non_exhaustive()
    }
}

/// Serves a raw connection until either side has ended it.
pub(super) async fn live<R: FrameSource, W: FrameSink>(
    core: &Core,
    handler: &RawHandler,
    origin: Box<Origin>,
    opening: Opening<R, W>,
) {
    let outbox = Arc::new(Outbox::new(&core.options));
    let writer = Writer::new(
        Attached::new(opening.sink),
        Arc::clone(&outbox),
        Arc::clone(&core.options),
        false,
        None,
    );
    let writing = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(writer.run()));
    let (sender, received) = mpsc::channel(WAITING);
    let connection = RawConnection {
        received,
        outbox: Arc::clone(&outbox),
    };
    let handling = tokio::spawn(handler(connection));
    tracing::debug!(connection = origin.number, "raw connection");
    let mut source = opening.source;
    tokio::select! {
        () = forward(&mut source, sender.clone()) => {}
        () = sender.closed() => {}
        () = until_dead(core) => {}
    }
    drop(sender);
    // Its panic, if any, ends only this connection.
    drop(handling.await);
    outbox.finish(None);
    part(core, Some(source), writing, false).await;
}

async fn forward<R: FrameSource>(source: &mut R, sender: mpsc::Sender<RawMessage>) {
    loop {
        let (bytes, binary) = match source.next().await {
            Inbound::Data(bytes) => (bytes, true),
            Inbound::Text(bytes) => (bytes, false),
            Inbound::Closed | Inbound::Lost | Inbound::TooLong => return,
        };
        // A copy, because the handler may keep it and a frame pins a read buffer.
        let bytes = Bytes::copy_from_slice(&bytes);
        if sender.send(RawMessage { bytes, binary }).await.is_err() {
            return;
        }
    }
}

async fn until_dead(core: &Core) {
    let mut stage = core.stage.subscribe();
    drop(
        stage
            .wait_for(|stage| *stage > crate::hub::Stage::Open)
            .await,
    );
}
