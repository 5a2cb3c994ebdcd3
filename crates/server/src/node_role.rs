//! The role `node`: waits until no other process runs the node, starts it, and keeps it connected to its peers.
//!
//! A process that died leaves its lease behind for some seconds, so whoever starts waits, be it the same process
//! again or one that stood by. The node must never start without the lease.

use std::sync::Arc;
use std::time::Duration;

use rail_ldk::{LdkNode, NodeConfig};
use store::{LeaseError, LeaseOptions, LeasedNode, Store, StoreError};
use tokio::task::{JoinError, JoinHandle};

use crate::app::{App, NodeApp};
use crate::compose::{ComposeError, Composed, NODE, compose};
use crate::problem::chain;

/// How often the lease is asked for by a process that waits for it.
const POLL: Duration = Duration::from_secs(1);
/// How often peers that are away are connected to: ldk-node alone takes a minute to find them again.
const RECONNECT: Duration = Duration::from_secs(5);

/// Why this process does not run the node.
#[derive(Debug, thiserror::Error)]
pub enum NodeRoleError {
    /// The lease cannot be had, and waiting would not help.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The node did not start.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// A part of the start panicked.
    #[error("a part of the start failed")]
    Panicked(#[from] JoinError),
}

/// A node that runs in this process.
pub struct RunningNode {
    /// What its workers have.
    pub app: NodeApp,
    /// The node.
    pub node: Arc<LdkNode>,
    peers: JoinHandle<()>,
}

impl RunningNode {
    /// Waits for the lease, then starts the node under it. Dropping the future gives a lease that it took back.
    ///
    /// # Errors
    /// [`NodeRoleError`].
    pub async fn start(app: &App, config: NodeConfig) -> Result<Self, NodeRoleError> {
        let leased = lease(&app.store).await?;
        let app = app.clone();
        let composed = tokio::task::spawn_blocking(move || compose(&app, leased, &config));
        let Composed { app, node } = composed.await??;
        let peers = tokio::spawn(keep_connected(Arc::clone(&node)));
        tracing::info!(node = %node.node_id(), "this process runs the Lightning node");
        Ok(Self { app, node, peers })
    }

    /// Stops the node; its workers have ended. Blocks.
    pub fn stop(self) {
        self.peers.abort();
        if let Err(error) = self.node.stop() {
            tracing::error!(error = %chain(&error), "the node did not stop cleanly");
        }
    }
}

/// Waits for the node's lease.
///
/// # Errors
/// [`NodeRoleError`], only where waiting would not help.
pub async fn lease(store: &Store) -> Result<LeasedNode, NodeRoleError> {
    let mut told = false;
    loop {
        let store = store.clone();
        let taking = move || store.lease_node(NODE, LeaseOptions::default());
        match tokio::task::spawn_blocking(taking).await? {
            Ok(leased) => return Ok(leased),
            Err(LeaseError::Held { holder, .. }) => {
                if !told {
                    tracing::info!(
                        holder,
                        "another process runs the Lightning node: waiting for its lease"
                    );
                    told = true;
                }
            }
            Err(LeaseError::Store(error @ StoreError::Unavailable(_))) => {
                tracing::warn!(error = %chain(&error), "the node's lease cannot be asked for now");
            }
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn keep_connected(node: Arc<LdkNode>) {
    loop {
        let node = Arc::clone(&node);
        if tokio::task::spawn_blocking(move || node.reconnect_peers())
            .await
            .is_err()
        {
            tracing::error!("peers could not be connected to");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
