//! The life of one connection after its handshake: connect callback, calls, end.
//!
//! It reads while a call runs, so that the end of the connection is noticed and what a running
//! call waits for arrives, but starts no more calls than may run at once. A call is never
//! stopped: once it has to wait for something it runs to its end in a task of its own.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::Connection;
use super::stages::Writing;
use crate::caller::Caller;
use crate::dispatch::{self, Step};
use crate::end::DisconnectReason;
use crate::error::CLOSED_WITH_ERROR;
use crate::hub::{Boxed, Core, Stage};
use crate::protocol::{Incoming, RecordError, Records};
use crate::transport::{FrameSink, FrameSource, Inbound, Transport};

mod reattachment;

pub(super) use reattachment::Reattachment;
use reattachment::{Event, event};

/// How much may be read ahead while a call runs, in bytes.
const READ_AHEAD: usize = 64 * 1024;

/// A callback or a call in progress; an error ends the connection.
type Running = JoinHandle<Result<(), DisconnectReason>>;

pub(super) struct Session<R, W> {
    core: Arc<Core>,
    connection: Arc<Connection>,
    caller: Caller,
    /// `None` while a client that may come back is away.
    source: Option<R>,
    records: Records,
    stage: watch::Receiver<Stage>,
    /// When the client counts as silent.
    silent_at: Instant,
    /// The client has sent a Ping, so silence ends the connection.
    armed: bool,
    /// Nothing more arrives; what has arrived is still served.
    input_ended: bool,
    too_long: bool,
    /// The connect callback runs: nothing may be called before it has ended.
    connecting: bool,
    running: FuturesUnordered<Running>,
    /// A call that waits until one of those that run has ended.
    held: Option<Incoming>,
    /// An item that waits for room in its stream. Nothing overtakes it.
    stalled: Option<Boxed<()>>,
    reattachment: Option<Reattachment<R, W>>,
}

impl<R: FrameSource, W: FrameSink> Session<R, W> {
    pub(super) fn new(
        core: &Arc<Core>,
        caller: &Caller,
        source: R,
        records: Records,
        reattachment: Option<Reattachment<R, W>>,
    ) -> Self {
        let running = FuturesUnordered::new();
        let connecting = core.on_connected.is_some();
        if connecting {
            running.push(connect(core, caller));
        }
        Self {
            stage: core.stage.subscribe(),
            silent_at: Instant::now() + core.options.client_timeout,
            armed: false,
            input_ended: false,
            too_long: false,
            connecting,
            running,
            held: None,
            stalled: None,
            core: Arc::clone(core),
            caller: caller.clone(),
            connection: Arc::clone(caller.connection()),
            source: Some(source),
            records,
            reattachment,
        }
    }

    /// What is left after the end: where bytes came from, calls that still run, and whether
    /// bytes stay unread.
    pub(super) fn into_parts(self) -> (Option<R>, FuturesUnordered<Running>, bool) {
        (self.source, self.running, self.too_long)
    }

    pub(super) async fn run(&mut self, writing: &mut Writing) -> DisconnectReason {
        let read_ahead = READ_AHEAD.max(self.core.options.maximum_message_bytes);
        let connection = Arc::clone(&self.connection);
        let mut over = pin!(connection.ended().cancelled());
        let mut stages = self.core.stage.subscribe();
        let mut leaving = pin!(stages.wait_for(|stage| *stage > Stage::Open));
        let mut is_open = true;
        // Set again only when it has gone off: most messages come long before it does.
        let mut silence = pin!(sleep_until(self.silent_at));
        loop {
            if let Some(reason) = self.proceed() {
                return reason;
            }
            if let Some(inbound) = self.arrived(read_ahead).await {
                self.receive(inbound);
                continue;
            }
            let watches_silence = self.armed
                && self.running.is_empty()
                && self.source.is_some()
                && connection.origin.transport != Transport::LongPolling;
            tokio::select! {
                biased;
                () = &mut over, if !self.input_ended => return connection.reason(),
                _ = &mut leaving, if is_open => is_open = false,
                _ = self.stage.changed(), if !is_open => {}
                _ = &mut *writing, if !self.input_ended => return DisconnectReason::TransportLost,
                Some(result) = self.running.next(), if !self.running.is_empty() => {
                    self.connecting = false;
                    self.heard();
                    if let Err(reason) = ended(result) {
                        return reason;
                    }
                }
                () = finished(&mut self.stalled) => self.stalled = None,
                event = event(&mut self.reattachment) => {
                    if let Some(reason) = self.reattach(event) {
                        return reason;
                    }
                }
                inbound = next(&mut self.source),
                    if !self.input_ended && self.records.waiting() < read_ahead =>
                {
                    self.receive(inbound);
                }
                () = &mut silence, if watches_silence => {
                    if Instant::now() >= self.silent_at {
                        return DisconnectReason::ClientTimeout;
                    }
                    silence.as_mut().reset(self.silent_at);
                }
            }
        }
    }

    /// Whether another call has to wait.
    fn is_busy(&self) -> bool {
        self.connecting || self.running.len() >= self.core.options.maximum_parallel_invocations
    }

    /// Serves what has arrived until something has to wait. A reason to end, if there is one.
    fn proceed(&mut self) -> Option<DisconnectReason> {
        let stage = *self.stage.borrow_and_update();
        if stage >= Stage::Cutting || (stage == Stage::Draining && self.running.is_empty()) {
            return Some(DisconnectReason::Shutdown);
        }
        if !self.input_ended && self.connection.ended().is_cancelled() {
            return Some(self.connection.reason());
        }
        while self.stalled.is_none() {
            let message = match self
                .held
                .take()
                .map_or_else(|| self.message(), |m| Ok(Some(m)))
            {
                Ok(Some(message)) => message,
                Ok(None) => {
                    let over = self.input_ended && self.running.is_empty();
                    return over.then(|| self.connection.reason());
                }
                Err(reason) => return Some(reason),
            };
            if self.is_busy() && waits(&message) {
                self.held = Some(message);
                return None;
            }
            match dispatch::step(&self.core, &self.caller, &self.connection, message) {
                Step::Next => {}
                Step::Alive => self.armed = true,
                Step::Run(call) => self.begin(call),
                Step::Stall(item) => self.stalled = Some(item),
                Step::End(reason) => return Some(reason),
            }
        }
        None
    }

    /// Begins a call. Many end without having waited for anything: a task would cost more than
    /// they do.
    fn begin(&mut self, mut call: Boxed<()>) {
        if (&mut call).now_or_never().is_none() {
            self.running.push(tokio::spawn(async move {
                call.await;
                Ok(())
            }));
        }
    }

    /// What has arrived already, if it may be read now: without a look at everything else.
    async fn arrived(&mut self, read_ahead: usize) -> Option<Inbound> {
        if self.input_ended || self.records.waiting() >= read_ahead {
            return None;
        }
        let mut next = pin!(self.source.as_mut()?.next());
        poll_fn(|cx| match next.as_mut().poll(cx) {
            Poll::Ready(inbound) => Poll::Ready(Some(inbound)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// The next message that counts, or `None` if more bytes are needed.
    fn message(&mut self) -> Result<Option<Incoming>, DisconnectReason> {
        loop {
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(None),
                Err(error) => return Err(violation(&error)),
            };
            let message = match self.connection.protocol.parse(record) {
                Ok(message) => message,
                Err(error) => return Err(violation(&error)),
            };
            let Some(reattachment) = &mut self.reattachment else {
                return Ok(Some(message));
            };
            if let Some(message) = reattachment.count(message).map_err(|gap| violation(&gap))? {
                return Ok(Some(message));
            }
        }
    }

    fn receive(&mut self, inbound: Inbound) {
        self.heard();
        let reason = match inbound {
            Inbound::Data(bytes) | Inbound::Text(bytes) => return self.records.push(&bytes),
            Inbound::Closed => DisconnectReason::Closed { error: None },
            Inbound::Lost if self.detach() => return,
            Inbound::Lost => DisconnectReason::TransportLost,
            Inbound::TooLong => {
                self.too_long = true;
                violation(&RecordError::Oversize {
                    limit: self.core.options.maximum_message_bytes,
                })
            }
        };
        self.input_ended = true;
        self.connection.end(reason);
    }

    /// The client's transport is gone; whether the client may come back on another.
    fn detach(&mut self) -> bool {
        let Some(reattachment) = &mut self.reattachment else {
            return false;
        };
        reattachment.detach(self.core.options.disconnect_timeout);
        self.source = None;
        true
    }

    fn reattach(&mut self, event: Event<R>) -> Option<DisconnectReason> {
        match event {
            Event::Failed => {
                self.detach();
            }
            Event::Away => return Some(DisconnectReason::TransportLost),
            Event::Ack(sequence_id) => {
                self.connection
                    .push(self.connection.protocol.ack(sequence_id));
            }
            Event::Attached(source) => {
                // What was not served yet comes again.
                self.records.clear();
                self.source = Some(source);
                self.heard();
            }
        }
        None
    }

    fn heard(&mut self) {
        self.silent_at = Instant::now() + self.core.options.client_timeout;
    }
}

/// Whether a message has to wait while calls run. What a running call may need does not.
const fn waits(message: &Incoming) -> bool {
    matches!(
        message,
        Incoming::Invocation(_) | Incoming::StreamInvocation(_) | Incoming::Close { .. }
    )
}

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

fn violation(error: &dyn std::error::Error) -> DisconnectReason {
    DisconnectReason::ProtocolViolation {
        detail: error.to_string(),
    }
}

/// Calls catch their panics: a task that panicked was the connect callback.
fn ended(
    result: Result<Result<(), DisconnectReason>, tokio::task::JoinError>,
) -> Result<(), DisconnectReason> {
    result.unwrap_or_else(|_| {
        Err(DisconnectReason::Refused {
            text: CLOSED_WITH_ERROR.to_owned(),
        })
    })
}

async fn finished(stalled: &mut Option<Boxed<()>>) {
    match stalled {
        Some(item) => item.await,
        None => pending().await,
    }
}

async fn next<R: FrameSource>(source: &mut Option<R>) -> Inbound {
    match source {
        Some(source) => source.next().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
