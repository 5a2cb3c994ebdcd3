//! The chain and the two nodes on it, with a channel between them.
//!
//! The nodes look at the chain only when they are told to: after each block, one after the other. The counterparty
//! opens the channel, because an opener's payments in flight are capped and ours must not be.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use devchain::Chain;
use money::Msat;
use payments::fee_policy::FeePolicy;
use payments::network::Network;
use rail_ldk::{LdkNode, NodeCallError, NodeConfig, OpenChannel, SocketAddress};
use store::{LeaseError, Store, StoreConfig};

use super::SandboxError;
use super::counterparty::Counterparty;
use super::credentials::Credentials;
use super::held::HeldInvoices;
use crate::app::App;
use crate::compose::{ComposeError, compose};

/// The size of the channel, in satoshi: near the most that ldk-node accepts.
const CHANNEL_SAT: u64 = 16_000_000;
/// Our side of it from the beginning, in satoshi.
const PUSHED_SAT: i64 = 8_000_000;
/// What the counterparty gets on-chain, in satoshi.
const COUNTERPARTY_SAT: u64 = 100_000_000;
/// How long the channel may take to be usable.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one look at the channel waits for the next.
const LOOK: Duration = Duration::from_millis(20);

/// Why the chain or the nodes are not there.
#[derive(Debug, thiserror::Error)]
pub enum EconomyError {
    /// The chain.
    #[error("the chain of the sandbox cannot be opened")]
    Chain(#[from] devchain::OpenError),
    /// A block could not be mined.
    #[error("no block can be mined")]
    Mine(#[from] devchain::MineError),
    /// The counterparty could not be given coins.
    #[error("the counterparty could not be given coins")]
    Faucet(#[from] devchain::PayError),
    /// The seeds are not what the sandbox wrote.
    #[error("sandbox.json holds no seeds: move the folder away to begin anew")]
    Seeds,
    /// The counterparty's lease on its state.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The counterparty's node.
    #[error("the counterparty did not start")]
    Counterparty(#[from] rail_ldk::StartError),
    /// Our node under its server.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// A node refused a call.
    #[error("a node of the sandbox refused a call")]
    Call(#[from] NodeCallError),
    /// The channel could not be opened.
    #[error("the channel of the sandbox could not be opened")]
    OpenChannel(#[from] rail_ldk::OpenChannelError),
    /// The nodes do not find each other.
    #[error("the nodes of the sandbox do not connect or have no channel after {} s", PATIENCE.as_secs())]
    Slow,
    /// An address or thread could not be had.
    #[error("the sandbox cannot listen or start a thread")]
    Io(#[from] std::io::Error),
    /// The channel could not be booked.
    #[error("the channel could not be booked")]
    Books(#[from] store::acts::posting::PostError),
}

/// The chain and the nodes.
pub(super) struct Economy {
    pub(super) chain: Chain,
    pub(super) node: Arc<LdkNode>,
    pub(super) counterparty: Arc<Counterparty>,
    pub(super) counterparty_address: SocketAddr,
    /// One call mines at a time, so that each returns when the nodes have seen its own blocks.
    turn: Mutex<()>,
}

/// Opens the chain of a folder; a new one gets coins that can be spent.
pub(super) fn open_chain(data_dir: &Path) -> Result<Chain, SandboxError> {
    let chain = Chain::open(&data_dir.join("chain.log")).map_err(EconomyError::Chain)?;
    // A first start may have been cut off before there were coins that can be spent.
    let missing = (devchain::COINBASE_MATURITY + 5).saturating_sub(chain.height());
    if missing > 0 {
        chain.faucet().mine(missing).map_err(EconomyError::Mine)?;
    }
    Ok(chain)
}

/// Starts both nodes, with a usable channel between them that is booked.
pub(super) fn start(
    data_dir: &Path,
    store: &Store,
    chain: Chain,
    esplora_url: &str,
    credentials: &Credentials,
    [node_address, address]: [SocketAddr; 2],
    progress: impl Fn(&str),
) -> Result<(Economy, App), SandboxError> {
    let counterparty = start_counterparty(data_dir, esplora_url, credentials, address)?;
    let seed = credentials.node_seed().ok_or(EconomyError::Seeds)?;
    let mut config = NodeConfig::new(Network::Regtest, esplora_url, seed);
    config.background_sync = None;
    config.listening_addresses = vec![socket(node_address)];
    config.trusted_peers_no_reserve = vec![counterparty.node.node_id()];
    let composed = compose(store, Network::Regtest, FeePolicy::default(), &config)
        .map_err(EconomyError::Compose)?;
    let economy = Economy {
        chain,
        node: composed.node,
        counterparty,
        counterparty_address: address,
        turn: Mutex::default(),
    };
    economy.sync()?;
    economy.connect()?;
    if economy.node.channels().is_empty() {
        progress("funding the counterparty and opening a channel");
        economy.open_channel(node_address)?;
    }
    if !economy
        .node
        .channels()
        .iter()
        .any(|channel| channel.is_ready)
    {
        // A start may have been cut off between the funding of the channel and its blocks.
        economy.mine(6)?;
    }
    economy.wait_until_usable()?;
    economy.book_channel(&composed.app)?;
    Ok((economy, composed.app))
}

fn start_counterparty(
    data_dir: &Path,
    esplora_url: &str,
    credentials: &Credentials,
    address: SocketAddr,
) -> Result<Arc<Counterparty>, SandboxError> {
    let store = Store::open(&StoreConfig::SqliteFile(data_dir.join("counterparty.db")))?;
    let seed = credentials.counterparty_seed().ok_or(EconomyError::Seeds)?;
    let mut config = NodeConfig::new(Network::Regtest, esplora_url, seed);
    config.background_sync = None;
    config.listening_addresses = vec![socket(address)];
    config.alias = Some("leyden-counterparty".to_owned());
    let state = store
        .node_state("counterparty")
        .map_err(EconomyError::Lease)?;
    let held = HeldInvoices(store.node_state("sandbox").map_err(EconomyError::Lease)?);
    let node = Arc::new(LdkNode::start(&config, state).map_err(EconomyError::Counterparty)?);
    Ok(Counterparty::start(node, held).map_err(EconomyError::Io)?)
}

fn socket(address: SocketAddr) -> SocketAddress {
    SocketAddress::from(address)
}

impl Economy {
    /// Lets both nodes look at the chain.
    pub(super) fn sync(&self) -> Result<(), EconomyError> {
        self.node.sync_wallets()?;
        self.counterparty.node.sync_wallets()?;
        Ok(())
    }

    /// Mines to the faucet, and returns when both nodes have seen it.
    pub(super) fn mine(&self, blocks: u32) -> Result<(), EconomyError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.chain.faucet().mine(blocks)?;
        self.sync()
    }

    /// Connects our node to the counterparty.
    fn connect(&self) -> Result<(), EconomyError> {
        let counterparty = self.counterparty.node.node_id();
        let deadline = Instant::now() + PATIENCE;
        while self
            .node
            .connect(counterparty, socket(self.counterparty_address))
            .is_err()
        {
            if Instant::now() > deadline {
                return Err(EconomyError::Slow);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn open_channel(&self, node_address: SocketAddr) -> Result<(), EconomyError> {
        let script = self
            .counterparty
            .node
            .new_onchain_address()?
            .script_pubkey();
        self.chain
            .faucet()
            .pay(script, COUNTERPARTY_SAT, bitcoin::FeeRate::BROADCAST_MIN)?;
        self.mine(1)?;
        self.counterparty.node.open_channel(&OpenChannel {
            peer: self.node.node_id(),
            address: socket(node_address),
            capacity_sat: CHANNEL_SAT,
            push_msat: Msat::from_sat(PUSHED_SAT).ok(),
            is_announced: false,
        })?;
        // Other transactions may wait as well (a channel that was closed): it is this one that has to be there.
        let deadline = Instant::now() + PATIENCE;
        while !self.is_funded() {
            if Instant::now() > deadline {
                return Err(EconomyError::Slow);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Whether the funding transaction of a channel has reached the chain.
    fn is_funded(&self) -> bool {
        let channels = self.node.channels();
        let mut funding = channels.iter().filter_map(|channel| channel.funding);
        funding.any(|output| self.chain.transaction(&output.txid).is_some())
    }

    fn wait_until_usable(&self) -> Result<(), EconomyError> {
        let deadline = Instant::now() + PATIENCE;
        while !self.node.channels().iter().any(|channel| channel.is_usable) {
            if Instant::now() > deadline {
                return Err(EconomyError::Slow);
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The pushed amount is the operator's own money in the node: booked once, by the funding output.
    fn book_channel(&self, app: &App) -> Result<(), EconomyError> {
        let Some(funding) = self
            .node
            .channels()
            .iter()
            .find_map(|channel| channel.funding)
        else {
            return Ok(());
        };
        let amount_msat = Msat::from_sat(PUSHED_SAT).unwrap_or(Msat::ZERO);
        let act = app.acting();
        let channel_id = bitcoin::consensus::serialize(&funding);
        app.store.write(move |tx| {
            store::acts::capital::add_capital(tx, &act, channel_id.clone(), amount_msat).map(drop)
        })?;
        Ok(())
    }

    /// Stops both nodes.
    pub(super) fn stop(&self) {
        if let Err(error) = self.node.stop() {
            tracing::error!(%error, "our node did not stop cleanly");
        }
        self.counterparty.stop();
    }
}
