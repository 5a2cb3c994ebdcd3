//! The one thread that writes to SQLite: group commit.
//!
//! It commits at once when it is idle, and takes into one commit only what queued up during the
//! previous one: it must never wait for company (a wait of 2 ms halved the payments per second,
//! because a node's writes come one after another). Each act has a savepoint of its own. Nobody is
//! answered before the commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::job::{Job, Verdict};
use crate::queue::Popped;
use crate::signal::{Bells, SignalSet};
use crate::sqlite::{Jobs, cause, cause_of};
use crate::{Cause, StoreError, Tx, crash_point};

/// So that a long queue does not make the first in it wait for all the others.
const LARGEST_GROUP: usize = 512;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often a closing store tries a write that must not fail, before it gives up and leaves it
/// unanswered.
const TRIES_WHEN_CLOSING: u32 = 10;

/// The writing connection and what it serves.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) jobs: Jobs,
    pub(crate) bells: Arc<Bells>,
    pub(crate) commits: Arc<AtomicU64>,
    /// What a test puts in the way of commits.
    #[cfg(feature = "test-support")]
    pub(crate) faults: Option<Arc<dyn crate::testing::CommitFaults>>,
}

/// What became of one act in a group.
enum Attempted {
    Kept(SignalSet),
    Undone,
    /// SQLite rolled back the whole transaction (disk full, input/output error), and every act with
    /// it.
    GroupLost(Cause),
}

impl Writer {
    /// Serves until the queue is closed and empty, then puts the log into the file.
    pub(crate) fn run(self) {
        while let Some(group) = self.jobs.pop_group(LARGEST_GROUP) {
            let owed = self.serve(group);
            if !owed.is_empty() {
                self.serve_in_trouble(owed);
            }
        }
        self.end();
    }

    /// Commits a group. Returns what must be done again in its order; acts that were not tried are
    /// queued.
    fn serve(&self, group: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        let (owed, untried) = self
            .commit_group(group)
            .into_iter()
            .partition(|job| job.is_owed());
        self.jobs.push_front(untried);
        owed
    }

    /// Tries the writes that must not fail until they are durable, now and then, and in groups of
    /// their own: on a full disk each try costs its group, and the acts are to be answered
    /// meanwhile.
    fn serve_in_trouble(&self, mut owed: Vec<Box<dyn Job>>) {
        let mut failures = 1;
        let mut tried_at = Instant::now();
        while !owed.is_empty() {
            tracing::warn!(
                writes = owed.len(),
                failures,
                "node state could not be written yet"
            );
            while let Some(patience) = pause(failures).checked_sub(tried_at.elapsed()) {
                match self.jobs.pop_group_within(LARGEST_GROUP, patience) {
                    Popped::Group(group) => {
                        let (later, acts) = group.into_iter().partition(|job| job.is_owed());
                        owed.extend::<Vec<_>>(later);
                        owed.extend(self.serve(acts));
                    }
                    Popped::TimedOut => {}
                    Popped::Closed if failures > TRIES_WHEN_CLOSING => {
                        tracing::error!(
                            writes = owed.len(),
                            "node state was not written at the end"
                        );
                        return;
                    }
                    Popped::Closed => std::thread::sleep(patience),
                }
            }
            owed = self.serve(owed);
            tried_at = Instant::now();
            failures += 1;
        }
    }

    /// Commits a group and answers it. Returns what must be done again, and after it what was not
    /// tried, each in its order.
    fn commit_group(&self, group: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        if group.is_empty() {
            return group;
        }
        if let Err(error) = self.run_cached("BEGIN IMMEDIATE") {
            return fail_all(group, &cause_of(&error));
        }
        let mut tried: Vec<Box<dyn Job>> = Vec::with_capacity(group.len());
        let mut owed: Vec<Box<dyn Job>> = Vec::new();
        let mut signals = SignalSet::default();
        let mut kept = false;
        let mut waiting = group.into_iter();
        while let Some(mut job) = waiting.next() {
            // What must be done in order waits behind the first of its kind that failed.
            if job.is_owed() && !owed.is_empty() {
                owed.push(job);
                continue;
            }
            match self.attempt(job.as_mut()) {
                Attempted::Kept(more) => {
                    kept = true;
                    signals.extend(more);
                    tried.push(job);
                }
                Attempted::Undone if job.is_owed() => owed.push(job),
                Attempted::Undone => tried.push(job),
                Attempted::GroupLost(cause) => {
                    tried.push(job);
                    let mut again = fail_all(tried, &cause);
                    again.append(&mut owed);
                    again.extend(waiting);
                    return again;
                }
            }
        }
        if kept {
            crash_point::reach("store.before_commit");
        }
        if let Err(error) = self.end_transaction(kept) {
            let cause = cause_of(&error);
            tracing::error!(%cause, acts = tried.len(), "a commit failed");
            self.leave_transaction();
            let mut again = fail_all(tried, &cause);
            again.append(&mut owed);
            return again;
        }
        if kept {
            crash_point::reach("store.after_commit");
        }
        self.commits.fetch_add(u64::from(kept), Ordering::Relaxed);
        self.bells.ring(signals);
        tried.into_iter().for_each(Job::finish);
        owed
    }

    fn end_transaction(&self, kept: bool) -> rusqlite::Result<()> {
        let end = || {
            let sql = if kept { "COMMIT" } else { "ROLLBACK" };
            self.connection.execute_batch(sql)
        };
        #[cfg(feature = "test-support")]
        if let Some(faults) = self.faults.as_deref().filter(|_| kept) {
            return crate::testing::commit_with(faults, &self.jobs, end);
        }
        end()
    }

    /// Runs one act in a savepoint of its own.
    fn attempt(&self, job: &mut dyn Job) -> Attempted {
        if let Err(error) = self.run_cached("SAVEPOINT act") {
            return self.group_lost(&error);
        }
        let mut tx = Tx::on_sqlite(&self.connection);
        let verdict = job.attempt(&mut tx);
        let signals = tx.signals();
        if self.connection.is_autocommit() {
            return Attempted::GroupLost(cause("the database rolled the transaction back"));
        }
        let (ended, attempted) = match verdict {
            Verdict::Keep => (Ok(()), Attempted::Kept(signals)),
            Verdict::Undo | Verdict::Panicked => {
                (self.run_cached("ROLLBACK TO act"), Attempted::Undone)
            }
        };
        match ended.and_then(|()| self.run_cached("RELEASE act")) {
            Ok(()) => attempted,
            Err(error) => self.group_lost(&error),
        }
    }

    /// Runs what stands around every act, prepared once.
    fn run_cached(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn group_lost(&self, error: &rusqlite::Error) -> Attempted {
        self.leave_transaction();
        Attempted::GroupLost(cause_of(error))
    }

    fn leave_transaction(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn end(&self) {
        let done = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = done {
            // Nothing is lost: the log is read again at the next start.
            tracing::warn!(%error, "the write-ahead log was not emptied");
        }
    }
}

/// Answers every act that it could not be done, and returns those that must be.
fn fail_all(jobs: Vec<Box<dyn Job>>, cause: &Cause) -> Vec<Box<dyn Job>> {
    let (owed, failed): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.is_owed());
    for job in failed {
        job.fail(StoreError::Unavailable(cause.clone()));
    }
    owed
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << failures.min(10))
        .min(LONGEST_PAUSE)
}
