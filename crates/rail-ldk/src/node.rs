//! [`LdkNode`]: one ldk-node, on a runtime of its own.
//!
//! Every method is synchronous and may block. It must never run twice on one state: the caller
//! holds the node's lease. It listens nowhere unless the configuration says so.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use bitcoin::secp256k1::PublicKey;
use ldk_node::{BuildError, Builder, Node, NodeError};
use payments::ports::{NodeState, NodeStateError};
use tokio::runtime::Runtime;

use crate::config::{NodeConfig, NodeSeed};
use crate::kv::{ChannelManagerMark, NodeStateKv};
use crate::log::TracingLog;
use crate::plain_thread::on_plain_thread;

/// Worker threads of a node's runtime.
const WORKERS: usize = 2;

/// The name of the threads on which LDK and ldk-node run. A panic on one of them leaves LDK's locks poisoned and its
/// state unwritten, and tokio hides it: a process with a node must end then.
pub const NODE_THREAD: &str = "ldk-node";

/// How long the chain may take to answer one question.
const ESPLORA_SECONDS: u64 = 10;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A node with an alias announces itself, so it has to listen somewhere.
    #[error("an alias needs a listening address: set one, or leave the alias out")]
    AliasWithoutListening,
    /// The operating system gave no threads.
    #[error("no runtime for the Lightning node")]
    Runtime(#[source] std::io::Error),
    /// The address of the Esplora API makes no sense.
    #[error("the Esplora API cannot be used")]
    Esplora(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The configuration or the stored state does not fit. It is never taken for a fresh node.
    #[error("the Lightning node could not be built")]
    Build(#[source] BuildError),
    /// The node's state cannot be read.
    #[error(transparent)]
    State(#[from] NodeStateError),
    /// The node did not start: Esplora gave no fee estimates, or a listening address is taken.
    #[error("the Lightning node could not be started")]
    Start(#[source] NodeError),
}

/// Why a node did not stop.
#[derive(Debug, thiserror::Error)]
#[error("the Lightning node did not stop")]
pub struct StopError(#[source] pub NodeError);

/// A running Lightning node. Dropping it stops it.
pub struct LdkNode {
    pub(crate) node: Node,
    pub(crate) kv: NodeStateKv,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// Asks the chain what the node's own wallet does not tell.
    pub(crate) esplora: esplora_client::AsyncClient,
    /// Held by the one call that looks at the chain.
    pub(crate) chain_turn: Mutex<()>,
    /// Whether an event was given out and waits for its acknowledgement.
    pub(crate) event_given: AtomicBool,
}

impl LdkNode {
    /// Builds the node from `state` and starts it.
    ///
    /// It answers when the node has its fee estimates and listens. Its peers are connected a little
    /// later, see [`LdkNode::reconnect_peers`], and it takes no payment in its first two seconds
    /// (LDK's forwarding delay).
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start(config: &NodeConfig, state: Arc<dyn NodeState>) -> Result<Self, StartError> {
        if config.alias.is_some() && config.listening_addresses.is_empty() {
            return Err(StartError::AliasWithoutListening);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name(NODE_THREAD)
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let esplora = esplora_client::Builder::new(&config.esplora_url)
            .timeout(ESPLORA_SECONDS)
            .build_async()
            .map_err(|error| StartError::Esplora(Box::new(error)))?;
        let kv = NodeStateKv::load(state)?;
        let built = on_plain_thread(|| {
            let node = build(config, &runtime, kv.clone()).map_err(StartError::Build)?;
            node.start().map_err(StartError::Start)?;
            Ok(node)
        });
        match built {
            Ok(node) => Ok(Self {
                node,
                kv,
                runtime: Some(runtime),
                esplora,
                chain_turn: Mutex::new(()),
                event_given: AtomicBool::new(false),
            }),
            Err(error) => {
                // Dropping a runtime inside another one panics; this does not.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// The node's public key.
    pub fn node_id(&self) -> PublicKey {
        self.node.node_id()
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.node.status().is_running
    }

    /// The height of the newest block the channels have seen.
    pub fn block_height(&self) -> u32 {
        self.node.status().current_best_block.height
    }

    /// Disconnects the peers and stops, with everything stored. A stopped node may be stopped
    /// again; it cannot be started again: build another one from the same state.
    ///
    /// # Errors
    /// [`StopError`].
    pub fn stop(&self) -> Result<(), StopError> {
        match on_plain_thread(|| self.node.stop()) {
            Ok(()) | Err(NodeError::NotRunning) => Ok(()),
            Err(error) => Err(StopError(error)),
        }
    }

    /// Now, in the order of the channel manager's writes; see [`NodeStateKv::channel_manager_mark`].
    pub fn channel_manager_mark(&self) -> ChannelManagerMark {
        self.kv.channel_manager_mark()
    }

    /// Whether a channel manager newer than `mark` is durable; see [`NodeStateKv::channel_manager_mark`].
    pub fn channel_manager_written_since(&self, mark: ChannelManagerMark) -> bool {
        self.kv.channel_manager_written_since(mark)
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        self.runtime
            .as_ref()
            .expect("the runtime is taken only when the node is dropped")
    }
}

impl Drop for LdkNode {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "the Lightning node was dropped and did not stop");
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn build(config: &NodeConfig, runtime: &Runtime, kv: NodeStateKv) -> Result<Node, BuildError> {
    let mut builder = Builder::from_config(config.ldk());
    builder
        .set_runtime(runtime.handle().clone())
        .set_custom_logger(Arc::new(TracingLog))
        .set_chain_source_esplora(config.esplora_url.clone(), Some(config.esplora()));
    match &config.seed {
        NodeSeed::Entropy(bytes) => builder.set_entropy_seed_bytes(**bytes),
        NodeSeed::Mnemonic { words, passphrase } => {
            builder.set_entropy_bip39_mnemonic(words.clone(), passphrase.clone())
        }
    };
    if !config.listening_addresses.is_empty() {
        builder.set_listening_addresses(config.listening_addresses.clone())?;
    }
    if let Some(alias) = &config.alias {
        builder.set_node_alias(alias.clone())?;
    }
    if let Some(service) = config.service() {
        builder.set_liquidity_provider_lsps2(service);
    }
    builder.build_with_store(Arc::new(kv))
}
