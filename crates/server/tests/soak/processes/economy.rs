//! The world around the processes: a chain with its Esplora API, and a node to pay and be paid by.
//!
//! The channel is opened while no process runs, by a node of the test under the lease of ours, which is then given
//! back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bitcoin::FeeRate;
use bitcoin::hashes::Hash;
use devchain::Chain;
use money::Msat;
use payments::network::Network;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{Entropy, SystemEntropy};
use rail_ldk::{LdkNode, NodeConfig, NodeEvent, NodeSeed, OpenChannel};
use server::compose::NODE;
use store::{LeaseOptions, Store, StoreConfig};

use crate::sandbox::PATIENCE;

/// What each invoice asks for: below the dust limit, so that a closed channel ends it without its time lock.
pub const INVOICE_SAT: i64 = 100;
/// What the operator has in the node's own wallet: closed channels cost fees, and he bears them.
const CAPITAL_SAT: u64 = 1_000_000;
const EXPIRY_SECONDS: u32 = 86_400;

/// An invoice of the node of the test.
#[derive(Debug, Clone)]
pub struct Invoice {
    pub bolt11: String,
    pub hash: PaymentHash,
    /// Of one that is held until somebody decides.
    pub preimage: Option<PaymentPreimage>,
}

/// What has happened at the node of the test.
#[derive(Default)]
struct Seen {
    claimable: BTreeMap<PaymentHash, Msat>,
    received: BTreeMap<PaymentHash, Msat>,
}

pub struct Economy {
    pub esplora_url: String,
    chain: Chain,
    counterparty: Arc<LdkNode>,
    seen: Arc<Mutex<Seen>>,
    _esplora: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Economy {
    /// Everything up to a usable channel between the node of `seed` on `ours` and the node of the test.
    pub fn on(ours: &Store, seed: [u8; 64]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let chain = Chain::in_memory();
        chain.faucet().mine(105).expect("mined");
        let (esplora, esplora_url) = serve(chain.clone());
        let file = StoreConfig::SqliteFile(folder.path().join("counterparty.db"));
        let theirs = Store::open(&file).expect("the counterparty's state");
        let state = theirs.node_state("counterparty").expect("its lease");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let mut config = config(&esplora_url, [9; 64]);
        config.listening_addresses = vec![address.into()];
        let counterparty = Arc::new(LdkNode::start(&config, state).expect("the counterparty"));

        let leased = ours.lease_node(NODE, LeaseOptions::default());
        let mut config = self::config(&esplora_url, seed);
        config.trusted_peers_no_reserve = vec![counterparty.node_id()];
        let node = LdkNode::start(&config, leased.expect("our lease").state).expect("our node");
        node.connect(counterparty.node_id(), address.into())
            .expect("connected");
        let seen = Arc::default();
        watch(&counterparty, &seen);
        let economy = Self {
            esplora_url,
            chain,
            counterparty,
            seen,
            _esplora: esplora,
            _folder: folder,
        };
        economy.open_channel(&node);
        node.stop().expect("our node stops");
        economy
    }

    fn open_channel(&self, node: &LdkNode) {
        for (to, amount_sat) in [(&*self.counterparty, 100_000_000), (node, CAPITAL_SAT)] {
            let script = to
                .new_onchain_address()
                .expect("an address")
                .script_pubkey();
            let faucet = self.chain.faucet();
            let paid = faucet.pay(script, amount_sat, FeeRate::BROADCAST_MIN);
            paid.expect("paid");
        }
        let mine = |blocks| {
            self.mine(blocks);
            node.sync_wallets().expect("synced");
        };
        mine(1);
        let opened = self.counterparty.open_channel(&OpenChannel {
            peer: node.node_id(),
            // Never used: the peer is connected already.
            address: "127.0.0.1:9".parse().expect("an address"),
            capacity_sat: 16_000_000,
            push_msat: None,
            is_announced: false,
            forwarding_fee: None,
        });
        opened.expect("opened");
        wait("the funding transaction", || {
            !self.chain.mempool_txids().is_empty()
        });
        mine(6);
        let usable = |node: &LdkNode| node.channels().iter().any(|channel| channel.is_usable);
        wait("a usable channel", || usable(node) && self.has_channel());
    }

    /// Whether a payment can go through the channel.
    pub fn has_channel(&self) -> bool {
        let channels = self.counterparty.channels();
        channels.iter().any(|channel| channel.is_usable)
    }

    /// Whether the channel is there, connected or not.
    pub fn is_channel_open(&self) -> bool {
        !self.counterparty.channels().is_empty()
    }

    pub fn mine(&self, blocks: u32) {
        self.chain.faucet().mine(blocks).expect("mined");
        self.counterparty.sync_wallets().expect("synced");
    }

    /// An invoice that is claimed by itself.
    pub fn invoice(&self) -> Invoice {
        let amount = Msat::from_sat(INVOICE_SAT).expect("an amount");
        let made = self.counterparty.receive(Some(amount), "x", EXPIRY_SECONDS);
        let made = made.expect("an invoice");
        Invoice {
            bolt11: made.to_string(),
            hash: PaymentHash::from_bytes(made.payment_hash().to_byte_array()),
            preimage: None,
        }
    }

    /// An invoice whose payment is held until [`Economy::release`].
    pub fn held_invoice(&self) -> Invoice {
        let mut bytes = [0; 32];
        SystemEntropy.fill(&mut bytes);
        let preimage = PaymentPreimage::from_bytes(bytes);
        let (hash, amount) = (preimage.payment_hash(), Msat::from_sat(INVOICE_SAT));
        let amount = Some(amount.expect("an amount"));
        let made = self
            .counterparty
            .receive_for_hash(amount, "x", EXPIRY_SECONDS, &hash);
        Invoice {
            bolt11: made.expect("an invoice").to_string(),
            hash,
            preimage: Some(preimage),
        }
    }

    /// Whether the payment of a held invoice has arrived.
    pub fn holds(&self, invoice: &Invoice) -> bool {
        self.seen().claimable.contains_key(&invoice.hash)
    }

    /// Takes a held payment, or sends it back.
    pub fn release(&self, invoice: &Invoice, take: bool) {
        let held = self.seen().claimable.remove(&invoice.hash);
        let (preimage, held) = (invoice.preimage, held.expect("a held payment"));
        let released = if take {
            let preimage = preimage.expect("a preimage");
            self.counterparty.claim_for_hash(&preimage, held)
        } else {
            self.counterparty.fail_for_hash(&invoice.hash)
        };
        released.expect("the node does it");
    }

    /// Whether the node of the test was paid for this hash.
    pub fn was_paid(&self, hash: &PaymentHash) -> bool {
        self.seen().received.contains_key(hash)
    }

    /// Pays an invoice of ours.
    pub fn pay(&self, bolt11: &str) -> bool {
        self.counterparty.send(bolt11, None, None).is_ok()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic")
    }
}

/// Writes down what happens at the counterparty, as long as the test lasts.
fn watch(node: &Arc<LdkNode>, seen: &Arc<Mutex<Seen>>) {
    let (node, seen) = (Arc::downgrade(node), Arc::clone(seen));
    std::thread::spawn(move || {
        while let Some(node) = node.upgrade() {
            let Some(event) = node.next_node_event(Duration::from_millis(100)) else {
                continue;
            };
            let mut seen = seen.lock().expect("no panic");
            match event {
                NodeEvent::PaymentClaimable {
                    payment_hash,
                    amount_msat,
                    ..
                } => drop(seen.claimable.insert(payment_hash, amount_msat)),
                NodeEvent::PaymentReceived {
                    payment_hash,
                    amount_msat,
                } => drop(seen.received.insert(payment_hash, amount_msat)),
                _ => {}
            }
            drop(seen);
            node.acknowledge_event();
        }
    });
}

fn config(esplora_url: &str, seed: [u8; 64]) -> NodeConfig {
    let seed = NodeSeed::Entropy(Box::new(seed));
    let mut config = NodeConfig::new(Network::Regtest, esplora_url, seed);
    config.background_sync = None;
    config
}

fn serve(chain: Chain) -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    runtime.spawn(async move {
        axum::serve(listener, devchain::esplora::router(chain))
            .await
            .expect("served");
    });
    (runtime, url)
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
