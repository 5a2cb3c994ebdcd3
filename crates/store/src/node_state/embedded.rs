//! Node state on SQLite: through the one writer, in the group commits of the books.

use std::sync::Arc;

use payments::ports::{Durable, NodeState, NodeStateError, StateChange, StateKey};

use crate::job::{Job, Verdict};
use crate::node_state::lease::Lease;
use crate::node_state::{Change, LeaseOptions, reading};
use crate::{Store, StoreError, Tx};

struct Embedded {
    store: Store,
    lease: Arc<Lease>,
    options: LeaseOptions,
}

pub(crate) fn embedded(store: &Store, lease: Lease, options: LeaseOptions) -> Arc<dyn NodeState> {
    Arc::new(Embedded {
        store: store.clone(),
        lease: Arc::new(lease),
        options,
    })
}

impl Embedded {
    fn enqueue(&self, (change, durable): (Change, Durable)) -> Durable {
        let (lease, options) = (Arc::clone(&self.lease), self.options.clone());
        self.store.enqueue(
            Box::new(Write {
                change,
                lease,
                options,
                lost: false,
            }),
            true,
        );
        durable
    }
}

impl NodeState for Embedded {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        reading::read(&self.store, &self.lease.node, key)
    }

    fn change(&self, changes: Vec<StateChange>) -> Durable {
        self.enqueue(Change::new(&self.lease.node, changes))
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, NodeStateError> {
        reading::list(&self.store, &self.lease.node, primary, secondary)
    }

    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        reading::scan(&self.store, &self.lease.node, visit)
    }
}

/// A change in the writer's queue.
struct Write {
    change: Change,
    lease: Arc<Lease>,
    options: LeaseOptions,
    lost: bool,
}

impl Job for Write {
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Verdict {
        let made = match self.lease.is_held(tx) {
            Ok(true) => self.change.apply(tx),
            Ok(false) => {
                self.lost = true;
                return Verdict::Undo;
            }
            Err(error) => Err(error),
        };
        match made {
            Ok(()) => Verdict::Keep,
            Err(error) => {
                tracing::warn!(%error, "a write of node state failed");
                Verdict::Undo
            }
        }
    }

    fn finish(self: Box<Self>) {
        if self.lost {
            self.options.lost(&self.lease)
        } else {
            self.change.answer()
        }
    }

    /// Only a closed store fails a write of node state; its future then never completes.
    fn fail(self: Box<Self>, error: StoreError) {
        tracing::error!(%error, "a write of node state was refused");
    }

    fn is_owed(&self) -> bool {
        !self.lost
    }
}
