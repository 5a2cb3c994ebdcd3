//! The state of a Lightning node, behind the port `payments::ports::NodeState`.
//!
//! Stale channel state can lose funds. So a write is answered when it is durable and never with an
//! error, the writes keep the order of their calls, and each is made under the node's lease, which
//! it checks in its own transaction: a process that lost the lease must never change the state
//! again.

mod embedded;
mod lease;
mod reading;
mod renewal;
mod shared;

use futures_channel::oneshot;
use payments::ports::{Durable, StateChange, StateKey};

use crate::{StoreError, Tx, Value, crash_point, params};

pub(crate) use embedded::embedded;
pub(crate) use lease::{Fence, acquire};
pub use lease::{LeaseError, LeaseOptions};
pub(crate) use shared::{NodeThread, shared};

const PUT: &str = "INSERT INTO node_state (node, primary_ns, secondary_ns, key, value)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (node, primary_ns, secondary_ns, key) DO UPDATE SET value = excluded.value";
const REMOVE: &str = "DELETE FROM node_state
    WHERE node = $1 AND primary_ns = $2 AND secondary_ns = $3 AND key = $4";

/// Where LDK keeps the steps of a channel. No write depends on it; a crash point does.
const MONITOR_UPDATES: &str = "monitor_updates";

/// What is on its way to the database together. Making it twice is the same as making it once.
struct Change {
    statements: Vec<(&'static str, Vec<Value>)>,
    durable: oneshot::Sender<()>,
}

impl Change {
    fn new(node: &str, changes: Vec<StateChange>) -> (Self, Durable) {
        let statements = changes.into_iter().map(|change| statement(node, change));
        let (durable, answer) = oneshot::channel();
        let waiting = async move {
            if answer.await.is_err() {
                // The store was closed or the lease is lost. "Durable" would be a lie, and nobody
                // may go on.
                tracing::error!("a write of node state was not made");
                std::future::pending::<()>().await;
            }
        };
        let change = Self {
            statements: statements.collect(),
            durable,
        };
        (change, Box::pin(waiting))
    }

    /// Whether it holds a step of a channel that LDK's channel manager, which is written later, must know at the next
    /// start: without it the channel is closed.
    fn has_a_monitor_update(&self) -> bool {
        self.statements.iter().any(|(sql, params)| {
            *sql == PUT && matches!(params.get(1), Some(Value::Text(of)) if of == MONITOR_UPDATES)
        })
    }

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for (sql, params) in &self.statements {
            tx.execute(sql, params)?;
        }
        Ok(())
    }

    fn answer(self) {
        if self.has_a_monitor_update() {
            crash_point::reach("node_state.monitor_updated");
        }
        // The node may have stopped waiting; the write stays.
        let _gone = self.durable.send(());
    }
}

fn statement(node: &str, change: StateChange) -> (&'static str, Vec<Value>) {
    let (sql, key, value) = match change {
        StateChange::Put(key, value) => (PUT, key, Some(value)),
        StateChange::Remove(key) => (REMOVE, key, None),
    };
    assert_valid(&key);
    let mut params = params![node, key.primary, key.secondary, key.key].to_vec();
    params.extend(value.map(Value::from));
    (sql, params)
}

/// A database may refuse other characters, and such a write would be tried for ever.
fn assert_valid(key: &StateKey) {
    let allowed = |text: &str| {
        text.len() <= 120
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let valid = allowed(&key.primary) && allowed(&key.secondary) && allowed(&key.key);
    assert!(valid && !key.key.is_empty(), "not a key of LDK's KVStore");
}
