//! The Lightning node under a server: started on the store, with what was in doubt resolved first.
//!
//! Order of the start: the books are open, what is in doubt is looked at while the node is off, the node starts,
//! doubt is resolved, and only then anything may be served or dispatched. This is the only place that names the
//! node's adapter for [`App`].

use std::sync::Arc;

use payments::fee_policy::FeePolicy;
use payments::ids::Ids;
use payments::network::Network;
use payments::ports::{Rail, SystemClock, SystemEntropy};
use rail_ldk::{LdkNode, LdkRail, NodeConfig, StartError, StoredNode};
use store::{LeaseError, Store};

use crate::app::App;
use crate::event_bodies::WireBodies;
use crate::workers::recovery::{self, RecoveryError};

/// The name of our node's state in the database.
const NODE: &str = "lightning";

/// Why a node did not start under its server.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Another process has the node.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// What was in doubt could not be looked at or resolved.
    #[error("the withdrawals in doubt could not be resolved")]
    Recovery(#[from] RecoveryError),
    /// The Lightning node.
    #[error("the Lightning node did not start")]
    Node(#[from] StartError),
}

/// A started node and the parts of the server over it.
pub struct Composed {
    /// What handlers and workers share.
    pub app: App,
    /// Our node.
    pub node: Arc<LdkNode>,
}

/// Starts the node on the store and resolves what was in doubt. Blocks: call it from a plain thread.
///
/// # Errors
/// [`ComposeError`].
pub fn compose(
    store: &Store,
    network: Network,
    fees: FeePolicy,
    node: &NodeConfig,
) -> Result<Composed, ComposeError> {
    let state = store.node_state(NODE)?;
    let doubt = recovery::look(store, &StoredNode(state.as_ref()))?;
    let node = Arc::new(LdkNode::start(node, state)?);
    let rail: Arc<dyn Rail> = Arc::new(LdkRail::new(Arc::clone(&node)));
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let app = App {
        store: store.clone(),
        rail,
        ids: Ids::new(clock.clone(), entropy.clone()),
        clock,
        entropy,
        bodies: Arc::new(WireBodies { network }),
        fees,
        network,
    };
    recovery::resolve(&app, doubt)?;
    Ok(Composed { app, node })
}
