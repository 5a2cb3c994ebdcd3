//! The handle to the database.
//!
//! Every write is an act in a transaction of its own, answered only when it is durable. The handle
//! may be used from any thread, also from inside an async runtime; the work is done on the store's
//! own threads.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures_channel::oneshot;
use payments::ports::NodeState;

use crate::job::{Act, Job, in_act};
use crate::node_state::{self, Fence, LeaseError, LeaseOptions, NodeThread};
use crate::postgresql::{self, Address, Pool, PoolJob};
use crate::queue::Queue;
use crate::signal::Bells;
use crate::sqlite::{self, FileLock};
use crate::threads::{join_all, spawn};
use crate::{OpenError, Signal, StoreConfig, StoreError, Tx, Wakeups};

/// A database that is open. Clones are handles to the same; the last one to go closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Under which lease its writes are made.
    fence: Option<Arc<Fence>>,
}

/// A node whose lease was taken. Dropping its state gives the lease back.
pub struct LeasedNode {
    /// The node's own state.
    pub state: Arc<dyn NodeState>,
    /// The same database, for whoever writes down what the node did or is asked to do: every write is made under the
    /// lease, and fails with [`StoreError::LeaseLost`] when another process has it. On SQLite the lock on the file
    /// sees to that.
    pub books: Store,
}

struct Inner {
    backend: Backend,
    bells: Arc<Bells>,
    commits: Arc<AtomicU64>,
    read_only: bool,
    open: Mutex<Open>,
}

enum Backend {
    Sqlite {
        writes: Arc<Queue<Box<dyn Job>>>,
        reads: Arc<Queue<Box<dyn Job>>>,
    },
    Postgres {
        jobs: Arc<Queue<PoolJob>>,
        address: Box<Address>,
    },
}

/// What a close ends, in this order.
#[derive(Default)]
struct Open {
    nodes: Vec<Arc<NodeThread>>,
    readers: Vec<JoinHandle<()>>,
    writers: Vec<JoinHandle<()>>,
    lock: Option<FileLock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("read_only", &self.inner.read_only)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database for reading and writing, and brings its schema up to date under a lock. A
    /// SQLite file stays locked against other processes until the store is closed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(config: &StoreConfig) -> Result<Self, OpenError> {
        match config {
            StoreConfig::SqliteFile(path) => Self::open_sqlite(path, false),
            StoreConfig::Postgres { url, threads } => Self::open_postgres(url, *threads, false),
        }
    }

    /// Opens the database for reading, beside a running server too: without a lock, and without
    /// applying migrations. Every write answers [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`OpenError`], also when the schema is not exactly the one that this program needs.
    pub fn open_read_only(config: &StoreConfig) -> Result<Self, OpenError> {
        match config {
            StoreConfig::SqliteFile(path) => Self::open_sqlite(path, true),
            StoreConfig::Postgres { url, threads } => Self::open_postgres(url, *threads, true),
        }
    }

    fn open_sqlite(path: &Path, read_only: bool) -> Result<Self, OpenError> {
        let (writes, reads) = (Arc::new(Queue::new()), Arc::new(Queue::new()));
        let (bells, commits) = (Arc::new(Bells::new()), Arc::new(AtomicU64::new(0)));
        let mut open = Open::default();
        if read_only {
            sqlite::verify(path)?;
            writes.close();
        } else {
            open.lock = Some(FileLock::take(path)?);
            let connection = sqlite::open_writing(path)?;
            let (jobs, bells, commits) = (writes.clone(), bells.clone(), commits.clone());
            let writer = sqlite::Writer {
                connection,
                jobs,
                bells,
                commits,
                #[cfg(feature = "test-support")]
                faults: crate::testing::faults_of(path),
            };
            let thread = spawn("store-write", move || writer.run()).map_err(OpenError::Thread)?;
            open.writers.push(thread);
        }
        let backend = Backend::Sqlite {
            writes,
            reads: Arc::clone(&reads),
        };
        let store = Self::new(backend, bells, commits, read_only, open);
        let readers = sqlite::start_readers(path, &reads)?;
        store.inner.lock_open().readers = readers;
        Ok(store)
    }

    fn open_postgres(url: &str, threads: usize, read_only: bool) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        let mut first = postgresql::Connection::new(address.clone());
        let session = first.session().map_err(OpenError::Database)?;
        if read_only {
            postgresql::verify(session)?
        } else {
            postgresql::migrate(session)?
        }
        let (bells, commits) = (Arc::new(Bells::telling()), Arc::new(AtomicU64::new(0)));
        if read_only {
            bells.stop_telling();
        } else {
            postgresql::start_notices(&address, &bells)?;
        }
        let jobs = Arc::new(Queue::new());
        let pool = Pool {
            jobs: jobs.clone(),
            bells: bells.clone(),
            commits: commits.clone(),
        };
        let backend = Backend::Postgres {
            jobs,
            address: Box::new(address.clone()),
        };
        let store = Self::new(backend, bells, commits, read_only, Open::default());
        let workers = postgresql::start(&address, &Arc::new(pool), threads)?;
        store.inner.lock_open().writers = workers;
        Ok(store)
    }

    fn new(
        backend: Backend,
        bells: Arc<Bells>,
        commits: Arc<AtomicU64>,
        read_only: bool,
        open: Open,
    ) -> Self {
        let open = Mutex::new(open);
        Self {
            fence: None,
            inner: Arc::new(Inner {
                backend,
                bells,
                commits,
                read_only,
                open,
            }),
        }
    }

    /// Runs `act` in a transaction and waits until it is durable. An `Err` of the act undoes it,
    /// and it alone. The act may run several times (a conflict), so it must do nothing but use its
    /// transaction.
    ///
    /// # Errors
    /// The act's own, or a [`StoreError`]; after [`StoreError::Unavailable`] it is not known
    /// whether the act was done.
    ///
    /// # Panics
    /// Inside another act, which could wait for itself.
    pub fn write<T, E>(
        &self,
        act: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        wait(self.submit(act, true))
    }

    /// As [`Store::write`], without holding up the thread. The act has its place in the queue when
    /// this call returns; dropping the future does not take it back.
    pub fn write_async<T, E>(
        &self,
        act: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<T, E>> + Send + 'static
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        answer(self.submit(act, true))
    }

    /// Runs `act` on one snapshot, which holds everything that was answered before this call.
    ///
    /// # Errors
    /// The act's own, or a [`StoreError`]; a write is [`StoreError::ReadOnly`].
    ///
    /// # Panics
    /// Inside another act, which could wait for itself.
    pub fn read<T, E>(
        &self,
        act: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        wait(self.submit(act, false))
    }

    /// As [`Store::read`], without holding up the thread.
    pub fn read_async<T, E>(
        &self,
        act: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> impl Future<Output = Result<T, E>> + Send + 'static
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        answer(self.submit(act, false))
    }

    fn submit<T, E>(
        &self,
        mut act: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        writes: bool,
    ) -> oneshot::Receiver<Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let fence = self.fence.clone().filter(|_| writes);
        let (job, answer) = Act::new(move |tx: &mut Tx<'_>| {
            if let Some(fence) = &fence {
                fence.check(tx)?;
            }
            act(tx)
        });
        if writes && self.inner.read_only {
            Box::new(job).fail(StoreError::ReadOnly);
        } else {
            self.enqueue(Box::new(job), writes);
        }
        answer
    }

    /// Puts a job into its queue, or answers that the store is closed.
    pub(crate) fn enqueue(&self, job: Box<dyn Job>, writes: bool) {
        let refused = match &self.inner.backend {
            Backend::Sqlite { writes: queue, .. } if writes => queue.push(job).err(),
            Backend::Sqlite { reads, .. } => reads.push(job).err(),
            Backend::Postgres { jobs, .. } => jobs
                .push(PoolJob { job, writes })
                .err()
                .map(|PoolJob { job, .. }| job),
        };
        if let Some(job) = refused {
            job.fail(StoreError::Closed);
        }
    }

    /// Wake-ups for what other acts have committed through this store. Several in a row are one.
    #[must_use]
    pub fn subscribe(&self, signal: Signal) -> Wakeups {
        self.inner.bells.subscribe(signal)
    }

    /// Tells the other processes on this database a text, soon, at most once, and after what was told before it. It
    /// is lost while they cannot be reached, and on a database that knows no notices. Never waits.
    pub fn tell_others(&self, text: String) {
        self.inner.bells.tell(text);
    }

    /// What other processes tell from now on.
    #[must_use]
    pub fn hear_others(&self) -> crate::Heard {
        self.inner.bells.listen()
    }

    /// Whether other processes may have the same database open.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.backend, Backend::Postgres { .. })
    }

    /// How many writing transactions were ended since the store was opened; a group commit is one.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    /// The state of the Lightning node called `node`, after taking its lease with the defaults of
    /// [`LeaseOptions`]: losing the lease later ends the process.
    ///
    /// # Errors
    /// [`LeaseError`], when another process holds the lease or the database cannot be reached.
    pub fn node_state(&self, node: &str) -> Result<Arc<dyn NodeState>, LeaseError> {
        self.node_state_with(node, LeaseOptions::default())
    }

    /// As [`Store::node_state`], with other times and another end.
    ///
    /// # Errors
    /// See [`Store::node_state`].
    pub fn node_state_with(
        &self,
        node: &str,
        options: LeaseOptions,
    ) -> Result<Arc<dyn NodeState>, LeaseError> {
        Ok(self.lease_node(node, options)?.state)
    }

    /// As [`Store::node_state_with`], together with a handle to the books whose writes are made under the lease.
    ///
    /// # Errors
    /// See [`Store::node_state`].
    pub fn lease_node(&self, node: &str, options: LeaseOptions) -> Result<LeasedNode, LeaseError> {
        let lease = node_state::acquire(self, node, &options)?;
        let mut books = self.clone();
        let state = match &self.inner.backend {
            Backend::Sqlite { .. } => node_state::embedded(self, lease, options),
            Backend::Postgres { address, .. } => {
                books.fence = Some(Arc::new(Fence::new(lease.clone(), options.clone())));
                let thread = NodeThread::start(address, lease.clone(), options)?;
                self.inner.lock_open().nodes.push(Arc::clone(&thread));
                node_state::shared(self, lease, thread)
            }
        };
        Ok(LeasedNode { state, books })
    }

    /// Does what is still queued, empties the write-ahead log into the file, and frees the file.
    /// Later calls answer [`StoreError::Closed`]; closing again does nothing.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn lock_open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.bells.close();
        // Whoever closes at the same time waits here until it is done.
        let mut open = self.lock_open();
        for node in open.nodes.drain(..) {
            node.close();
        }
        match &self.backend {
            Backend::Sqlite { writes, reads } => {
                reads.close();
                writes.close();
            }
            Backend::Postgres { jobs, .. } => jobs.close(),
        }
        // The writer goes last, so that no reader keeps it from emptying the log.
        join_all(open.readers.drain(..));
        join_all(open.writers.drain(..));
        open.lock = None;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

fn wait<T, E: From<StoreError>>(reply: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    assert!(
        !in_act(),
        "an act may not wait for another: it could wait for itself"
    );
    pollster::block_on(answer(reply))
}

async fn answer<T, E: From<StoreError>>(reply: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    reply
        .await
        .unwrap_or_else(|_| Err(StoreError::Closed.into()))
}
