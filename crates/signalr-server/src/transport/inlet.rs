//! What a client sends by POST, in the order in which it arrived.
//!
//! Bounded: a POST is answered only when its body is queued, so a session that does not read
//! holds back its client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::Notify;

use super::{FrameSource, Inbound};

/// How many bytes may wait.
const CAPACITY: usize = 64 * 1024;

/// The queue from POSTs to a session.
#[derive(Default)]
pub(crate) struct Inlet {
    state: Mutex<State>,
    changed: Notify,
    room: Notify,
    /// POSTs are served one after the other: their order matters.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// What comes after the queue: nothing more.
    end: Option<Inbound>,
    /// Nobody reads any more.
    closed: bool,
}

/// Nobody reads any more.
#[derive(Debug)]
pub(crate) struct Unread;

impl Inlet {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues bytes, after waiting for room.
    pub(crate) async fn put(&self, bytes: Bytes) -> Result<(), Unread> {
        loop {
            let room = self.room.notified();
            {
                let mut state = self.lock();
                if state.closed || state.end.is_some() {
                    return Err(Unread);
                }
                if state.bytes < CAPACITY {
                    state.bytes += bytes.len();
                    state.queue.push_back(bytes);
                    break;
                }
            }
            room.await;
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Nothing more comes: the client closed, or was lost.
    pub(crate) fn end(&self, end: Inbound) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_one();
    }

    /// Nobody reads any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queue = VecDeque::new();
        drop(state);
        self.changed.notify_one();
        self.room.notify_waiters();
    }
}

/// The session's end.
pub(crate) struct InletSource(pub(crate) Arc<Inlet>);

impl FrameSource for InletSource {
    async fn next(&mut self) -> Inbound {
        loop {
            {
                let mut state = self.0.lock();
                if let Some(bytes) = state.queue.pop_front() {
                    state.bytes -= bytes.len();
                    drop(state);
                    self.0.room.notify_waiters();
                    return Inbound::Data(bytes);
                }
                if state.closed {
                    return Inbound::Lost;
                }
                if let Some(end) = state.end.take() {
                    state.closed = true;
                    return end;
                }
            }
            self.0.changed.notified().await;
        }
    }
}

impl Drop for InletSource {
    fn drop(&mut self) {
        self.0.close();
    }
}
