//! Stateful reconnect on the session's side: what counts, what is acknowledged, and the next
//! socket of the same connection.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::connection::replay::{Gap, Heard, Replay};
use crate::connection::writer::Attached;
use crate::protocol::Incoming;

/// At most one Ack in this time.
const ACK_INTERVAL: Duration = Duration::from_secs(1);

/// The state of one connection.
pub(in crate::connection) struct Reattachment<R, W> {
    heard: Heard,
    replay: Arc<Replay>,
    again: mpsc::Receiver<(R, W)>,
    transports: mpsc::Sender<Attached<W>>,
    /// Of the socket in use: stop writing to it, and: it takes nothing more.
    given_up: CancellationToken,
    failed: CancellationToken,
    /// Until when the client may come back, if it is away.
    away_until: Option<Instant>,
    ack_at: Option<Instant>,
}

/// What happens without the client having said anything.
pub(super) enum Event<R> {
    /// The socket takes nothing more.
    Failed,
    /// The client did not come back in time.
    Away,
    /// It is time to acknowledge everything up to this message.
    Ack(u64),
    /// The client is on a new socket.
    Attached(R),
}

impl<R, W> Reattachment<R, W> {
    pub(in crate::connection) fn new(
        replay: Arc<Replay>,
        again: mpsc::Receiver<(R, W)>,
        transports: mpsc::Sender<Attached<W>>,
        (given_up, failed): (CancellationToken, CancellationToken),
    ) -> Self {
        Self {
            heard: Heard::new(),
            replay,
            again,
            transports,
            given_up,
            failed,
            away_until: None,
            ack_at: None,
        }
    }

    /// Takes what is about reconnecting; gives back what is to be served.
    pub(super) fn count(&mut self, message: Incoming) -> Result<Option<Incoming>, Gap> {
        match message {
            Incoming::Sequence(sequence_id) => self.heard.sequence(sequence_id)?,
            _ if self.heard.awaits_sequence() => {}
            Incoming::Ack(sequence_id) => self.replay.acknowledge(sequence_id),
            message if !message.is_counted() => return Ok(Some(message)),
            message => {
                let is_new = self.heard.count();
                if self.heard.owes_ack() && self.ack_at.is_none() {
                    self.ack_at = Some(Instant::now() + ACK_INTERVAL);
                }
                return Ok(is_new.then_some(message));
            }
        }
        Ok(None)
    }

    /// The socket is gone; the client has `patience` to come back.
    pub(super) fn detach(&mut self, patience: Duration) {
        self.given_up.cancel();
        self.away_until
            .get_or_insert_with(|| Instant::now() + patience);
    }

    fn attach(&mut self, (source, sink): (R, W)) -> Event<R> {
        let attached = Attached::new(sink);
        self.given_up.cancel();
        (self.given_up, self.failed) = (attached.given_up.clone(), attached.failed.clone());
        self.heard.reattached();
        self.away_until = None;
        if let Err(unsent) = self.transports.try_send(attached) {
            // More new sockets than the writer has looked at: this one is dropped, and the
            // client comes with yet another.
            unsent.into_inner().failed.cancel();
        }
        Event::Attached(source)
    }
}

/// The next event; never, without stateful reconnect.
pub(super) async fn event<R, W>(reattachment: &mut Option<Reattachment<R, W>>) -> Event<R> {
    let Some(state) = reattachment else {
        return pending().await;
    };
    let is_here = state.away_until.is_none();
    let pair = tokio::select! {
        biased;
        Some(pair) = state.again.recv() => pair,
        () = state.failed.cancelled(), if is_here => return Event::Failed,
        () = at(state.away_until) => return Event::Away,
        () = at(state.ack_at), if is_here => {
            state.ack_at = None;
            return Event::Ack(state.heard.ack());
        }
    };
    state.attach(pair)
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
