//! The lease of a node: who runs it, with a fencing number that grows with every change of hands.

use std::sync::Arc;
use std::time::Duration;

use crate::differences::{Dialect, KEEP_LEASE, TAKE_LEASE};
use crate::{Store, StoreError, Tx, params};

const HOLDER: &str = "SELECT holder FROM node_lease WHERE node = $1";
const HELD: &str = "SELECT fence FROM node_lease WHERE node = $1 AND fence = $2";
const RELEASE: &str = "UPDATE node_lease SET expires_at = 0 WHERE node = $1 AND fence = $2";

/// How long a lease lasts, and what happens when it is lost.
#[derive(Clone)]
pub struct LeaseOptions {
    /// How long the lease outlives its last renewal (default: 15 s). PostgreSQL only.
    pub time_to_live: Duration,
    /// After how long without a write it is renewed (default: 4 s). PostgreSQL only.
    pub renew_every: Duration,
    /// Called when another holder has taken the lease; it should not return. The default ends the
    /// process at once, so that a node with outdated state can do nothing more.
    pub on_lost: Arc<dyn Fn() + Send + Sync>,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(15),
            renew_every: Duration::from_secs(4),
            on_lost: Arc::new(|| std::process::abort()),
        }
    }
}

impl std::fmt::Debug for LeaseOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseOptions")
            .field("time_to_live", &self.time_to_live)
            .field("renew_every", &self.renew_every)
            .finish_non_exhaustive()
    }
}

impl LeaseOptions {
    pub(super) fn lost(&self, lease: &Lease) {
        tracing::error!(
            node = lease.node,
            fence = lease.fence,
            "the node's lease is lost"
        );
        (self.on_lost)();
    }

    fn time_to_live_ms(&self) -> i64 {
        i64::try_from(self.time_to_live.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

/// Why a node's lease could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Another process runs the node. Its lease ends some seconds after that process does.
    #[error("the node {node} is run by {holder}")]
    Held {
        /// The node.
        node: String,
        /// Who runs it, as `host:process`.
        holder: String,
    },
    /// The database refused or cannot be reached.
    #[error("the node's lease could not be taken")]
    Store(#[from] StoreError),
    /// The thread that writes the node's state could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}

/// A lease that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub(super) node: String,
    fence: i64,
    time_to_live_ms: i64,
}

impl Lease {
    /// Whether the lease is still ours; for SQLite, where one writer keeps it so until the commit.
    pub(super) fn is_held(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        Ok(tx
            .query_opt(HELD, params![&self.node, self.fence])?
            .is_some())
    }

    /// Prolongs the lease and locks its row until the commit. `false`: another has taken it.
    pub(super) fn keep(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let sql = KEEP_LEASE.on(tx.dialect());
        Ok(tx.execute(sql, params![self.time_to_live_ms, &self.node, self.fence])? == 1)
    }

    /// Lets the next process take the lease at once.
    pub(super) fn release(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.execute(RELEASE, params![&self.node, self.fence])?;
        Ok(())
    }
}

/// Takes the lease of `node`.
pub(crate) fn acquire(
    store: &Store,
    node: &str,
    options: &LeaseOptions,
) -> Result<Lease, LeaseError> {
    let (node, holder, lasts_ms) = (node.to_owned(), holder(), options.time_to_live_ms());
    store.write(move |tx| {
        let dialect = tx.dialect();
        let time_to_live_ms = if dialect == Dialect::Sqlite {
            0
        } else {
            lasts_ms
        };
        let taken = tx.query_opt(
            TAKE_LEASE.on(dialect),
            params![&node, &holder, time_to_live_ms],
        )?;
        if let Some(row) = taken {
            return Ok(Lease {
                node: node.clone(),
                fence: row.int(0)?,
                time_to_live_ms,
            });
        }
        let row = tx.query_opt(HOLDER, params![&node])?;
        let holder = row.map(|row| row.text(0).map(str::to_owned)).transpose()?;
        Err(LeaseError::Held {
            node: node.clone(),
            holder: holder.unwrap_or_default(),
        })
    })
}

/// Tells a person where the holder runs. The fence alone tells holders apart.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() {
        "unknown host"
    } else {
        host.trim()
    };
    format!("{host}:{}", std::process::id())
}
