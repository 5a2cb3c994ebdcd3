//! The lease of a node: who runs it, with a fencing number that grows with every change of hands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::differences::{Dialect, HOLD_FENCE, KEEP_LEASE, LEASE_HOLDER, TAKE_LEASE};
use crate::{Store, StoreError, Tx, params};

const RELEASE: &str = "UPDATE node_lease SET expires_at = 0 WHERE node = $1 AND fence = $2";

/// How long a lease lasts, and what happens when it is lost.
#[derive(Clone)]
pub struct LeaseOptions {
    /// How long the lease outlives its last renewal (default: 6 s). PostgreSQL only.
    pub time_to_live: Duration,
    /// After how long without a write it is renewed (default: 1.5 s). PostgreSQL only.
    pub renew_every: Duration,
    /// Called when another holder has taken the lease, or may have: it could not be renewed for as long as it lives. It
    /// should not return. The default ends the process at once, so that a node with outdated state can do nothing more.
    pub on_lost: Arc<dyn Fn() + Send + Sync>,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(6),
            renew_every: Duration::from_millis(1_500),
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

    /// How long after the start of its last renewal a holder may still believe in its lease. Shorter than the lease
    /// itself, whose time begins later, in the database: the process has to be gone before another may begin.
    pub(super) fn believed_for(&self) -> Duration {
        self.time_to_live * 9 / 10
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
    /// When the taking of it began.
    pub(super) taken_at: Instant,
}

impl Lease {
    /// Whether the lease is still ours; if so, until the commit.
    pub(super) fn is_held(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let sql = HOLD_FENCE.on(tx.dialect());
        Ok(tx
            .query_opt(sql, params![&self.node, self.fence])?
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

/// A lease, as writes of the books see it that only the node's process may make.
pub(crate) struct Fence {
    lease: Lease,
    options: LeaseOptions,
}

impl Fence {
    pub(crate) fn new(lease: Lease, options: LeaseOptions) -> Self {
        Self { lease, options }
    }

    /// Keeps the lease ours until the end of the transaction.
    pub(crate) fn check(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if self.lease.is_held(tx)? {
            return Ok(());
        }
        self.options.lost(&self.lease);
        Err(StoreError::LeaseLost)
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
        let taken_at = Instant::now();
        // Looking first, so that those who wait change nothing and lock nothing.
        let before = tx.query_opt(LEASE_HOLDER.on(dialect), params![&node])?;
        if let Some(before) = before
            && before.int(1)? == 1
        {
            return Err(held(&node, before.text(0)?));
        }
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
                taken_at,
            });
        }
        // Another was faster.
        let row = tx.query_opt(LEASE_HOLDER.on(dialect), params![&node])?;
        let holder = row.map(|row| row.text(0).map(str::to_owned)).transpose()?;
        Err(held(&node, &holder.unwrap_or_default()))
    })
}

fn held(node: &str, holder: &str) -> LeaseError {
    LeaseError::Held {
        node: node.to_owned(),
        holder: holder.to_owned(),
    }
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
