//! The port `NodeView`: what the node's channels, closings, wallet and payment records say.
//!
//! ldk-node tells balances in whole satoshi. What can be sent and received is told in millisatoshi, and from these
//! two, the reserves and the channel's value follows what is ours and what is in flight, exactly.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use jiff::Timestamp;
use ldk_node::payment::{PaymentDetails, PaymentDirection, PaymentStatus};
use ldk_node::{BalanceDetails, ChannelDetails, LightningBalance, PendingSweepBalance};
use lightning::chain::channelmonitor::ANTI_REORG_DELAY;
use lightning::ln::channelmanager::PaymentId;
use lightning::ln::types::ChannelId;
use money::{MSAT_PER_SAT, Msat};
use payments::payment_hash::PaymentHash;
use payments::ports::{
    ChannelFunds, ClosingFunds, Htlc, NodeFunds, NodePayment, NodePaymentState, NodePayments,
    NodeView, WalletTransaction,
};

use crate::node_event::msat;
use crate::rail::{LdkRail, preimage};
use crate::records::hash_of;

/// What the opener of an anchor channel sets aside for the two anchors, in satoshi (BOLT 3).
const ANCHORS_SAT: u64 = 660;
/// The most that a commitment transaction leaves out because it is too small for an output, in satoshi (BOLT 3: the
/// dust limit of a segwit output that LDK keeps to).
const DUST_LIMIT_SAT: u64 = 354;

impl NodeView for LdkRail {
    fn payments(&self, since: Option<Timestamp>) -> NodePayments {
        let since = since.map_or(0, |since| u64::try_from(since.as_second()).unwrap_or(0));
        let records = self.node().node.list_payments_with_filter(|record| {
            // An invoice that nobody has paid has a record too.
            let ended = record.direction == PaymentDirection::Outbound
                || record.status == PaymentStatus::Succeeded;
            record.latest_update_timestamp >= since && ended
        });
        sorted(records)
    }

    fn records(&self, payment_hashes: &BTreeSet<PaymentHash>) -> NodePayments {
        let ids = payment_hashes
            .iter()
            .map(|hash| PaymentId(*hash.as_bytes()));
        sorted(ids.filter_map(|id| self.node().node.payment(&id)).collect())
    }

    fn wallet_transactions(
        &self,
        known: &BTreeSet<[u8; 32]>,
        fundings: &BTreeSet<OutPoint>,
    ) -> Vec<WalletTransaction> {
        self.node().wallet_transactions(known, fundings)
    }

    fn funds(&self) -> NodeFunds {
        let node = &self.node().node;
        funds(
            node.status().current_best_block.height,
            &node.list_channels(),
            &node.list_balances(),
            // The wallet makes a record of each transaction that it learns of, under the transaction's id.
            |sweep| node.payment(&PaymentId(sweep.to_byte_array())).is_some(),
        )
    }
}

fn sorted(records: Vec<PaymentDetails>) -> NodePayments {
    let mut payments = NodePayments::default();
    for record in records {
        let Some(payment_hash) = hash_of(&record) else {
            continue;
        };
        let payment = NodePayment {
            payment_hash,
            state: match record.status {
                PaymentStatus::Pending => NodePaymentState::Pending,
                PaymentStatus::Succeeded => NodePaymentState::Succeeded,
                PaymentStatus::Failed => NodePaymentState::Failed,
            },
            amount_msat: record.amount_msat.map(msat),
            fee_msat: record.fee_paid_msat.map(msat),
            preimage: preimage(&record.kind),
        };
        match record.direction {
            PaymentDirection::Outbound => payments.sent.push(payment),
            PaymentDirection::Inbound => payments.received.push(payment),
        }
    }
    payments
}

/// What a channel's monitor says, in millisatoshi where it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Monitored {
    /// What a close would give us now, before the fee of its transaction, in whole satoshi.
    claim_sat: u64,
    /// That fee, where we pay it.
    fee_sat: u64,
    /// Payments that have not ended, in millisatoshi, exactly.
    in_flight_msat: u64,
}

pub(crate) fn funds(
    block_height: u32,
    channels: &[ChannelDetails],
    balances: &BalanceDetails,
    is_in_wallet: impl Fn(&Txid) -> bool,
) -> NodeFunds {
    let open: BTreeSet<ChannelId> = channels.iter().map(|channel| channel.channel_id).collect();
    let mut monitored: BTreeMap<ChannelId, Monitored> = BTreeMap::new();
    let mut outbound = Vec::new();
    for balance in &balances.lightning_balances {
        let (channel_id, part) = part(balance);
        let sum = monitored.entry(channel_id).or_default();
        sum.claim_sat += part.claim_sat;
        sum.fee_sat += part.fee_sat;
        sum.in_flight_msat += part.in_flight_msat;
        outbound.extend(htlc(balance));
    }
    let closing = monitored
        .iter()
        .filter(|(channel_id, _)| !open.contains(*channel_id))
        .map(|(channel_id, monitored)| ClosingFunds {
            channel_id: channel_id.0,
            certain_msat: from_sat(monitored.claim_sat),
            possible_msat: msat(monitored.in_flight_msat),
        })
        .collect();
    let nothing = Monitored::default();
    NodeFunds {
        block_height,
        // One that is only being agreed upon has taken nothing from the wallet.
        channels: channels
            .iter()
            .filter(|channel| channel.funding_txo.is_some())
            .map(|channel| {
                let monitored = monitored.get(&channel.channel_id).unwrap_or(&nothing);
                open_channel(channel, monitored)
            })
            .collect(),
        closing,
        sweeping_msat: from_sat(sweeping_sat(
            block_height,
            &balances.pending_balances_from_channel_closures,
            is_in_wallet,
        )),
        wallet_msat: from_sat(balances.total_onchain_balance_sats),
        outbound,
    }
}

fn part(balance: &LightningBalance) -> (ChannelId, Monitored) {
    let claim = |claim_sat: u64| Monitored {
        claim_sat,
        ..Monitored::default()
    };
    let possible = |sat: u64| Monitored {
        in_flight_msat: sat * MSAT_PER_SAT.unsigned_abs(),
        ..Monitored::default()
    };
    match balance {
        LightningBalance::ClaimableOnChannelClose {
            channel_id,
            amount_satoshis,
            transaction_fee_satoshis,
            outbound_payment_htlc_rounded_msat,
            outbound_forwarded_htlc_rounded_msat,
            inbound_claiming_htlc_rounded_msat,
            inbound_htlc_rounded_msat,
            ..
        } => {
            let rounded = outbound_payment_htlc_rounded_msat
                + outbound_forwarded_htlc_rounded_msat
                + inbound_claiming_htlc_rounded_msat
                + inbound_htlc_rounded_msat;
            let part = Monitored {
                claim_sat: *amount_satoshis,
                fee_sat: *transaction_fee_satoshis,
                in_flight_msat: rounded,
            };
            (*channel_id, part)
        }
        LightningBalance::ClaimableAwaitingConfirmations {
            channel_id,
            amount_satoshis,
            ..
        }
        | LightningBalance::ContentiousClaimable {
            channel_id,
            amount_satoshis,
            ..
        }
        | LightningBalance::CounterpartyRevokedOutputClaimable {
            channel_id,
            amount_satoshis,
            ..
        } => (*channel_id, claim(*amount_satoshis)),
        LightningBalance::MaybeTimeoutClaimableHTLC {
            channel_id,
            amount_satoshis,
            ..
        }
        | LightningBalance::MaybePreimageClaimableHTLC {
            channel_id,
            amount_satoshis,
            ..
        } => (*channel_id, possible(*amount_satoshis)),
    }
}

fn htlc(balance: &LightningBalance) -> Option<Htlc> {
    match balance {
        LightningBalance::MaybeTimeoutClaimableHTLC {
            amount_satoshis,
            claimable_height,
            payment_hash,
            outbound_payment: true,
            ..
        } => Some(Htlc {
            payment_hash: PaymentHash::from_bytes(payment_hash.0),
            amount_msat: from_sat(*amount_satoshis),
            expires_height: *claimable_height,
        }),
        _ => None,
    }
}

/// What is ours in an open channel. Where we have more than the reserve, what we can send tells it exactly; where we
/// have less, only the monitor does, in whole satoshi, and it leaves out what is too small for an output.
fn open_channel(channel: &ChannelDetails, monitored: &Monitored) -> ChannelFunds {
    let per_sat = MSAT_PER_SAT.unsigned_abs();
    let ours = channel.unspendable_punishment_reserve.unwrap_or(0) * per_sat;
    let theirs = channel.counterparty_unspendable_punishment_reserve * per_sat;
    let (send, receive) = (
        channel.outbound_capacity_msat,
        channel.inbound_capacity_msat,
    );
    let exact = send > 0 && receive > 0;
    // Everything that is neither ours nor theirs: payments in flight, and the anchors, which their opener pays.
    let other =
        (channel.channel_value_sats * per_sat).saturating_sub(send + receive + ours + theirs);
    let anchors = ANCHORS_SAT * per_sat;
    let in_flight = match exact {
        true => other.saturating_sub(anchors).max(monitored.in_flight_msat),
        false => monitored
            .in_flight_msat
            .max(other.min(monitored.in_flight_msat)),
    };
    let (own_min, own_max) = if send > 0 {
        let own = send + ours;
        match (channel.is_outbound, exact && other < anchors) {
            (true, false) => (own + anchors, own + anchors),
            (true, true) | (false, _) => (own, own),
        }
    } else {
        let told = (monitored.claim_sat + monitored.fee_sat) * per_sat;
        let left_out = if monitored.claim_sat == 0 {
            DUST_LIMIT_SAT
        } else {
            1
        };
        let anchors = if channel.is_outbound { anchors } else { 0 };
        (told, told + left_out * per_sat + anchors)
    };
    ChannelFunds {
        channel_id: channel.channel_id.0,
        funding: channel.funding_txo,
        is_outbound: channel.is_outbound,
        is_announced: channel.is_announced,
        own_min_msat: msat(own_min),
        own_max_msat: msat(own_max),
        in_flight_msat: msat(in_flight),
    }
}

/// What is on its way to the wallet: until no reorganisation takes it back, and the wallet, which looks at the chain at
/// other times than the channels do, has seen it too.
fn sweeping_sat(
    block_height: u32,
    sweeps: &[PendingSweepBalance],
    is_in_wallet: impl Fn(&Txid) -> bool,
) -> u64 {
    let amounts = sweeps.iter().map(|sweep| match sweep {
        PendingSweepBalance::AwaitingThresholdConfirmations {
            latest_spending_txid,
            confirmation_height,
            ..
        } if block_height.saturating_sub(*confirmation_height) + 1 >= ANTI_REORG_DELAY
            && is_in_wallet(latest_spending_txid) =>
        {
            0
        }
        PendingSweepBalance::PendingBroadcast {
            amount_satoshis, ..
        }
        | PendingSweepBalance::BroadcastAwaitingConfirmation {
            amount_satoshis, ..
        }
        | PendingSweepBalance::AwaitingThresholdConfirmations {
            amount_satoshis, ..
        } => *amount_satoshis,
    });
    amounts.sum()
}

fn from_sat(sat: u64) -> Msat {
    msat(sat * MSAT_PER_SAT.unsigned_abs())
}

#[cfg(test)]
mod tests;
