//! [`App`]: what every flow, handler and worker shares, and [`NodeApp`]: what the node's own workers have beside it.
//!
//! They hold ports and settings, and no state of a payment: that is the store's alone. Only the process that runs the
//! node has a [`NodeApp`]: everybody else reaches the node through the [`NodeLink`].

use std::ops::Deref;
use std::sync::Arc;

use payments::fee_policy::FeePolicy;
use payments::ids::Ids;
use payments::network::Network;
use payments::ports::{Clock, Entropy, EventBodies, Rail, SystemClock, SystemEntropy};
use payments::withdrawal::request::Terms;
use store::Store;
use store::acts::ActContext;

use crate::event_bodies::WireBodies;
use crate::node_link::{NodeKeyError, NodeLink};

/// The parts of a running server.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The way to the Lightning node, in this process or in another.
    pub node: NodeLink,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Makes ids.
    pub ids: Ids,
    /// Renders events.
    pub bodies: Arc<dyn EventBodies>,
    /// The fees.
    pub fees: FeePolicy,
    /// The network.
    pub network: Network,
}

impl App {
    /// A server's parts on the system's clock and randomness, before any node runs.
    #[must_use]
    pub fn new(store: Store, network: Network, fees: FeePolicy) -> Self {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let ids = Ids::new(clock.clone(), entropy.clone());
        Self {
            node: NodeLink::new(store.clone(), ids.clone()),
            store,
            ids,
            clock,
            entropy,
            bodies: Arc::new(WireBodies { network }),
            fees,
            network,
        }
    }

    /// What an act needs, at this moment.
    #[must_use]
    pub fn acting(&self) -> ActContext {
        ActContext {
            ids: self.ids.clone(),
            now: self.clock.now(),
            bodies: Arc::clone(&self.bodies),
        }
    }

    /// What a withdrawal is checked against.
    ///
    /// # Errors
    /// [`NodeKeyError`], also when no node has ever run on this database: nothing can be paid then.
    pub async fn terms(&self) -> Result<Terms, NodeKeyError> {
        Ok(Terms {
            network: self.network,
            node_id: self.node.key().await?,
            fees: self.fees,
        })
    }
}

/// What the workers have that stand between the node and the books. It can be read as the [`App`] it begins with.
#[derive(Clone)]
pub struct NodeApp {
    /// What everybody shares.
    pub app: App,
    /// The Lightning node.
    pub rail: Arc<dyn Rail>,
}

impl Deref for NodeApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}
