//! The one task that writes to a client: whole batches, one flush each, and keep-alive pings.
//!
//! It decides nothing. When the transport fails or stops taking bytes it ends, and the session
//! notices; with stateful reconnect it waits for another transport, and begins that one with
//! what the client has not acknowledged.

use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::outbox::Outbox;
use super::replay::Replay;
use crate::options::HubOptions;
use crate::protocol::Protocol;
use crate::transport::{Broken, Frame, FrameSink};

/// A transport to write to, until it is given up for another.
pub(super) struct Attached<S> {
    pub(super) sink: S,
    /// Told by the session: do not write to it any more.
    pub(super) given_up: CancellationToken,
    /// Told to the session: it takes nothing more.
    pub(super) failed: CancellationToken,
}

impl<S> Attached<S> {
    pub(super) fn new(sink: S) -> Self {
        Self {
            sink,
            given_up: CancellationToken::new(),
            failed: CancellationToken::new(),
        }
    }
}

/// Stateful reconnect as the writer sees it.
pub(super) struct Resume<S> {
    pub(super) replay: Arc<Replay>,
    pub(super) protocol: Protocol,
    pub(super) transports: mpsc::Receiver<Attached<S>>,
}

/// The writer.
pub(super) struct Writer<S> {
    attached: Option<Attached<S>>,
    outbox: Arc<Outbox>,
    options: Arc<HubOptions>,
    /// Where a [`Resume`] comes from, once the handshake has agreed on it.
    resumes: Option<oneshot::Receiver<Resume<S>>>,
    resume: Option<Resume<S>>,
    /// Taken from the outbox, not yet written.
    batch: VecDeque<Frame>,
    pings: bool,
}

enum Event<S> {
    Batch(Option<Vec<Frame>>),
    Room,
    /// Nothing may have been sent for a while.
    Quiet,
    Failed,
    Resumable(Option<Resume<S>>),
    Attached(Attached<S>),
}

impl<S: FrameSink> Writer<S> {
    pub(super) fn new(
        first: Attached<S>,
        outbox: Arc<Outbox>,
        options: Arc<HubOptions>,
        pings: bool,
        resumes: Option<oneshot::Receiver<Resume<S>>>,
    ) -> Self {
        Self {
            attached: Some(first),
            outbox,
            options,
            resumes,
            resume: None,
            batch: VecDeque::new(),
            pings,
        }
    }

    /// Writes until the outbox is finished (then says farewell) or the transport fails for good.
    pub(super) async fn run(mut self) -> Result<(), Broken> {
        let mut ping_at = Instant::now() + self.options.keep_alive_interval;
        // Set again only when it has gone off: most messages go long before it does.
        let mut quiet = pin!(sleep_until(ping_at));
        loop {
            let result = match self.event(quiet.as_mut()).await {
                Event::Batch(Some(batch)) => {
                    self.batch = batch.into();
                    self.write().await
                }
                Event::Batch(None) => return self.farewell().await,
                Event::Room => self.write().await,
                Event::Quiet if Instant::now() < ping_at => {
                    quiet.as_mut().reset(ping_at);
                    continue;
                }
                Event::Quiet => {
                    let next = Instant::now() + self.options.keep_alive_interval;
                    quiet.as_mut().reset(next);
                    match self.outbox.ping() {
                        Some(ping) => self.send(ping).await,
                        None => Ok(()),
                    }
                }
                Event::Failed => Err(Broken),
                Event::Resumable(resume) => {
                    self.resumes = None;
                    self.resume = resume;
                    continue;
                }
                Event::Attached(attached) => {
                    self.attached = Some(attached);
                    self.write_again().await
                }
            };
            if result.is_err() && self.attached.is_some() {
                let Some(attached) = self.attached.take().filter(|_| self.resume.is_some()) else {
                    return Err(Broken);
                };
                attached.failed.cancel();
            }
            ping_at = Instant::now() + self.options.keep_alive_interval;
        }
    }

    async fn event(&mut self, quiet: Pin<&mut Sleep>) -> Event<S> {
        let has_transport = self.attached.is_some();
        let is_writing = !self.batch.is_empty();
        let (replay, transports) = match &mut self.resume {
            Some(resume) => (Some(&resume.replay), Some(&mut resume.transports)),
            None => (None, None),
        };
        tokio::select! {
            biased;
            Some(attached) = received(transports) => Event::Attached(attached),
            resume = agreed(&mut self.resumes) => Event::Resumable(resume),
            () = room(replay), if has_transport && is_writing => Event::Room,
            // Without a transport only the end of the outbox matters.
            batch = self.outbox.take(has_transport), if !is_writing || !has_transport => {
                Event::Batch(batch)
            }
            () = gone(&mut self.attached) => Event::Failed,
            () = quiet, if self.pings && has_transport => Event::Quiet,
        }
    }

    /// Writes the batch, as far as the replay buffer has room.
    async fn write(&mut self) -> Result<(), Broken> {
        let (mut frames, mut bytes) = (0, 0);
        let mut result = Ok(());
        while let Some(frame) = self.batch.front() {
            if let Some(resume) = &self.resume {
                if !resume.replay.has_room() {
                    break;
                }
                resume.replay.record(frame);
            }
            let Some(frame) = self.batch.pop_front() else {
                break;
            };
            frames += 1;
            bytes += frame.len();
            result = self.feed(frame).await;
            if result.is_err() {
                break;
            }
        }
        if result.is_ok() {
            result = self.flush().await;
        }
        self.outbox.written(frames, bytes);
        result
    }

    /// Begins a new transport: where we begin, and everything from there.
    async fn write_again(&mut self) -> Result<(), Broken> {
        let Some(resume) = &self.resume else {
            return Ok(());
        };
        let (sequence_id, frames) = resume.replay.again();
        let first = resume.protocol.sequence(sequence_id);
        self.feed(first).await?;
        for frame in frames {
            self.feed(frame).await?;
        }
        self.flush().await
    }

    async fn send(&mut self, frame: Frame) -> Result<(), Broken> {
        self.feed(frame).await?;
        self.flush().await
    }

    async fn feed(&mut self, frame: Frame) -> Result<(), Broken> {
        let attached = self.attached.as_mut().ok_or(Broken)?;
        limited(&self.options, &attached.given_up, attached.sink.feed(frame)).await
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        let attached = self.attached.as_mut().ok_or(Broken)?;
        limited(&self.options, &attached.given_up, attached.sink.flush()).await
    }

    async fn farewell(&mut self) -> Result<(), Broken> {
        // What the replay buffer held back is lost with the connection.
        let attached = self.attached.as_mut().ok_or(Broken)?;
        limited(&self.options, &attached.given_up, attached.sink.close()).await
    }
}

async fn received<T>(from: Option<&mut mpsc::Receiver<T>>) -> Option<T> {
    match from {
        Some(from) => from.recv().await,
        None => pending().await,
    }
}

async fn agreed<S>(resumes: &mut Option<oneshot::Receiver<Resume<S>>>) -> Option<Resume<S>> {
    match resumes {
        Some(resumes) => resumes.await.ok(),
        None => pending().await,
    }
}

async fn room(replay: Option<&Arc<Replay>>) {
    if let Some(replay) = replay {
        replay.room().await;
    }
}

async fn gone<S: FrameSink>(attached: &mut Option<Attached<S>>) {
    match attached {
        Some(attached) => tokio::select! {
            () = attached.sink.gone() => {}
            () = attached.given_up.cancelled() => {}
        },
        None => pending().await,
    }
}

/// A write that makes no progress for the send timeout is broken.
async fn limited(
    options: &HubOptions,
    given_up: &CancellationToken,
    write: impl Future<Output = Result<(), Broken>>,
) -> Result<(), Broken> {
    let mut write = pin!(write);
    // Most end at once, and need no timer.
    let at_once = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await;
    if let Poll::Ready(written) = at_once {
        return written;
    }
    tokio::select! {
        biased;
        written = timeout(options.send_timeout, write) => written.unwrap_or(Err(Broken)),
        () = given_up.cancelled() => Err(Broken),
    }
}
