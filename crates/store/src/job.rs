//! A piece of work on its way to a connection's thread, and the reply on its way back.
//!
//! A reply must never leave before the work is durable: [`Job::attempt`] runs the act, and only
//! [`Job::finish`], called after the commit, answers.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

// Not tokio's: its channels answer "not yet" to a task that has used up its budget, and a thread that waits for the
// answer inside such a task (as LDK's do) would wait for ever.
use futures_channel::oneshot;

use crate::{StoreError, Tx};

thread_local! {
    /// Whether this thread is inside an act. Waiting there for another act could wait for itself.
    static IN_ACT: Cell<bool> = const { Cell::new(false) };
}

/// Whether the caller is inside an act.
pub(crate) fn in_act() -> bool {
    IN_ACT.get()
}

/// What is to become of what a job did in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
    /// Undo, and do not run it again: after a panic it may be in any state.
    Panicked,
}

/// A piece of work, its types erased.
pub(crate) trait Job: Send {
    /// Runs the work in `tx` and remembers its outcome. Called again when the transaction has to be
    /// repeated.
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Verdict;

    /// Answers with the outcome of the last attempt, which is durable now or was undone.
    fn finish(self: Box<Self>);

    /// Answers with `error`, whatever the outcome was.
    fn fail(self: Box<Self>, error: StoreError);

    /// Whether this work has to be repeated until it is durable, before any later work of its kind.
    fn is_owed(&self) -> bool {
        false
    }
}

/// A business act and the place where its caller waits.
pub(crate) struct Act<F, T, E> {
    act: F,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Act<F, T, E> {
    pub(crate) fn new(act: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (
            Self {
                act,
                outcome: None,
                reply,
            },
            answer,
        )
    }
}

impl<F, T, E> Job for Act<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Verdict {
        // Dropping an earlier outcome runs code of the caller's as well.
        let attempt = AssertUnwindSafe(|| {
            self.outcome = None;
            (self.act)(tx)
        });
        let ran = contained(attempt);
        let (outcome, verdict) = match ran {
            Some(Ok(_)) if tx.failed().is_some() => {
                (Err(StoreError::Abandoned.into()), Verdict::Undo)
            }
            Some(Ok(value)) => (Ok(value), Verdict::Keep),
            Some(Err(error)) => (Err(error), Verdict::Undo),
            None => (Err(StoreError::Panicked.into()), Verdict::Panicked),
        };
        self.outcome = Some(outcome);
        verdict
    }

    fn finish(self: Box<Self>) {
        let Self {
            outcome,
            reply,
            act,
        } = *self;
        let outcome = outcome.unwrap_or_else(|| Err(StoreError::Closed.into()));
        // Whoever asked may have gone; what was done stays done. The act is dropped first, so that
        // what it captured is free again when the caller goes on.
        let _dropped = contained(AssertUnwindSafe(|| drop(act)));
        let _gone = reply.send(outcome);
    }

    fn fail(mut self: Box<Self>, error: StoreError) {
        self.outcome = Some(Err(error.into()));
        self.finish();
    }
}

/// Runs foreign code so that its panic stays within; the panic hook has reported it already.
fn contained<T>(code: AssertUnwindSafe<impl FnOnce() -> T>) -> Option<T> {
    let outer = IN_ACT.replace(true);
    let result = catch_unwind(code);
    IN_ACT.set(outer);
    result.ok()
}
