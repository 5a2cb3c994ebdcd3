//! The bounded queue of frames for one client. Any task fills it, one writer drains it.
//!
//! Filling never waits. The bounds hold for what is queued and what the writer holds, so
//! that a client that stops reading costs a known amount of memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::options::HubOptions;
use crate::transport::Frame;

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It will be written, after everything pushed before it.
    Queued,
    /// Too much waits already. The queue is emptied and takes nothing more.
    Overflow,
    /// The connection is ending.
    Sealed,
}

/// The queue.
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Notify,
    room: Notify,
    max_frames: usize,
    max_bytes: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// Takes nothing more, but the session has not said farewell yet.
    Sealed,
    /// What is queued now is the last.
    Finished,
}

#[derive(Default)]
struct State {
    queue: Vec<Frame>,
    /// Frames and bytes queued, and taken but not yet written.
    frames: usize,
    bytes: usize,
    phase: Phase,
    ping: Option<Frame>,
}

impl Outbox {
    pub(crate) fn new(options: &HubOptions) -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::new(),
            room: Notify::new(),
            max_frames: options.send_queue_messages,
            max_bytes: options.send_queue_bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, frame: Frame) -> Pushed {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Pushed::Sealed;
        }
        let (frames, bytes) = (state.frames + 1, state.bytes + frame.len());
        if frames > self.max_frames || bytes > self.max_bytes {
            state.queue = Vec::new();
            state.phase = Phase::Sealed;
            return Pushed::Overflow;
        }
        (state.frames, state.bytes) = (frames, bytes);
        state.queue.push(frame);
        drop(state);
        self.changed.notify_one();
        Pushed::Queued
    }

    /// Waits until at most half of the queue is in use, so that a stream leaves room for
    /// messages that cannot wait. Returns at once when the connection is ending.
    pub(super) async fn half_empty(&self) {
        loop {
            let room = self.room.notified();
            {
                let state = self.lock();
                let busy = state.frames > self.max_frames / 2 || state.bytes > self.max_bytes / 2;
                if !busy || state.phase != Phase::Open {
                    return;
                }
            }
            room.await;
        }
    }

    /// Takes nothing more; what is queued is still written.
    pub(super) fn seal(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Sealed;
        }
        drop(state);
        self.room.notify_waiters();
    }

    /// Takes nothing more after `last`, which goes out even after an overflow.
    pub(super) fn finish(&self, last: Option<Frame>) {
        let mut state = self.lock();
        state.phase = Phase::Finished;
        state.queue.extend(last);
        drop(state);
        self.changed.notify_one();
    }

    /// Everything queued, in order; waits for something. `None` when finished and empty, or,
    /// if nothing is `wanted`, when finished. One task only may wait here.
    pub(super) async fn take(&self, wanted: bool) -> Option<Vec<Frame>> {
        loop {
            {
                let mut state = self.lock();
                if wanted && !state.queue.is_empty() {
                    return Some(std::mem::take(&mut state.queue));
                }
                if state.phase == Phase::Finished {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Frames that `take` gave out are written and no longer count.
    pub(super) fn written(&self, frames: usize, bytes: usize) {
        let mut state = self.lock();
        state.frames = state.frames.saturating_sub(frames);
        state.bytes = state.bytes.saturating_sub(bytes);
        drop(state);
        self.room.notify_waiters();
    }

    /// From now on the writer sends this when nothing else was sent for a while.
    pub(super) fn keep_alive_with(&self, ping: Frame) {
        self.lock().ping = Some(ping);
    }

    pub(super) fn ping(&self) -> Option<Frame> {
        let state = self.lock();
        state
            .ping
            .as_ref()
            .filter(|_| state.phase == Phase::Open)
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;

    fn outbox(frames: usize, bytes: usize) -> Outbox {
        Outbox::new(&HubOptions {
            send_queue_messages: frames,
            send_queue_bytes: bytes,
            ..HubOptions::default()
        })
    }

    fn frame(text: &'static str) -> Frame {
        Frame {
            bytes: Bytes::from_static(text.as_bytes()),
            binary: false,
            counted: false,
        }
    }

    #[tokio::test]
    async fn frames_being_written_still_count() {
        let outbox = outbox(2, 100);
        assert_eq!(outbox.push(frame("a")), Pushed::Queued);
        assert_eq!(outbox.push(frame("b")), Pushed::Queued);
        assert_eq!(outbox.take(true).await.map(|batch| batch.len()), Some(2));
        outbox.written(1, 1);
        assert_eq!(outbox.push(frame("c")), Pushed::Queued);
        assert_eq!(outbox.push(frame("d")), Pushed::Overflow);
        assert_eq!(outbox.push(frame("e")), Pushed::Sealed);
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_the_farewell_goes_out_alone_after_an_overflow() {
        let outbox = outbox(10, 5);
        assert_eq!(outbox.push(frame("abcde")), Pushed::Queued);
        assert_eq!(outbox.push(frame("f")), Pushed::Overflow);
        outbox.finish(Some(frame("farewell")));
        assert_eq!(outbox.take(true).await.map(|batch| batch.len()), Some(1));
        assert!(outbox.take(true).await.is_none());
    }
}
