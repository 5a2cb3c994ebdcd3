//! The Lightning node under a server: started under its lease, with what was in doubt resolved first.
//!
//! Order of the start: the books are open, what is in doubt is looked at while the node is off, the node starts,
//! doubt is resolved, and only then anything may be served or dispatched. This is the only place that names the
//! node's adapter for [`NodeApp`].

use std::sync::Arc;

use bitcoin::secp256k1::PublicKey;
use payments::ports::Rail;
use rail_ldk::{LdkNode, LdkRail, NodeConfig, SeedError, StartError, StoredNode};
use store::queries::node::node_key;
use store::{LeasedNode, StoreError, crash_point};

use crate::app::{App, NodeApp};
use crate::workers::recovery::{self, RecoveryError};

/// The name of our node's state in the database.
pub const NODE: &str = "lightning";

/// Why a node did not start under its server.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// What was in doubt could not be looked at or resolved.
    #[error("the withdrawals in doubt could not be resolved")]
    Recovery(#[from] RecoveryError),
    /// The database is another node's.
    #[error(
        "the database is that of the node {known}, and the seed here is that of {ours}: copy the right node-seed"
    )]
    OtherNode {
        /// Whose the database is.
        known: Box<PublicKey>,
        /// Whose the seed is.
        ours: Box<PublicKey>,
    },
    /// The seed.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Lightning node.
    #[error("the Lightning node did not start")]
    Node(#[from] StartError),
}

/// A started node and the parts of the server over it.
pub struct Composed {
    /// What its workers have.
    pub app: NodeApp,
    /// Our node.
    pub node: Arc<LdkNode>,
}

/// Starts the node under its lease and resolves what was in doubt. Blocks: call it from a plain thread.
///
/// # Errors
/// [`ComposeError`].
pub fn compose(app: &App, leased: LeasedNode, node: &NodeConfig) -> Result<Composed, ComposeError> {
    let LeasedNode { state, books } = leased;
    let (ours, known) = (node.node_id()?, books.read(|tx| node_key(tx, NODE))?);
    if let Some(known) = known
        && known != ours
    {
        let (known, ours) = (Box::new(known), Box::new(ours));
        return Err(ComposeError::OtherNode { known, ours });
    }
    let doubt = recovery::look(&books, &StoredNode(state.as_ref()))?;
    crash_point::reach("recovery.looked");
    let node = Arc::new(LdkNode::start(node, state)?);
    crash_point::reach("recovery.node_started");
    let rail: Arc<dyn Rail> = Arc::new(LdkRail::new(Arc::clone(&node)));
    let app = NodeApp {
        app: App {
            store: books,
            ..app.clone()
        },
        rail,
    };
    recovery::resolve(&app, doubt)?;
    crash_point::reach("recovery.resolved");
    Ok(Composed { app, node })
}
