//! What the chain did to our node's channels and wallet: kept and booked before the books are compared.
//!
//! A transaction of the wallet is booked once it is final. A closed channel is settled when all that it gives back is
//! in the wallet; what is missing then, a little at most, was too small for the chain.

use std::collections::BTreeSet;

use bitcoin::OutPoint;
use bitcoin::hashes::Hash;
use money::{MSAT_PER_SAT, Msat};
use payments::ports::{NodeFunds, NodeView, WalletTransaction, possible_fundings};
use payments::reconciliation::Slack;
use store::StoreError;
use store::acts::channel::{
    book_wallet_move, keep_returned as keep_returned_msat, record_open, settle_channels,
};
use store::acts::posting::PostError;
use store::queries::channel::{LiveChannel, live_channels};

use crate::app::App;

/// The most that a closed channel may keep back, in satoshi: payments that are too small for an output (2,530 sat of
/// them at the lowest fee rate that LDK knows, and more at a higher one), the part of a satoshi, and, where we opened
/// it, the anchors and the fee of the commitment transaction. What is more than that is a difference, and a person
/// looks.
const KEPT_BACK_SAT: i64 = 20_000;

/// What the chain did, as far as it is known.
pub(super) struct Chain {
    /// The channels that are closed and not settled.
    closed: Vec<[u8; 32]>,
    /// What the books cannot know yet.
    pub(super) slack: Slack,
}

/// Keeps the channels that the node has open, and books what its wallet did.
pub(super) fn keep(
    app: &App,
    view: &dyn NodeView,
    booked: &mut BTreeSet<[u8; 32]>,
) -> Result<Chain, PostError> {
    let funds = view.funds();
    let known = app.store.read(live_channels)?;
    record_new(app, &funds, &known)?;
    keep_returned(app, &funds, &known)?;
    let fundings: BTreeSet<OutPoint> = known.iter().flat_map(fundings).collect();
    let mut slack = Slack::default();
    let transactions = view.wallet_transactions(booked, &fundings);
    slack.wallet_in_msat += unseen_openings_msat(&funds, booked, &transactions);
    for transaction in transactions {
        let txid = transaction.txid;
        match transaction.moved.filter(|_| transaction.is_final) {
            Some(moved) => {
                let act = app.acting();
                app.store
                    .write(move |tx| book_wallet_move(tx, &act, txid, &moved))?;
                booked.insert(txid);
                tracing::info!(?moved, "a transaction of the node's wallet is booked");
            }
            None => match transaction.net_msat {
                net if net >= 0 => slack.wallet_in_msat += net,
                net => slack.wallet_out_msat -= net,
            },
        }
    }
    let closed: Vec<[u8; 32]> = known
        .iter()
        .filter(|channel| channel.is_closed)
        .map(|channel| channel.id)
        .collect();
    let count = i64::try_from(closed.len()).unwrap_or(i64::MAX);
    slack.closing_msat = count.saturating_mul(KEPT_BACK_SAT * MSAT_PER_SAT);
    Ok(Chain { closed, slack })
}

/// What funded a channel. One that was closed before anybody saw it open is known by its id alone: without its funding
/// its coins would be taken for the operator's.
fn fundings(channel: &LiveChannel) -> Vec<OutPoint> {
    match channel.funding {
        Some(funding) => vec![funding],
        None => possible_fundings(channel.id).collect(),
    }
}

/// What channels hold whose opening the wallet has not seen: it still counts the coins, and so do the channels.
fn unseen_openings_msat(
    funds: &NodeFunds,
    booked: &BTreeSet<[u8; 32]>,
    transactions: &[WalletTransaction],
) -> i64 {
    let opened = funds.channels.iter().filter(|channel| channel.is_outbound);
    let unseen = opened.filter(|channel| {
        channel.funding.is_some_and(|funding| {
            let txid = funding.txid.to_byte_array();
            !booked.contains(&txid) && !transactions.iter().any(|seen| seen.txid == txid)
        })
    });
    unseen.map(|channel| channel.own_max_msat.get()).sum()
}

/// Keeps what the node says is ours in channels that are closed.
fn keep_returned(app: &App, funds: &NodeFunds, known: &[LiveChannel]) -> Result<(), StoreError> {
    for closing in &funds.closing {
        let (id, returned_msat) = (closing.channel_id, closing.certain_msat);
        let is_more = |channel: &&LiveChannel| {
            channel.id == id && channel.returned_msat.is_none_or(|was| was < returned_msat)
        };
        if known.iter().any(|channel| is_more(&channel)) {
            app.store
                .write(move |tx| keep_returned_msat(tx, id, returned_msat))?;
        }
    }
    Ok(())
}

fn record_new(app: &App, funds: &NodeFunds, known: &[LiveChannel]) -> Result<(), PostError> {
    for channel in &funds.channels {
        let is_known = known.iter().any(|known| known.id == channel.channel_id);
        if let (false, Some(funding)) = (is_known, channel.funding) {
            let (act, id) = (app.acting(), channel.channel_id);
            let is_announced = channel.is_announced;
            app.store
                .write(move |tx| record_open(tx, &act, id, funding, is_announced))?;
        }
    }
    Ok(())
}

impl Chain {
    /// Whether nothing of a closed channel is on its way any more.
    fn is_fetched(&self, funds: &NodeFunds) -> bool {
        let closing = |id: &[u8; 32]| funds.closing.iter().any(|c| c.channel_id == *id);
        !self.closed.is_empty()
            && !self.closed.iter().any(closing)
            // The event of a close may be faster than what the node shows.
            && !funds.channels.iter().any(|c| self.closed.contains(&c.channel_id))
            && funds.sweeping_msat.is_zero()
            && self.slack.wallet_in_msat == 0
            && self.slack.wallet_out_msat == 0
            && funds.channels.iter().all(|c| c.in_flight_msat.is_zero())
    }

    /// Settles the closed channels, once they are fetched and nothing else differs. `over_msat` is by how much the
    /// books hold more than the node.
    pub(super) fn settle(
        &self,
        app: &App,
        funds: &NodeFunds,
        over_msat: i64,
    ) -> Result<(), PostError> {
        if !self.is_fetched(funds) {
            return Ok(());
        }
        let lost_msat = Msat::new(over_msat.max(0)).unwrap_or(Msat::ZERO);
        let (act, closed) = (app.acting(), self.closed.clone());
        tracing::info!(
            channels = closed.len(),
            lost_msat = lost_msat.get(),
            "closed channels are settled"
        );
        app.store
            .write(move |tx| settle_channels(tx, &act, &closed, lost_msat))
    }
}
