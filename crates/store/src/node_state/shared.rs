//! Node state on PostgreSQL: one thread and one connection for each node, so that its writes keep
//! their order. What queues up during a commit goes into the next one together.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use payments::ports::{Durable, NodeState, NodeStateError, StateChange, StateKey};

use crate::job::{Job, Verdict};
use crate::node_state::lease::Lease;
use crate::node_state::renewal::Renewal;
use crate::node_state::{Change, LeaseError, LeaseOptions, reading};
use crate::postgresql::{Address, Connection, Ended, WRITE};
use crate::queue::{Popped, Queue};
use crate::threads::{join_all, spawn};
use crate::{Store, StoreError, Tx};

const LARGEST_GROUP: usize = 256;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often a closing store tries to write what is left, before it leaves it unanswered.
const TRIES_WHEN_CLOSING: u32 = 5;

struct Shared {
    store: Store,
    node: String,
    thread: Arc<NodeThread>,
}

pub(crate) fn shared(store: &Store, lease: Lease, thread: Arc<NodeThread>) -> Arc<dyn NodeState> {
    Arc::new(Shared {
        store: store.clone(),
        node: lease.node,
        thread,
    })
}

impl NodeState for Shared {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        reading::read(&self.store, &self.node, key)
    }

    fn change(&self, changes: Vec<StateChange>) -> Durable {
        self.thread.enqueue(Change::new(&self.node, changes))
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, NodeStateError> {
        reading::list(&self.store, &self.node, primary, secondary)
    }

    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        reading::scan(&self.store, &self.node, visit)
    }
}

/// Nobody can write the node's state any more, so the lease is given back.
impl Drop for Shared {
    fn drop(&mut self) {
        self.thread.close();
    }
}

/// The thread that writes one node's state and keeps its lease.
pub(crate) struct NodeThread {
    changes: Arc<Queue<Change>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl NodeThread {
    pub(crate) fn start(
        address: &Address,
        lease: Lease,
        options: LeaseOptions,
    ) -> Result<Arc<Self>, LeaseError> {
        let changes = Arc::new(Queue::new());
        let renewal = Renewal::new(lease.taken_at);
        let (watched, watching, ending) = (lease.clone(), options.clone(), Arc::clone(&changes));
        let watch = renewal.watch(options.believed_for(), move || {
            ending.close();
            tracing::error!(
                "the node's lease could not be renewed: another process may run the node"
            );
            watching.lost(&watched);
        });
        let watch = watch.map_err(LeaseError::Thread)?;
        let connection = Connection::new(address.clone());
        let mut worker = Worker {
            connection,
            lease,
            options,
            changes: Arc::clone(&changes),
            renewal: Arc::clone(&renewal),
        };
        let handle = spawn("store-node", move || {
            worker.run();
            worker.renewal.end();
        });
        let handle = handle
            .inspect_err(|_| renewal.end())
            .map_err(LeaseError::Thread)?;
        Ok(Arc::new(Self {
            changes,
            handles: Mutex::new(vec![handle, watch]),
        }))
    }

    fn enqueue(&self, (change, durable): (Change, Durable)) -> Durable {
        if self.changes.push(change).is_err() {
            tracing::error!("a write of node state was refused: the store is closed");
        }
        durable
    }

    /// Writes what is queued, gives the lease back and ends the thread.
    pub(crate) fn close(&self) {
        self.changes.close();
        join_all(
            self.handles
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .drain(..),
        );
    }
}

struct Worker {
    connection: Connection,
    lease: Lease,
    options: LeaseOptions,
    changes: Arc<Queue<Change>>,
    renewal: Arc<Renewal>,
}

impl Worker {
    fn run(&mut self) {
        loop {
            let work = match self
                .changes
                .pop_group_within(LARGEST_GROUP, self.options.renew_every)
            {
                Popped::Group(changes) => Work::Write(changes),
                Popped::TimedOut => Work::Write(Vec::new()),
                Popped::Closed => Work::Release,
            };
            let last = matches!(work, Work::Release);
            if !self.commit(Group {
                work,
                lease: self.lease.clone(),
                lost: false,
            }) || last
            {
                self.changes.close();
                return;
            }
        }
    }

    /// Tries until the group is durable. `false`: the lease is lost.
    fn commit(&mut self, mut group: Group) -> bool {
        let mut failures = 0;
        loop {
            if self.renewal.is_lost() {
                return false;
            }
            // A new connection may take seconds, and is no part of the renewal.
            let session = self.connection.session();
            let began_at = Instant::now();
            let ended = match session {
                Ok(session) => session.run(WRITE, &mut group),
                Err(cause) => Ended::Lost(cause),
            };
            match ended {
                Ended::Committed(_) => {
                    self.renewal.renewed(began_at);
                    Box::new(group).finish();
                    return true;
                }
                Ended::Undone if group.lost => {
                    self.options.lost(&self.lease);
                    return false;
                }
                // After an unknown outcome too: the same changes once more, in order, change
                // nothing.
                failed => {
                    failures += 1;
                    tracing::warn!(
                        ?failed,
                        failures,
                        "node state could not be written, trying again"
                    );
                    self.connection.discard();
                }
            }
            if self.changes.is_closed() && failures >= TRIES_WHEN_CLOSING {
                return true;
            }
            std::thread::sleep(pause(failures));
        }
    }
}

enum Work {
    Write(Vec<Change>),
    Release,
}

/// What one transaction does.
struct Group {
    work: Work,
    lease: Lease,
    lost: bool,
}

impl Group {
    /// Whether the lease is still held.
    fn make(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        match &self.work {
            Work::Write(changes) => {
                if !self.lease.keep(tx)? {
                    return Ok(false);
                }
                changes.iter().try_for_each(|change| change.apply(tx))?;
            }
            Work::Release => self.lease.release(tx)?,
        }
        Ok(true)
    }
}

impl Job for Group {
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Verdict {
        match self.make(tx) {
            Ok(true) => Verdict::Keep,
            Ok(false) => {
                self.lost = true;
                Verdict::Undo
            }
            Err(error) => {
                tracing::warn!(%error, "a write of node state failed");
                Verdict::Undo
            }
        }
    }

    fn finish(self: Box<Self>) {
        if let Work::Write(changes) = self.work {
            changes.into_iter().for_each(Change::answer);
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        tracing::error!(%error, "a write of node state was refused");
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << failures.min(10))
        .min(LONGEST_PAUSE)
}
