//! The threads that serve the acts on PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::job::Job;
use crate::postgresql::{Address, Connection, Ended};
use crate::queue::Queue;
use crate::signal::Bells;
use crate::threads::spawn;
use crate::{OpenError, StoreError};

/// One account's row is safe at READ COMMITTED: a CHECK guards it, not a read before the write.
pub(crate) const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// One snapshot for the whole act, as on SQLite.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// How often a transaction that met a conflict is tried, and the first wait before it is tried
/// again.
const TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// What one thread of the pool needs.
pub(crate) struct Pool {
    pub(crate) jobs: Arc<Queue<PoolJob>>,
    pub(crate) bells: Arc<Bells>,
    pub(crate) commits: Arc<AtomicU64>,
}

/// A job and whether it may write.
pub(crate) struct PoolJob {
    pub(crate) job: Box<dyn Job>,
    pub(crate) writes: bool,
}

/// Starts `count` threads; each connects when it has its first job.
pub(crate) fn start(
    address: &Address,
    pool: &Arc<Pool>,
    count: usize,
) -> Result<Vec<JoinHandle<()>>, OpenError> {
    (0..count.max(1))
        .map(|_| {
            let mut connection = Connection::new(address.clone());
            let pool = Arc::clone(pool);
            spawn("store-postgres", move || {
                while let Some(job) = pool.jobs.pop() {
                    pool.serve(&mut connection, job);
                }
            })
            .map_err(OpenError::Thread)
        })
        .collect()
}

impl Pool {
    fn serve(&self, connection: &mut Connection, PoolJob { mut job, writes }: PoolJob) {
        let begin = if writes { WRITE } else { READ };
        let mut pause = FIRST_PAUSE;
        for remaining in (0..TRIES).rev() {
            let session = match connection.session() {
                Ok(session) => session,
                Err(cause) => return job.fail(StoreError::Unavailable(cause)),
            };
            let (cause, lost) = match session.run(begin, job.as_mut()) {
                Ended::Committed(signals) => {
                    self.commits.fetch_add(u64::from(writes), Ordering::Relaxed);
                    self.bells.ring(signals);
                    return job.finish();
                }
                Ended::Undone => return job.finish(),
                Ended::Unknown(cause) => {
                    connection.discard();
                    return job.fail(StoreError::Unavailable(cause));
                }
                Ended::Lost(cause) => (cause, true),
                Ended::Again(cause) => (cause, false),
            };
            if lost {
                connection.discard();
            }
            if remaining == 0 {
                return job.fail(StoreError::Unavailable(cause));
            }
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2);
        }
    }
}
