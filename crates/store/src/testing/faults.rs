//! Faults at the commits of one SQLite store: a disk that fails, and a process that dies.
//!
//! A dead store does nothing more and answers [`StoreError::Closed`](crate::StoreError::Closed): nothing of what
//! runs on in the process can reach the disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

use crate::sqlite::Jobs;

/// What happens at one side of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFate {
    /// Nothing: it goes on.
    Go,
    /// The database says that it is not available. Before the commit nothing is kept, after it everything is.
    Fail,
    /// As `Fail`, because the disk did not take what was written.
    FailToSync,
    /// As `Fail`, because the file may not be written any more.
    FailReadOnly,
    /// The process dies. Whoever says so has kept the files as they are at this moment.
    Die,
}

/// Decides the fate of each commit, on the writer's thread.
pub trait CommitFaults: Send + Sync {
    /// Before the commit: nothing of the group is in the file.
    fn before_commit(&self) -> CommitFate;
    /// After it, and before anybody is answered.
    fn after_commit(&self) -> CommitFate;
}

type Registered = BTreeMap<PathBuf, Arc<dyn CommitFaults>>;

static FAULTS: Mutex<Registered> = Mutex::new(BTreeMap::new());

fn registered() -> MutexGuard<'static, Registered> {
    FAULTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts `faults` at the commits of every store that is opened on the file `path` from now on; `None` takes them away.
pub fn put_faults(path: &Path, faults: Option<Arc<dyn CommitFaults>>) {
    match faults {
        Some(faults) => registered().insert(path.to_owned(), faults),
        None => registered().remove(path),
    };
}

pub(crate) fn faults_of(path: &Path) -> Option<Arc<dyn CommitFaults>> {
    registered().get(path).cloned()
}

/// Commits by `end`, with what `faults` say about it.
pub(crate) fn commit_with(
    faults: &dyn CommitFaults,
    jobs: &Jobs,
    end: impl FnOnce() -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    fated(faults.before_commit(), jobs)?;
    end()?;
    fated(faults.after_commit(), jobs)
}

fn fated(fate: CommitFate, jobs: &Jobs) -> rusqlite::Result<()> {
    match fate {
        CommitFate::Go => Ok(()),
        CommitFate::Fail => failed(ffi::SQLITE_IOERR),
        CommitFate::FailToSync => failed(ffi::SQLITE_IOERR_FSYNC),
        CommitFate::FailReadOnly => failed(ffi::SQLITE_READONLY),
        CommitFate::Die => {
            jobs.close();
            // Ends the writer's thread without a word; its group is answered that the store is closed.
            std::panic::resume_unwind(Box::new("the process died"))
        }
    }
}

fn failed(code: std::ffi::c_int) -> rusqlite::Result<()> {
    let message = "a fault of the test".to_owned();
    Err(rusqlite::Error::SqliteFailure(
        ffi::Error::new(code),
        Some(message),
    ))
}
