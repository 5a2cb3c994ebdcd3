//! Long polling: messages wait until the client asks for them.
//!
//! The first poll is answered at once, a newer one ends the older, and everything that waits is
//! delivered before the client is told that the connection has ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Broken, Frame, FrameSink, Inlet};

/// How many bytes may wait for a poll before the writer waits.
const CAPACITY: usize = 64 * 1024;

/// What a poll brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// Everything that waited.
    Data(Bytes),
    /// Nothing, within the poll's time.
    Nothing,
    /// The connection has ended, or a newer poll has come.
    End,
}

/// What waits for the next poll.
pub(crate) struct Outlet {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    pending: Vec<u8>,
    /// The newest poll's number.
    newest: u64,
    /// Polls that wait.
    polling: usize,
    idle_since: Instant,
    /// Nothing is added any more.
    finished: bool,
    /// The client knows of the end.
    told: bool,
}

impl Outlet {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                pending: Vec::new(),
                newest: 0,
                polling: 0,
                idle_since: Instant::now(),
                finished: false,
                told: false,
            }),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One poll.
    pub(crate) async fn poll(&self, patience: Duration) -> Polled {
        let polling = Polling::begin(self);
        let found = timeout(patience, self.something(polling.number)).await;
        found.unwrap_or(Polled::Nothing)
    }

    async fn something(&self, number: u64) -> Polled {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                if state.newest != number {
                    return Polled::End;
                }
                if !state.pending.is_empty() {
                    let data = std::mem::take(&mut state.pending);
                    drop(state);
                    self.changed.notify_waiters();
                    return Polled::Data(data.into());
                }
                if state.finished {
                    state.told = true;
                    drop(state);
                    self.changed.notify_waiters();
                    return Polled::End;
                }
            }
            changed.await;
        }
    }

    /// The client has ended the connection: polls end, and nothing is kept for another.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.pending = Vec::new();
        state.finished = true;
        state.told = true;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until `is` holds.
    async fn until(&self, is: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is(&self.lock()) {
                return;
            }
            changed.await;
        }
    }
}

/// A poll in progress.
struct Polling<'a> {
    outlet: &'a Outlet,
    number: u64,
}

impl<'a> Polling<'a> {
    fn begin(outlet: &'a Outlet) -> Self {
        let mut state = outlet.lock();
        state.newest += 1;
        state.polling += 1;
        let number = state.newest;
        drop(state);
        outlet.changed.notify_waiters();
        Self { outlet, number }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        let mut state = self.outlet.lock();
        state.polling -= 1;
        state.idle_since = Instant::now();
        drop(state);
        self.outlet.changed.notify_waiters();
    }
}

/// Fills an outlet.
pub(crate) struct PollingSink {
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) inlet: Arc<Inlet>,
    /// How long a client may stay away between polls.
    pub(crate) patience: Duration,
}

impl FrameSink for PollingSink {
    async fn feed(&mut self, frame: Frame) -> Result<(), Broken> {
        let is_over = |state: &State| state.told;
        self.outlet
            .until(|state| is_over(state) || state.pending.len() < CAPACITY)
            .await;
        let mut state = self.outlet.lock();
        if is_over(&state) {
            return Err(Broken);
        }
        state.pending.extend_from_slice(&frame.bytes);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        self.outlet.changed.notify_waiters();
        Ok(())
    }

    async fn close(&mut self) -> Result<(), Broken> {
        self.outlet.lock().finished = true;
        self.outlet.changed.notify_waiters();
        self.outlet.until(|state| state.told).await;
        self.inlet.close();
        Ok(())
    }

    async fn gone(&mut self) {
        loop {
            self.outlet.until(|state| state.polling == 0).await;
            let (idle, told) = {
                let state = self.outlet.lock();
                (state.idle_since + self.patience, state.told)
            };
            if told {
                return;
            }
            tokio::select! {
                () = sleep_until(idle) => {
                    let state = self.outlet.lock();
                    if state.polling == 0 && Instant::now() >= state.idle_since + self.patience {
                        return;
                    }
                }
                () = self.outlet.until(|state| state.polling > 0 || state.told) => {}
            }
        }
    }
}
