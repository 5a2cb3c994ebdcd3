//! The channels that the sandbox keeps open between its nodes.
//!
//! What is pushed to our node is the operator's own money, booked once by the funding output. The others open all of
//! them, because an opener's payments in flight are capped and ours must not be.

use std::thread;
use std::time::{Duration, Instant};

use bitcoin::OutPoint;
use money::Msat;
use rail_ldk::{Channel, ForwardingFee, LdkNode, OpenChannel};
use wire::sandbox::Via;

use super::economy::Economy;
use super::error::EconomyError;
use super::nodes::{LOOK, socket, wait_until};
use crate::app::App;

/// The size of a channel, in satoshi: near the most that ldk-node accepts.
const CHANNEL_SAT: u64 = 16_000_000;
/// Our side of the channel with the counterparty from the beginning, in satoshi.
const PUSHED_SAT: i64 = 8_000_000;
/// How many channels we have with the router: what is more than one can carry is paid in parts.
const ROUTER_CHANNELS: usize = 4;
/// The size of a channel with the router, in satoshi.
const ROUTER_CHANNEL_SAT: u64 = 3_000_000;
/// Our side of a channel with the router from the beginning, in satoshi.
const ROUTER_PUSHED_SAT: i64 = 2_800_000;
/// What an opener gets on-chain when it has too little, in satoshi.
const COINS_SAT: u64 = 100_000_000;
/// What an opener needs beside the channel, in satoshi: fees, and the reserve for its close.
const BESIDE_SAT: u64 = 50_000;
/// How long the router's channels may take before the sandbox starts without them.
const ROUTER_PATIENCE: Duration = Duration::from_secs(10);

/// Channels that should be open.
struct Planned<'a> {
    /// Who opens them.
    from: &'a LdkNode,
    to: &'a LdkNode,
    to_address: std::net::SocketAddr,
    count: usize,
    capacity_sat: u64,
    pushed_sat: i64,
    fee: Option<ForwardingFee>,
}

impl Planned<'_> {
    /// The channels that both sides have, as the acceptor sees them.
    fn open(&self) -> Vec<(OutPoint, Channel)> {
        let known = self.from.channels();
        let known: Vec<OutPoint> = known.iter().filter_map(|channel| channel.funding).collect();
        let channels = self.to.channels().into_iter();
        channels
            .filter_map(|channel| Some((channel.funding?, channel)))
            .filter(|(funding, _)| known.contains(funding))
            .collect()
    }

    fn missing(&self) -> usize {
        self.count.saturating_sub(self.open().len())
    }

    /// How many of them can be paid through; the acceptor must know the fee, because its invoices name it.
    fn usable(&self) -> usize {
        let usable = self.open().into_iter().filter(|(_, channel)| {
            channel.is_usable && (self.fee.is_none() || channel.peer_forwarding_fee == self.fee)
        });
        let theirs = self.from.channels();
        let usable = usable.filter(|(funding, _)| {
            let mut theirs = theirs.iter();
            theirs.any(|channel| channel.funding == Some(*funding) && channel.is_usable)
        });
        usable.count()
    }

    fn is_usable(&self) -> bool {
        self.usable() >= self.count
    }

    fn open_one(&self, chain: &devchain::Chain) -> Result<(), EconomyError> {
        let name = self.from.open_channel(&OpenChannel {
            peer: self.to.node_id(),
            address: socket(self.to_address),
            capacity_sat: self.capacity_sat,
            push_msat: Msat::from_sat(self.pushed_sat).ok(),
            is_announced: false,
            forwarding_fee: self.fee,
        })?;
        // Other transactions may wait as well (a channel that was closed): it is this one that has to be there.
        wait_until(|| {
            let channels = self.from.channels().into_iter();
            channels
                .filter(|channel| channel.user_channel_id == name)
                .filter_map(|channel| channel.funding)
                .any(|funding| chain.transaction(&funding.txid).is_some())
        })?;
        // The next one must not be funded with the same coins.
        Ok(self.from.sync_wallets()?)
    }
}

impl Economy {
    fn direct(&self) -> Planned<'_> {
        Planned {
            from: &self.counterparty.node,
            to: &self.node,
            to_address: self.node_address,
            count: 1,
            capacity_sat: CHANNEL_SAT,
            pushed_sat: PUSHED_SAT,
            fee: None,
        }
    }

    fn to_router(&self) -> Planned<'_> {
        Planned {
            from: &self.router.node.node,
            to: &self.node,
            to_address: self.node_address,
            count: ROUTER_CHANNELS,
            capacity_sat: ROUTER_CHANNEL_SAT,
            pushed_sat: ROUTER_PUSHED_SAT,
            fee: None,
        }
    }

    fn to_payee(&self, via: Via) -> Planned<'_> {
        let route = self.router.route(via);
        Planned {
            from: &self.router.node.node,
            to: &route.payee.node,
            to_address: route.address,
            count: 1,
            capacity_sat: CHANNEL_SAT,
            pushed_sat: 0,
            fee: Some(route.fee),
        }
    }

    fn with_router(&self) -> [Planned<'_>; 3] {
        let [usual, greedy] = [Via::Router, Via::RouterGreedy].map(|via| self.to_payee(via));
        [self.to_router(), usual, greedy]
    }

    /// Whether an invoice of that payee can be paid.
    pub(super) fn is_routed(&self, via: Via) -> bool {
        self.to_router().usable() > 0 && self.to_payee(via).is_usable()
    }

    /// Opens what is missing, books what is ours, and waits until payments can go through.
    pub(super) fn settle_channels(
        &self,
        app: &App,
        progress: impl Fn(&str),
    ) -> Result<(), EconomyError> {
        let (direct, routed) = ([self.direct()], self.with_router());
        let all = || direct.iter().chain(&routed);
        if all().any(|planned| planned.missing() > 0) {
            progress("funding the counterparty and the router, and opening channels");
            self.give_coins(all().map(|planned| (planned, planned.missing())))?;
            let opened = thread::scope(|scope| {
                let routed = scope.spawn(|| self.open_missing(&routed));
                (self.open_missing(&direct), routed.join())
            });
            opened.0?;
            match opened.1 {
                Ok(opened) => opened?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        // A start may have been cut off between the funding of a channel and its blocks.
        let mut open = all().flat_map(Planned::open);
        if open.any(|(_, channel)| !channel.is_ready) {
            self.mine(6)?;
        }
        if !becomes_usable(&direct) {
            // A start that was cut off between the writes of two nodes leaves a channel that only one of them knows.
            progress("a channel cannot be used: opening another");
            self.give_coins(direct.iter().map(|planned| (planned, 1)))?;
            for planned in &direct {
                planned.open_one(&self.chain)?;
            }
            self.mine(6)?;
            wait_until(|| direct.iter().all(Planned::is_usable))?;
        }
        for planned in all().filter(|planned| planned.to.node_id() == self.node.node_id()) {
            let ready = planned
                .open()
                .into_iter()
                .filter(|(_, channel)| channel.is_ready);
            for (funding, _) in ready {
                book(app, funding, planned.pushed_sat)?;
            }
        }
        if !becomes_usable(&routed) {
            tracing::warn!("the router's channels cannot be used yet");
        }
        Ok(())
    }

    fn open_missing(&self, planned: &[Planned<'_>]) -> Result<(), EconomyError> {
        for planned in planned {
            for _ in 0..planned.missing() {
                planned.open_one(&self.chain)?;
            }
        }
        Ok(())
    }

    /// Gives coins to every opener that has too few, all in one block.
    fn give_coins<'a>(
        &'a self,
        wanted: impl Iterator<Item = (&'a Planned<'a>, usize)>,
    ) -> Result<(), EconomyError> {
        let mut needed_sat = [(&self.counterparty.node, 0), (&self.router.node.node, 0)];
        for (planned, channels) in wanted {
            let channels = u64::try_from(channels).unwrap_or(u64::MAX);
            for (node, sat) in &mut needed_sat {
                if node.node_id() == planned.from.node_id() {
                    *sat += channels * (planned.capacity_sat + BESIDE_SAT);
                }
            }
        }
        let poor = needed_sat
            .into_iter()
            .filter(|(node, needed)| node.balances().onchain_spendable_sat < *needed);
        let mut any = false;
        for (node, _) in poor {
            let script = node.new_onchain_address()?.script_pubkey();
            let rate = bitcoin::FeeRate::BROADCAST_MIN;
            self.chain.faucet().pay(script, COINS_SAT, rate)?;
            any = true;
        }
        if any {
            self.mine(1)?;
        }
        Ok(())
    }
}

/// Waits for the channels of a start, which are usable at once when they ever are.
fn becomes_usable(planned: &[Planned<'_>]) -> bool {
    let deadline = Instant::now() + ROUTER_PATIENCE;
    while !planned.iter().all(Planned::is_usable) {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(LOOK);
    }
    true
}

/// The pushed amount is the operator's own money in the node: booked once, by the funding output.
fn book(app: &App, funding: OutPoint, pushed_sat: i64) -> Result<(), EconomyError> {
    let amount_msat = Msat::from_sat(pushed_sat).unwrap_or(Msat::ZERO);
    let act = app.acting();
    let channel_id = bitcoin::consensus::serialize(&funding);
    app.store.write(move |tx| {
        store::acts::capital::add_capital(tx, &act, channel_id.clone(), amount_msat).map(drop)
    })?;
    Ok(())
}
