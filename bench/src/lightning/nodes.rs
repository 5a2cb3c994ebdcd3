//! The payee, a bare node with the channel that it opens to whoever pays, and a bare node that pays.
//!
//! Both sides of a comparison have this payee, on the same store. Nothing of ours runs in a bare node.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bitcoin::FeeRate;
use bitcoin::secp256k1::PublicKey;
use ldk_node::Builder;
use ldk_node::bitcoin::Network;
use ldk_node::config::{AnchorChannelsConfig, Config, EsploraSyncConfig};
use ldk_node::lightning::ln::msgs::SocketAddress;
use ldk_node::lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescription, Description};
use ldk_node::logger::{LogRecord, LogWriter};
use tempfile::TempDir;

use super::chain::ServedChain;
use super::events::EventfulNode;
use super::stores::{self, Kept};
use super::{AMOUNT_MSAT, LightningError, PATIENCE};

/// The channel of the sandbox: half of it on the payer's side.
const CAPACITY_SAT: u64 = 16_000_000;
pub const PUSHED_SAT: u64 = 8_000_000;
const FUNDS_SAT: u64 = 20_000_000;
const EXPIRY_SECONDS: u32 = 3_600;

/// Where log records go: no side keeps a log, so that stores are compared and not disks full of text.
struct NoLog;

impl LogWriter for NoLog {
    fn log(&self, _record: LogRecord<'_>) {}
}

/// A free port of this machine.
pub fn free_address() -> Result<SocketAddr, LightningError> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Whoever is paid, and the chain that both sides look at.
pub struct Payee {
    /// The node.
    pub node: EventfulNode,
    /// Where it listens.
    pub address: SocketAddr,
    /// The chain.
    pub chain: ServedChain,
    _folder: TempDir,
}

impl Payee {
    /// Starts one that keeps its state so.
    pub fn start(kept: Kept) -> Result<Self, LightningError> {
        let chain = ServedChain::start()?;
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let config = config(folder.path(), Some(address.into()), None)?;
        let node = start(config, &chain.esplora_url, kept, folder.path())?;
        Ok(Self {
            node,
            address,
            chain,
            _folder: folder,
        })
    }

    /// Opens the channel to `payer`, which is connected, with half of it on the payer's side. `sync` lets the payer
    /// look at the chain, `is_usable` asks it for the channel.
    pub fn open_channel(
        &self,
        payer: PublicKey,
        sync: impl Fn() -> Result<(), LightningError>,
        is_usable: impl Fn() -> bool,
    ) -> Result<(), LightningError> {
        let address = self.node.node.onchain_payment().new_address()?;
        let faucet = self.chain.chain.faucet();
        faucet.pay(address.script_pubkey(), FUNDS_SAT, FeeRate::BROADCAST_MIN)?;
        let mine = |blocks| {
            self.chain.chain.faucet().mine(blocks)?;
            self.node.node.sync_wallets()?;
            sync()
        };
        mine(1)?;
        // Never used: the peer is connected already.
        let unused = "127.0.0.1:9".parse().map_err(|_| LightningError::Address)?;
        let push = Some(PUSHED_SAT * 1_000);
        let node = &self.node.node;
        node.open_channel(payer, unused, CAPACITY_SAT, push, None)?;
        wait_until("the funding transaction", || {
            !self.chain.chain.mempool_txids().is_empty()
        })?;
        mine(6)?;
        wait_until("a usable channel", || {
            is_usable() && node.list_channels().iter().any(|channel| channel.is_usable)
        })
    }

    /// Invoices over the amount that every payment carries.
    pub fn invoices(&self, count: usize) -> Result<Vec<Bolt11Invoice>, LightningError> {
        let text = Bolt11InvoiceDescription::Direct(Description::new("bench".to_owned())?);
        (0..count)
            .map(|_| {
                let payee = self.node.node.bolt11_payment();
                Ok(payee.receive(AMOUNT_MSAT, &text, EXPIRY_SECONDS)?)
            })
            .collect()
    }

    /// Stops the node and the chain.
    pub fn stop(self) -> Result<(), LightningError> {
        self.node.stop()?;
        self.chain.stop();
        Ok(())
    }
}

/// A bare node that pays.
pub struct BarePayer {
    /// The node.
    pub node: EventfulNode,
    _folder: TempDir,
}

impl BarePayer {
    /// Starts one that keeps its state so, with a channel that `payee` opened to it.
    pub fn start(payee: &Payee, kept: Kept) -> Result<Self, LightningError> {
        let folder = tempfile::tempdir()?;
        let payee_id = payee.node.node.node_id();
        let config = config(folder.path(), None, Some(payee_id))?;
        let node = start(config, &payee.chain.esplora_url, kept, folder.path())?;
        node.node.connect(payee_id, payee.address.into(), true)?;
        payee.open_channel(
            node.node.node_id(),
            || Ok(node.node.sync_wallets()?),
            || {
                node.node
                    .list_channels()
                    .iter()
                    .any(|channel| channel.is_usable)
            },
        )?;
        Ok(Self {
            node,
            _folder: folder,
        })
    }
}

fn config(
    folder: &Path,
    listen: Option<SocketAddress>,
    trusted: Option<PublicKey>,
) -> Result<Config, LightningError> {
    Ok(Config {
        network: Network::Regtest,
        storage_dir_path: folder.to_str().ok_or(LightningError::Address)?.to_owned(),
        listening_addresses: listen.map(|address| vec![address]),
        anchor_channels_config: Some(AnchorChannelsConfig {
            trusted_peers_no_reserve: trusted.into_iter().collect(),
            ..AnchorChannelsConfig::default()
        }),
        ..Config::default()
    })
}

fn start(
    config: Config,
    esplora_url: &str,
    kept: Kept,
    folder: &Path,
) -> Result<EventfulNode, LightningError> {
    let sync = EsploraSyncConfig {
        background_sync_config: None,
    };
    let mut builder = Builder::from_config(config);
    builder.set_chain_source_esplora(esplora_url.to_owned(), Some(sync));
    builder.set_custom_logger(Arc::new(NoLog));
    let node = stores::build(&builder, kept, folder)?;
    node.start()?;
    EventfulNode::new(node)
}

/// Waits for something that nothing announces.
pub fn wait_until(what: &'static str, holds: impl Fn() -> bool) -> Result<(), LightningError> {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > deadline {
            return Err(LightningError::TimedOut(what));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}
