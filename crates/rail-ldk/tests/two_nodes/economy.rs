//! Two nodes and a chain in one process: ours, and a counterparty that has opened a channel to it.
//!
//! Nothing here is canned: blocks are mined, the channel is funded on the chain, and the nodes talk
//! over a socket.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bitcoin::{Address, FeeRate};
use devchain::Chain;
use money::Msat;
use payments::network::Network;
use payments::ports::{Durable, NodeState, NodeStateError, Rail, RailEvent, StateChange, StateKey};
use rail_ldk::{
    ChannelChange, LdkNode, LdkRail, NodeConfig, NodeEvent, NodeSeed, OpenChannel, SocketAddress,
};

/// How long anything may take on a busy machine before it counts as never.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Node state in memory, durable at once.
#[derive(Default)]
pub struct MemoryState(Mutex<BTreeMap<StateKey, Vec<u8>>>);

impl NodeState for MemoryState {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        Ok(self.0.lock().expect("no panic").get(key).cloned())
    }

    fn change(&self, changes: Vec<StateChange>) -> Durable {
        let mut values = self.0.lock().expect("no panic");
        for change in changes {
            match change {
                StateChange::Put(key, value) => drop(values.insert(key, value)),
                StateChange::Remove(key) => drop(values.remove(&key)),
            }
        }
        Box::pin(std::future::ready(()))
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, NodeStateError> {
        let values = self.0.lock().expect("no panic");
        let keys = values
            .keys()
            .filter(|k| k.primary == primary && k.secondary == secondary);
        Ok(keys.map(|k| k.key.clone()).collect())
    }

    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        self.0
            .lock()
            .expect("no panic")
            .iter()
            .for_each(|(key, value)| visit(key, value));
        Ok(())
    }
}

pub struct Economy {
    pub rail: LdkRail,
    pub counterparty: LdkNode,
    pub state: Arc<MemoryState>,
    pub chain: Chain,
    config: NodeConfig,
    // Serves the chain's Esplora API; dropped last.
    _esplora: tokio::runtime::Runtime,
}

impl Economy {
    /// Both nodes run and are connected; there is no channel.
    pub fn without_channel() -> Self {
        let chain = Chain::in_memory();
        chain.faucet().mine(101).expect("mined");
        let (esplora, esplora_url) = serve(chain.clone());
        let address = free_address();

        let mut config = config(&esplora_url, 2);
        config.listening_addresses = vec![address.clone()];
        let counterparty =
            LdkNode::start(&config, Arc::new(MemoryState::default())).expect("started");

        let mut config = self::config(&esplora_url, 1);
        config.trusted_peers_no_reserve = vec![counterparty.node_id()];
        let state = Arc::new(MemoryState::default());
        let rail = start(&config, &state);
        rail.node()
            .connect(counterparty.node_id(), address)
            .expect("connected");
        Self {
            rail,
            counterparty,
            state,
            config,
            chain,
            _esplora: esplora,
        }
    }

    /// A channel of 16M sat, opened by the counterparty, with half of it on our side.
    pub fn new() -> Self {
        let economy = Self::without_channel();
        let counterparty = &economy.counterparty;
        let address = counterparty.new_onchain_address().expect("an address");
        economy.pay_onchain(&address, 20_000_000);
        economy.mine(1);

        let opening = OpenChannel {
            peer: economy.rail.node_id(),
            // Never used: the peer is connected already.
            address: "127.0.0.1:9".parse().expect("an address"),
            capacity_sat: 16_000_000,
            push_msat: Some(Msat::new(8_000_000_000).expect("in range")),
            is_announced: false,
            forwarding_fee: None,
        };
        counterparty.open_channel(&opening).expect("opened");
        economy.node_event(|event| is_change(event, |c| matches!(c, ChannelChange::Pending(_))));
        wait_until("the funding transaction", || {
            !economy.chain.mempool_txids().is_empty()
        });
        economy.mine(6);
        economy.node_event(|event| is_change(event, |c| matches!(c, ChannelChange::Ready(_))));
        economy.wait_until_usable();
        economy
    }

    /// One more node, that knows nobody.
    pub fn another_node(&self) -> LdkNode {
        let config = config(&self.config.esplora_url, 3);
        LdkNode::start(&config, Arc::new(MemoryState::default())).expect("started")
    }

    /// One more node, with a channel of 1M sat to ours, all of it on its side.
    pub fn another_payer(&self) -> LdkNode {
        let mut config = config(&self.config.esplora_url, 3);
        config.listening_addresses = vec![free_address()];
        let address = config.listening_addresses[0].clone();
        let payer = LdkNode::start(&config, Arc::new(MemoryState::default())).expect("started");
        let ours = self.rail.node();
        ours.connect(payer.node_id(), address).expect("connected");
        let coins = payer.new_onchain_address().expect("an address");
        self.pay_onchain(&coins, 2_000_000);
        self.mine(1);
        payer.sync_wallets().expect("synced");
        let opening = OpenChannel {
            peer: ours.node_id(),
            // Never used: the peer is connected already.
            address: "127.0.0.1:9".parse().expect("an address"),
            capacity_sat: 1_000_000,
            push_msat: None,
            is_announced: false,
            forwarding_fee: None,
        };
        payer.open_channel(&opening).expect("opened");
        wait_until("the funding transaction", || {
            !self.chain.mempool_txids().is_empty()
        });
        self.mine(6);
        payer.sync_wallets().expect("synced");
        wait_until("a channel of the payer", || {
            payer.channels().iter().any(|channel| channel.is_usable)
        });
        payer
    }

    /// Connects `node` to the counterparty.
    pub fn connect(&self, node: &LdkNode) {
        let address = self.counterparty.listening_addresses().remove(0);
        node.connect(self.counterparty.node_id(), address)
            .expect("connected");
    }

    /// Pays to `address` from the faucet, unconfirmed.
    pub fn pay_onchain(&self, address: &Address, amount_sat: u64) {
        let rate = FeeRate::from_sat_per_vb(2).expect("a rate");
        let faucet = self.chain.faucet();
        faucet
            .pay(address.script_pubkey(), amount_sat, rate)
            .expect("paid");
    }

    pub fn mine(&self, blocks: u32) {
        self.chain.faucet().mine(blocks).expect("mined");
        self.counterparty.sync_wallets().expect("synced");
        self.rail.node().sync_wallets().expect("synced");
        assert_eq!(self.rail.node().block_height(), self.chain.height());
    }

    pub fn wait_until_usable(&self) {
        wait_until("a usable channel", || {
            let both = [self.rail.node(), &self.counterparty];
            both.iter()
                .all(|node| node.channels().iter().any(|channel| channel.is_usable))
        });
    }

    /// Stops our node and starts it from the same state, connected again. `meanwhile` looks at the
    /// state while no node runs on it.
    pub fn restart(mut self, meanwhile: impl FnOnce(&dyn NodeState)) -> Self {
        self.rail.node().stop().expect("stopped");
        meanwhile(&*self.state);
        self.rail = start(&self.config, &self.state);
        wait_until("the peer", || self.rail.node().reconnect_peers() == 0);
        self.wait_until_usable();
        self
    }

    /// The first event of our rail that `wanted` takes; what comes before it is acknowledged, and
    /// so is it.
    pub fn rail_event(&self, wanted: impl Fn(&RailEvent) -> bool) -> RailEvent {
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = self.rail.next_event(left(deadline)) {
            self.rail.acknowledge();
            if wanted(&event) {
                return event;
            }
        }
        panic!("the event did not come to our node");
    }

    /// The same, of the counterparty's node.
    pub fn node_event(&self, wanted: impl Fn(&NodeEvent) -> bool) -> NodeEvent {
        let deadline = Instant::now() + PATIENCE;
        while let Some(event) = self.counterparty.next_node_event(left(deadline)) {
            self.counterparty.acknowledge_event();
            if wanted(&event) {
                return event;
            }
        }
        panic!("the event did not come to the counterparty");
    }
}

/// Waits for something that nothing announces.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn is_change(event: &NodeEvent, wanted: impl Fn(&ChannelChange) -> bool) -> bool {
    matches!(event, NodeEvent::Channel { change, .. } if wanted(change))
}

fn start(config: &NodeConfig, state: &Arc<MemoryState>) -> LdkRail {
    let state = Arc::clone(state) as Arc<dyn NodeState>;
    LdkRail::new(Arc::new(LdkNode::start(config, state).expect("started")))
}

pub fn config(esplora_url: &str, seed: u8) -> NodeConfig {
    let seed = NodeSeed::Entropy(Box::new([seed; 64]));
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

fn free_address() -> SocketAddress {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").into()
}
