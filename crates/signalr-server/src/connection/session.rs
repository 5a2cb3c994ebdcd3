//! The life of one connection: handshake, connect callback, calls one after the other, end.
//!
//! It reads while a call runs, so that the end of the connection is noticed, but starts no
//! second call. A call is never stopped: it runs to its end in a task of its own.

use std::sync::Arc;

use futures_util::future::{join, pending};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{Connection, Origin, Outbox, writer};
use crate::caller::Caller;
use crate::dispatch::{self, Step};
use crate::end::DisconnectReason;
use crate::error::CLOSED_WITH_ERROR;
use crate::hub::{Core, Stage};
use crate::protocol::{
    HandshakeError, Oversize, Protocol, Records, parse_handshake, refusal, welcome,
};
use crate::transport::{Broken, Frame, FrameSink, FrameSource, Inbound};

/// How much may be read ahead while a call runs, in bytes.
const READ_AHEAD: usize = 64 * 1024;

type Writer = AbortOnDropHandle<Result<(), Broken>>;

/// Serves a connection until it has ended, or the hub is dead.
pub(crate) async fn serve<R: FrameSource, W: FrameSink>(
    core: Arc<Core>,
    origin: Origin,
    source: R,
    sink: W,
) {
    let mut stage = core.stage.subscribe();
    let life = live(Arc::clone(&core), origin, source, sink);
    tokio::select! {
        biased;
        () = life => {}
        _ = stage.wait_for(|stage| *stage == Stage::Dead) => {}
    }
}

async fn live<R: FrameSource, W: FrameSink>(
    core: Arc<Core>,
    origin: Origin,
    mut source: R,
    sink: W,
) {
    let number = origin.number;
    let outbox = Arc::new(Outbox::new(&core.options));
    let writing = writer::write(sink, Arc::clone(&outbox), Arc::clone(&core.options));
    let mut writer: Writer = AbortOnDropHandle::new(tokio::spawn(writing));
    let mut records = Records::new(core.options.maximum_message_bytes);

    let protocol = match shake_hands(&core, &mut source, &mut records).await {
        Ok(protocol) => protocol,
        Err(refused) => {
            tracing::debug!(connection = number, "handshake failed");
            outbox.finish(refused.map(|text| Frame::Text(refusal(&text))));
            part(&core, source, writer, false).await;
            return;
        }
    };
    outbox.keep_alive_with(protocol.ping());

    let connection = Arc::new(Connection::new(origin, protocol, Arc::clone(&outbox)));
    let listed = Listed::new(Arc::clone(&core), Arc::clone(&connection));
    tracing::debug!(connection = number, "connected");
    let caller = Caller::new(Arc::clone(&connection), core.clients());
    let mut session = Session {
        stage: core.stage.subscribe(),
        silent_at: Instant::now() + core.options.client_timeout,
        armed: false,
        input_ended: false,
        too_long: false,
        running: Some(connect(&core, &caller)),
        core: Arc::clone(&core),
        caller: caller.clone(),
        connection: Arc::clone(&connection),
        source,
        records,
    };
    connection.end(session.run(&mut writer).await);
    drop(listed);

    let reason = connection.reason();
    tracing::debug!(connection = number, reason = reason.name(), "disconnected");
    let farewell = reason.farewell(core.options.detailed_errors);
    outbox.finish(
        farewell
            .map(|farewell| protocol.close(farewell.error.as_deref(), farewell.allow_reconnect)),
    );
    let Session {
        source,
        running,
        too_long,
        ..
    } = session;
    let aftermath = async {
        if let Some(running) = running {
            // Its panic, if any, was answered where it happened.
            let _ = running.await;
        }
        disconnect(&core, caller, reason).await;
    };
    join(part(&core, source, writer, too_long), aftermath).await;
}

/// Reads the client's handshake. The error is the text of the refusal, if the client is still
/// there to read it.
async fn shake_hands<R: FrameSource>(
    core: &Core,
    source: &mut R,
    records: &mut Records,
) -> Result<Protocol, Option<String>> {
    const FAILED: &str = "An unexpected error occurred during connection handshake.";
    const CANCELED: &str = "Handshake was canceled.";
    let malformed = |detail: String| {
        if core.options.detailed_errors {
            format!("{FAILED} InvalidDataException: {detail}")
        } else {
            FAILED.to_owned()
        }
    };
    let oversize = Oversize {
        limit: core.options.maximum_message_bytes,
    };
    let read = async {
        loop {
            match records.next_record() {
                Ok(Some(record)) => {
                    return parse_handshake(record).map_err(|error| {
                        Some(match error {
                            HandshakeError::Malformed => malformed(error.to_string()),
                            _ => error.to_string(),
                        })
                    });
                }
                Ok(None) => {}
                Err(oversize) => return Err(Some(malformed(oversize.to_string()))),
            }
            match source.next().await {
                Inbound::Data(bytes) => records.push(&bytes),
                Inbound::TooLong => return Err(Some(malformed(oversize.to_string()))),
                Inbound::Closed | Inbound::Lost => return Err(None),
            }
        }
    };
    let mut stage = core.stage.subscribe();
    tokio::select! {
        biased;
        result = timeout(core.options.handshake_timeout, read) => {
            result.unwrap_or_else(|_| Err(Some(CANCELED.to_owned())))
        }
        _ = stage.wait_for(|stage| *stage > Stage::Open) => Err(Some(CANCELED.to_owned())),
    }
}

/// Accepts the handshake, puts the connection on the list of those that messages reach, and
/// in the end takes it off again.
struct Listed {
    core: Arc<Core>,
    connection: Arc<Connection>,
}

impl Listed {
    fn new(core: Arc<Core>, connection: Arc<Connection>) -> Self {
        core.registry.add(&connection, Frame::Text(welcome()));
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

/// A callback or a call in progress; an error ends the connection.
type Running = JoinHandle<Result<(), DisconnectReason>>;

fn connect(core: &Arc<Core>, caller: &Caller) -> Running {
    let (core, caller) = (Arc::clone(core), caller.clone());
    tokio::spawn(async move {
        let Some(callback) = &core.on_connected else {
            return Ok(());
        };
        callback(caller)
            .await
            .map_err(|error| DisconnectReason::Refused {
                text: error.close_text(core.options.detailed_errors),
            })
    })
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
async fn part<R: FrameSource>(core: &Core, mut source: R, writer: Writer, too_long: bool) {
    let written = async {
        // A task must not be asked again for a result that it has given.
        if !writer.is_finished() {
            let _ = writer.await;
        }
    };
    let drain = async {
        while !matches!(source.next().await, Inbound::Lost) {}
        if too_long {
            // Closing with bytes unread resets the connection and may overtake the farewell.
            pending::<()>().await;
        }
    };
    // On a timeout the writer is stopped and the socket dropped.
    let _ = timeout(core.options.close_timeout, join(written, drain)).await;
}

struct Session<R> {
    core: Arc<Core>,
    connection: Arc<Connection>,
    caller: Caller,
    source: R,
    records: Records,
    stage: watch::Receiver<Stage>,
    /// When the client counts as silent.
    silent_at: Instant,
    /// The client has sent a Ping, so silence ends the connection.
    armed: bool,
    /// Nothing more arrives; what has arrived is still served.
    input_ended: bool,
    too_long: bool,
    running: Option<Running>,
}

impl<R: FrameSource> Session<R> {
    async fn run(&mut self, writer: &mut Writer) -> DisconnectReason {
        let read_ahead = READ_AHEAD.max(self.core.options.maximum_message_bytes);
        let connection = Arc::clone(&self.connection);
        loop {
            if let Some(reason) = self.proceed() {
                return reason;
            }
            tokio::select! {
                biased;
                () = connection.ended().cancelled(), if !self.input_ended => {
                    return connection.reason();
                }
                _ = self.stage.changed() => {}
                _ = &mut *writer, if !self.input_ended => return DisconnectReason::TransportLost,
                result = finished(&mut self.running) => {
                    self.running = None;
                    self.heard();
                    if let Err(reason) = result {
                        return reason;
                    }
                }
                inbound = self.source.next(),
                    if !self.input_ended && self.records.waiting() < read_ahead =>
                {
                    self.receive(inbound);
                }
                () = sleep_until(self.silent_at), if self.armed && self.running.is_none() => {
                    return DisconnectReason::ClientTimeout;
                }
            }
        }
    }

    /// Serves what has arrived until a call runs. A reason to end, if there is one.
    fn proceed(&mut self) -> Option<DisconnectReason> {
        let stage = *self.stage.borrow_and_update();
        if stage >= Stage::Cutting || (stage == Stage::Draining && self.running.is_none()) {
            return Some(DisconnectReason::Shutdown);
        }
        while self.running.is_none() {
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) if self.input_ended => return Some(self.connection.reason()),
                Ok(None) => return None,
                Err(oversize) => return Some(violation(&oversize)),
            };
            let message = match self.connection.protocol.parse(record) {
                Ok(message) => message,
                Err(error) => return Some(violation(&error)),
            };
            match dispatch::step(&self.core, &self.caller, &self.connection, message) {
                Step::Next => {}
                Step::Alive => self.armed = true,
                Step::Run(call) => {
                    self.running = Some(tokio::spawn(async move {
                        call.await;
                        Ok(())
                    }));
                }
                Step::End(reason) => return Some(reason),
            }
        }
        None
    }

    fn receive(&mut self, inbound: Inbound) {
        self.heard();
        let reason = match inbound {
            Inbound::Data(bytes) => return self.records.push(&bytes),
            Inbound::Closed => DisconnectReason::Closed { error: None },
            Inbound::Lost => DisconnectReason::TransportLost,
            Inbound::TooLong => {
                self.too_long = true;
                violation(&Oversize {
                    limit: self.core.options.maximum_message_bytes,
                })
            }
        };
        self.input_ended = true;
        self.connection.end(reason);
    }

    fn heard(&mut self) {
        self.silent_at = Instant::now() + self.core.options.client_timeout;
    }
}

fn violation(error: &dyn std::error::Error) -> DisconnectReason {
    DisconnectReason::ProtocolViolation {
        detail: error.to_string(),
    }
}

/// Waits for the running task, or for ever if there is none.
async fn finished(running: &mut Option<Running>) -> Result<(), DisconnectReason> {
    match running {
        // Calls catch their panics: a task that panicked was the connect callback.
        Some(task) => task.await.unwrap_or_else(|_| {
            Err(DisconnectReason::Refused {
                text: CLOSED_WITH_ERROR.to_owned(),
            })
        }),
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
