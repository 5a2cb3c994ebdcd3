//! [`App`]: what every flow, handler and worker shares.
//!
//! It holds ports and settings, and no state of a payment: that is the store's alone.

use std::sync::Arc;

use payments::fee_policy::FeePolicy;
use payments::ids::Ids;
use payments::network::Network;
use payments::ports::{Clock, Entropy, EventBodies, Rail};
use payments::withdrawal::request::Terms;
use store::Store;
use store::acts::ActContext;

/// The parts of a running server.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The Lightning node.
    pub rail: Arc<dyn Rail>,
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
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            network: self.network,
            node_id: self.rail.node_id(),
            fees: self.fees,
        }
    }
}
