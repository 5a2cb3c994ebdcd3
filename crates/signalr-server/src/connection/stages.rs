//! The stages of a connection's life: handshake, session, farewell.

use std::sync::Arc;

use futures_util::future::{join, pending};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::greeting::shake_hands;
use super::replay::Replay;
use super::session::{Reattachment, Session};
use super::writer::{Attached, Resume, Writer};
use super::{Connection, Origin, Outbox, raw};
use crate::caller::Caller;
use crate::end::DisconnectReason;
use crate::hub::{Core, Stage};
use crate::protocol::{Protocol, Records, refusal, welcome};
use crate::transport::{Broken, Frame, FrameSink, FrameSource, Inbound, Transport};

pub(super) type Writing = AbortOnDropHandle<Result<(), Broken>>;

/// A transport that a connection begins on.
pub(crate) struct Opening<R, W> {
    pub(crate) source: R,
    pub(crate) sink: W,
    /// Where the connection's next transports come from, with stateful reconnect.
    pub(crate) again: Option<mpsc::Receiver<(R, W)>>,
}

/// Serves a connection until it has ended, or the hub is dead.
pub(crate) async fn serve<R: FrameSource, W: FrameSink>(
    core: Arc<Core>,
    origin: Box<Origin>,
    opening: Opening<R, W>,
) {
    let mut stage = core.stage.subscribe();
    let life = async {
        match &core.raw {
            // On the heap, because most connections need no room for it.
            Some(handler) => Box::pin(raw::live(&core, handler, origin, opening)).await,
            None => live(Arc::clone(&core), origin, opening).await,
        }
    };
    tokio::select! {
        biased;
        () = life => {}
        _ = stage.wait_for(|stage| *stage == Stage::Dead) => {}
    }
}

async fn live<R: FrameSource, W: FrameSink>(
    core: Arc<Core>,
    origin: Box<Origin>,
    opening: Opening<R, W>,
) {
    let Opening {
        mut source,
        sink,
        again,
    } = opening;
    let (number, transport) = (origin.number, origin.transport);
    let outbox = Arc::new(Outbox::new(&core.options));
    let attached = Attached::new(sink);
    let tokens = (attached.given_up.clone(), attached.failed.clone());
    let (resume, resumes) = oneshot::channel();
    let writer = Writer::new(
        attached,
        Arc::clone(&outbox),
        Arc::clone(&core.options),
        transport != Transport::LongPolling,
        again.is_some().then_some(resumes),
    );
    let mut writing: Writing = AbortOnDropHandle::new(tokio::spawn(writer.run()));
    let mut records = Records::new(core.options.maximum_message_bytes);

    // On the heap, as the end is: a connection is long, and needs no room for either meanwhile.
    let greeting = Box::pin(shake_hands(&core, transport, &mut source, &mut records)).await;
    let accepted = match greeting {
        Ok(accepted) => accepted,
        Err(refused) => {
            tracing::debug!(connection = number, "handshake failed");
            outbox.finish(refused.map(|text| Protocol::Json.frame(refusal(&text), false)));
            Box::pin(part(&core, Some(source), writing, false)).await;
            return;
        }
    };
    let protocol = accepted.protocol;
    outbox.keep_alive_with(protocol.ping());
    let reattachment = again
        .filter(|_| accepted.version >= 2)
        .map(|again| resumable(&core, protocol, again, resume, tokens));

    let connection = Connection::new(
        origin,
        protocol,
        Arc::clone(&outbox),
        reattachment.is_none(),
    );
    let connection = Arc::new(connection);
    let listed = Listed::new(Arc::clone(&core), Arc::clone(&connection));
    tracing::debug!(connection = number, "connected");
    let caller = Caller::new(Arc::clone(&connection), core.clients());
    let mut session = Session::new(&core, &caller, source, records, reattachment);
    connection.end(session.run(&mut writing).await);
    drop(listed);

    let reason = connection.reason();
    tracing::debug!(connection = number, reason = reason.name(), "disconnected");
    say_farewell(&core, &outbox, protocol, &reason);
    let (source, running, too_long) = session.into_parts();
    let aftermath = async {
        // Panics, if any, were answered where they happened.
        for call in running {
            drop(call.await);
        }
        disconnect(&core, caller, reason).await;
    };
    Box::pin(join(part(&core, source, writing, too_long), aftermath)).await;
}

/// Lets the writer end with what the client is told of the end.
fn say_farewell(core: &Core, outbox: &Outbox, protocol: Protocol, reason: &DisconnectReason) {
    let farewell = reason.farewell(core.options.detailed_errors);
    let close = farewell
        .map(|farewell| protocol.close(farewell.error.as_deref(), farewell.allow_reconnect));
    outbox.finish(close);
}

/// Agrees with the writer that the connection outlives its transport.
fn resumable<R, W>(
    core: &Core,
    protocol: Protocol,
    again: mpsc::Receiver<(R, W)>,
    resume: oneshot::Sender<Resume<W>>,
    tokens: (CancellationToken, CancellationToken),
) -> Reattachment<R, W> {
    let replay = Arc::new(Replay::new(core.options.stateful_reconnect_bytes));
    let (transports, receiver) = mpsc::channel(4);
    // If the writer has ended already, so will the session.
    drop(resume.send(Resume {
        replay: Arc::clone(&replay),
        protocol,
        transports: receiver,
    }));
    Reattachment::new(replay, again, transports, tokens)
}

/// Accepts the handshake, puts the connection on the list of those that messages reach, and
/// in the end takes it off again.
struct Listed {
    core: Arc<Core>,
    connection: Arc<Connection>,
}

impl Listed {
    fn new(core: Arc<Core>, connection: Arc<Connection>) -> Self {
        let welcome: Frame = connection.protocol.frame(welcome(), false);
        core.registry.add(&connection, welcome);
        Self { core, connection }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.core.registry.remove(&self.connection);
        // Does nothing unless the hub died under the connection.
        self.connection.end(DisconnectReason::Shutdown);
    }
}

async fn disconnect(core: &Arc<Core>, caller: Caller, reason: DisconnectReason) {
    if core.on_disconnected.is_none() || matches!(reason, DisconnectReason::Refused { .. }) {
        return;
    }
    let core = Arc::clone(core);
    let callback = tokio::spawn(async move {
        if let Some(callback) = &core.on_disconnected {
            callback(caller, reason).await;
        }
    });
    if callback.await.is_err() {
        tracing::error!("the disconnect callback panicked");
    }
}

/// Sends what is queued, says farewell and waits for the client's side, but not for long.
pub(super) async fn part<R: FrameSource>(
    core: &Core,
    source: Option<R>,
    writing: Writing,
    too_long: bool,
) {
    let written = async {
        // A task must not be asked again for a result that it has given.
        if !writing.is_finished() {
            drop(writing.await);
        }
    };
    let drain = async {
        let Some(mut source) = source else { return };
        while !matches!(source.next().await, Inbound::Lost) {}
        if too_long {
            // Closing with bytes unread resets the connection and may overtake the farewell.
            pending::<()>().await;
        }
    };
    // On a timeout the writer is stopped and the socket dropped.
    drop(timeout(core.options.close_timeout, join(written, drain)).await);
}
