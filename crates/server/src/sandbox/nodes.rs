//! How the nodes are started that are not ours, and how what they do is waited for.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bitcoin::secp256k1::PublicKey;
use payments::network::Network;
use rail_ldk::{LdkNode, NodeConfig, SocketAddress};
use store::{OpenError, Store, StoreConfig};

use super::counterparty::Counterparty;
use super::credentials::Place;
use super::error::EconomyError;
use super::held::HeldInvoices;

/// How long a channel or a connection may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long one look waits for the next.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// What the nodes that are not ours have in common: they share a database.
pub(super) struct Others {
    store: Store,
    esplora_url: String,
}

impl Others {
    /// Opens their database.
    pub(super) fn open(data_dir: &Path, esplora_url: &str) -> Result<Self, OpenError> {
        let file = StoreConfig::SqliteFile(data_dir.join("counterparty.db"));
        Ok(Self {
            store: Store::open(&file)?,
            esplora_url: esplora_url.to_owned(),
        })
    }

    /// What every node is told.
    pub(super) fn config(&self, place: Place) -> NodeConfig {
        let mut config = NodeConfig::new(Network::Regtest, &self.esplora_url, place.seed);
        config.background_sync = None;
        config.listening_addresses = vec![socket(place.address)];
        config
    }

    /// The counterparty.
    pub(super) fn counterparty(&self, place: &Place) -> Result<Arc<Counterparty>, EconomyError> {
        let mut config = self.config(place.clone());
        config.alias = Some("leyden-counterparty".to_owned());
        self.start(&config, "counterparty", "sandbox")
    }

    /// The router: it alone forwards.
    pub(super) fn router(&self, place: &Place) -> Result<Arc<Counterparty>, EconomyError> {
        let mut config = self.config(place.clone());
        config.is_service_provider = true;
        self.start(&config, "router", "router-held")
    }

    /// A node behind the router.
    pub(super) fn payee(
        &self,
        place: &Place,
        [state, held]: [&str; 2],
        router: PublicKey,
    ) -> Result<Arc<Counterparty>, EconomyError> {
        let mut config = self.config(place.clone());
        config.is_service_provider = true;
        config.trusted_peers_no_reserve = vec![router];
        self.start(&config, state, held)
    }

    fn start(
        &self,
        config: &NodeConfig,
        state: &str,
        held: &str,
    ) -> Result<Arc<Counterparty>, EconomyError> {
        let (state, held) = (self.store.node_state(state)?, self.store.node_state(held)?);
        let node = Arc::new(LdkNode::start(config, state)?);
        Ok(Counterparty::start(node, HeldInvoices(held))?)
    }
}

pub(super) fn socket(address: SocketAddr) -> SocketAddress {
    SocketAddress::from(address)
}

/// Looks until something is there, for [`PATIENCE`] at most.
pub(super) fn wait_until(is_there: impl Fn() -> bool) -> Result<(), EconomyError> {
    let deadline = Instant::now() + PATIENCE;
    while !is_there() {
        if Instant::now() > deadline {
            return Err(EconomyError::Slow);
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
