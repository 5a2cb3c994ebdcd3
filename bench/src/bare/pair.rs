//! Two nodes on ldk-node's default store, and a channel that the payee opened to the payer.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bitcoin::FeeRate;
use bitcoin::secp256k1::PublicKey;
use ldk_node::bitcoin::Network;
use ldk_node::config::{AnchorChannelsConfig, Config, EsploraSyncConfig};
use ldk_node::lightning::ln::msgs::SocketAddress;
use ldk_node::logger::{LogRecord, LogWriter};
use ldk_node::{Builder, Node};
use tempfile::TempDir;

use super::chain::ServedChain;
use super::events::EventfulNode;
use super::{BareError, Logs, PATIENCE};

/// The channel of the sandbox: half of it on the payer's side.
const CAPACITY_SAT: u64 = 16_000_000;
const PUSH_MSAT: u64 = 8_000_000_000;
const FUNDS_SAT: u64 = 20_000_000;

/// Where log records go when logs are off.
struct NoLog;

impl LogWriter for NoLog {
    fn log(&self, _record: LogRecord<'_>) {}
}

/// The two nodes and what they stand on.
pub struct Pair {
    /// Has half of the channel pushed to it.
    pub payer: EventfulNode,
    /// Opened the channel.
    pub payee: EventfulNode,
    chain: ServedChain,
    _folder: TempDir,
}

impl Pair {
    /// Starts both and waits until the channel may be used.
    pub fn start(logs: Logs) -> Result<Self, BareError> {
        let chain = ServedChain::start()?;
        let folder = tempfile::tempdir()?;
        let address: SocketAddress = TcpListener::bind("127.0.0.1:0")?.local_addr()?.into();
        let start = |name: &str, listen, trusted| {
            let config = config(&folder.path().join(name), listen, trusted)?;
            let node = build(config, &chain.esplora_url, logs)?;
            EventfulNode::new(node)
        };
        let payee = start("payee", Some(address.clone()), None)?;
        let payer = start("payer", None, Some(payee.node.node_id()))?;
        payer.node.connect(payee.node.node_id(), address, true)?;
        let pair = Self {
            payer,
            payee,
            chain,
            _folder: folder,
        };
        pair.open_channel()?;
        Ok(pair)
    }

    /// Stops everything.
    pub fn stop(self) -> Result<(), BareError> {
        self.payer.stop()?;
        self.payee.stop()?;
        self.chain.stop();
        Ok(())
    }

    fn open_channel(&self) -> Result<(), BareError> {
        let address = self.payee.node.onchain_payment().new_address()?;
        let faucet = self.chain.chain.faucet();
        faucet.pay(address.script_pubkey(), FUNDS_SAT, FeeRate::BROADCAST_MIN)?;
        self.mine(1)?;
        // Never used: the peer is connected already.
        let unused = "127.0.0.1:9".parse().map_err(|_| BareError::Address)?;
        let payer = self.payer.node.node_id();
        let push = Some(PUSH_MSAT);
        self.payee
            .node
            .open_channel(payer, unused, CAPACITY_SAT, push, None)?;
        wait_until("the funding transaction", || {
            !self.chain.chain.mempool_txids().is_empty()
        })?;
        self.mine(6)?;
        wait_until("a usable channel", || {
            let nodes = [&self.payer.node, &self.payee.node];
            nodes.iter().all(|node| {
                let channels = node.list_channels();
                channels.iter().any(|channel| channel.is_usable)
            })
        })
    }

    fn mine(&self, blocks: u32) -> Result<(), BareError> {
        self.chain.chain.faucet().mine(blocks)?;
        self.payee.node.sync_wallets()?;
        self.payer.node.sync_wallets()?;
        Ok(())
    }
}

fn config(
    folder: &Path,
    listen: Option<SocketAddress>,
    trusted: Option<PublicKey>,
) -> Result<Config, BareError> {
    Ok(Config {
        network: Network::Regtest,
        storage_dir_path: folder.to_str().ok_or(BareError::Address)?.to_owned(),
        listening_addresses: listen.map(|address| vec![address]),
        anchor_channels_config: Some(AnchorChannelsConfig {
            trusted_peers_no_reserve: trusted.into_iter().collect(),
            ..AnchorChannelsConfig::default()
        }),
        ..Config::default()
    })
}

fn build(config: Config, esplora_url: &str, logs: Logs) -> Result<Node, BareError> {
    let sync = EsploraSyncConfig {
        background_sync_config: None,
    };
    let mut builder = Builder::from_config(config);
    builder.set_chain_source_esplora(esplora_url.to_owned(), Some(sync));
    if logs == Logs::Off {
        builder.set_custom_logger(Arc::new(NoLog));
    }
    let node = builder.build()?;
    node.start()?;
    Ok(node)
}

/// Waits for something that nothing announces.
fn wait_until(what: &'static str, holds: impl Fn() -> bool) -> Result<(), BareError> {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > deadline {
            return Err(BareError::TimedOut(what));
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    Ok(())
}
