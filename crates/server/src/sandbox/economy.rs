//! The chain and the nodes on it: ours, the counterparty, and a router with those behind it.
//!
//! The nodes look at the chain only when they are told to: after each block, all at once.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use devchain::{Chain, Tip};
use rail_ldk::{LdkNode, NodeCallError};
use store::LeasedNode;

use super::SandboxError;
use super::counterparty::Counterparty;
use super::credentials::Places;
use super::error::EconomyError;
use super::nodes::{Others, PATIENCE, socket, wait_until};
use super::router::Router;
use crate::app::{App, NodeApp};
use crate::compose::compose;

/// The chain and the nodes.
pub(super) struct Economy {
    pub(super) chain: Chain,
    pub(super) node: Arc<LdkNode>,
    pub(super) node_address: SocketAddr,
    pub(super) counterparty: Arc<Counterparty>,
    pub(super) counterparty_address: SocketAddr,
    pub(super) router: Router,
    /// How high the chain was when the channels were there: what is below never leaves it.
    firm_height: AtomicU32,
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

/// Starts the nodes, and connects them.
pub(super) fn start(
    data_dir: &Path,
    (app, leased): (&App, LeasedNode),
    chain: Chain,
    esplora_url: &str,
    places: Places,
) -> Result<(Economy, NodeApp), SandboxError> {
    let others = Others::open(data_dir, esplora_url)?;
    let Places {
        node: our_place,
        counterparty: their_place,
        router: router_place,
        payees: payee_places,
    } = places;
    let (node_address, counterparty_address) = (our_place.address, their_place.address);
    let (counterparty, router) = thread::scope(|scope| {
        let router = scope.spawn(|| others.router(&router_place));
        (others.counterparty(&their_place), joined(router))
    });
    let (counterparty, router) = (counterparty?, router?);
    let neighbours = [counterparty.node.node_id(), router.node.node_id()];
    let (composed, router) = thread::scope(|scope| {
        let router =
            scope.spawn(|| Router::start(&others, router, router_place.address, &payee_places));
        let mut config = others.config(our_place);
        config.trusted_peers_no_reserve = neighbours.to_vec();
        let composed = compose(app, leased, &config);
        (composed, joined(router))
    });
    let composed = composed.map_err(EconomyError::Compose)?;
    let economy = Economy {
        chain,
        node: composed.node,
        node_address,
        counterparty,
        counterparty_address,
        router: router?,
        firm_height: AtomicU32::new(u32::MAX),
        turn: Mutex::default(),
    };
    economy.sync()?;
    economy.connect()?;
    Ok((economy, composed.app))
}

/// ldk-node gives itself ten seconds for a look. A slow machine may need more for a node with many closed channels.
fn look_at_the_chain(node: &LdkNode) -> Result<(), NodeCallError> {
    let began = Instant::now();
    loop {
        match node.sync_wallets() {
            Err(NodeCallError::TimedOut(_)) if began.elapsed() < PATIENCE => {}
            ended => return ended,
        }
    }
}

/// The result of a part of the start.
fn joined<T>(part: ScopedJoinHandle<'_, T>) -> T {
    part.join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Economy {
    fn nodes(&self) -> [&LdkNode; 5] {
        let [usual, greedy] = &self.router.routes;
        [
            &self.node,
            &self.counterparty.node,
            &self.router.node.node,
            &usual.payee.node,
            &greedy.payee.node,
        ]
    }

    /// Lets all nodes look at the chain.
    pub(super) fn sync(&self) -> Result<(), EconomyError> {
        thread::scope(|scope| {
            let looks = self
                .nodes()
                .map(|node| scope.spawn(move || look_at_the_chain(node)));
            looks
                .into_iter()
                .try_for_each(|look| joined(look).map_err(EconomyError::Call))
        })
    }

    /// Mines to the faucet, and returns when all nodes have seen it.
    pub(super) fn mine(&self, blocks: u32) -> Result<(), EconomyError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.chain.faucet().mine(blocks)?;
        self.sync()
    }

    /// The channels are there: what happened so far stays.
    pub(super) fn is_settled(&self) {
        let height = self.chain.height();
        self.firm_height.store(height, Ordering::Relaxed);
    }

    /// Lets another branch take over, one block longer than the newest `depth` blocks, and returns when all nodes have
    /// seen it.
    pub(super) fn reorganise(&self, depth: u32) -> Result<Tip, EconomyError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let firm = self.firm_height.load(Ordering::Relaxed);
        let most = self.chain.height().saturating_sub(firm);
        if depth > most {
            return Err(EconomyError::TooDeep { most });
        }
        let tip = self.chain.reorganise(depth, 1)?;
        self.sync()?;
        Ok(tip)
    }

    /// Connects our node to its neighbours, and the router to those behind it.
    fn connect(&self) -> Result<(), EconomyError> {
        let router = &self.router.node.node;
        let [usual, greedy] = &self.router.routes;
        let pairs = [
            (
                &self.node,
                &self.counterparty.node,
                self.counterparty_address,
            ),
            (&self.node, router, self.router.address),
            (router, &usual.payee.node, usual.address),
            (router, &greedy.payee.node, greedy.address),
        ];
        for (from, to, address) in pairs {
            wait_until(|| from.connect(to.node_id(), socket(address)).is_ok())?;
        }
        Ok(())
    }

    /// Stops the nodes.
    pub(super) fn stop(&self) {
        if let Err(error) = self.node.stop() {
            tracing::error!(%error, "our node did not stop cleanly");
        }
        thread::scope(|scope| {
            scope.spawn(|| self.counterparty.stop());
            scope.spawn(|| self.router.stop());
        });
    }
}
