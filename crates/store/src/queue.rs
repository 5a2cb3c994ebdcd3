//! The queue between those who ask and the threads that hold the connections.
//!
//! First in, first out, for every producer and consumer: the order of node-state writes rests on
//! it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue that can be closed: what stands in it is still handed out, nothing more is taken.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<J> {
    jobs: VecDeque<J>,
    closed: bool,
}

/// What a consumer that waited for a limited time got.
#[derive(Debug)]
pub(crate) enum Popped<J> {
    Group(Vec<J>),
    TimedOut,
    Closed,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        let state = State {
            jobs: VecDeque::new(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Puts a job at the end, or gives it back when the queue is closed.
    pub(crate) fn push(&self, job: J) -> Result<(), J> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        state.jobs.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Puts back at the front, in their order, jobs that have to be done again; also when it is
    /// closed.
    pub(crate) fn push_front(&self, jobs: Vec<J>) {
        if jobs.is_empty() {
            return;
        }
        let mut state = self.lock();
        for job in jobs.into_iter().rev() {
            state.jobs.push_front(job);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for a job. `None` when the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<J> {
        self.pop_group(1)?.pop()
    }

    /// Waits for a job and takes those that stand behind it as well, `most` in all and never none.
    pub(crate) fn pop_group(&self, most: usize) -> Option<Vec<J>> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Some(take(&mut state, most))
    }

    /// As [`Queue::pop_group`], but waits no longer than `patience`.
    pub(crate) fn pop_group_within(&self, most: usize, patience: Duration) -> Popped<J> {
        let idle = |state: &mut State<J>| state.jobs.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.jobs.is_empty() {
            return Popped::Group(take(&mut state, most));
        }
        if state.closed {
            Popped::Closed
        } else {
            Popped::TimedOut
        }
    }

    /// Takes no more jobs, and lets the consumers end when the last is done.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<J>(state: &mut State<J>, most: usize) -> Vec<J> {
    let count = state.jobs.len().min(most);
    state.jobs.drain(..count).collect()
}
