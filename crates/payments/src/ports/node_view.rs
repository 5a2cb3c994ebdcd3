//! What a Lightning node says of itself, for the comparison with the books.
//!
//! These are views: they decide nothing by themselves, and a record that is missing proves nothing.

use std::collections::BTreeSet;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use jiff::Timestamp;
use money::Msat;

use crate::payment_hash::{PaymentHash, PaymentPreimage};

/// Where a payment stands by the node's own record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodePaymentState {
    /// Under way.
    Pending,
    /// It has reached its payee.
    Succeeded,
    /// It has not.
    Failed,
}

/// A Lightning payment by the node's own record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodePayment {
    /// Which.
    pub payment_hash: PaymentHash,
    /// Where it stands.
    pub state: NodePaymentState,
    /// What the payee got, when the record holds it.
    pub amount_msat: Option<Msat>,
    /// What the routing nodes took, for an outbound payment whose record holds it.
    pub fee_msat: Option<Msat>,
    /// The proof of payment, when the record holds it.
    pub preimage: Option<PaymentPreimage>,
}

/// The node's records of Lightning payments that changed in some time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodePayments {
    /// From us.
    pub sent: Vec<NodePayment>,
    /// To us.
    pub received: Vec<NodePayment>,
}

/// What is ours in an open channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelFunds {
    /// Which channel.
    pub channel_id: [u8; 32],
    /// Its funding output, when there is one.
    pub funding: Option<OutPoint>,
    /// Whether we opened it, with coins of the node's own wallet.
    pub is_outbound: bool,
    /// Whether it is announced in the gossip.
    pub is_announced: bool,
    /// The least that is ours, without what is in flight.
    pub own_min_msat: Msat,
    /// The most that is ours, without what is in flight. It differs from the least where the node only tells whole
    /// satoshi.
    pub own_max_msat: Msat,
    /// What is in flight in both directions, some of which may turn out to be ours.
    pub in_flight_msat: Msat,
}

/// What is ours in a channel that is closed, or being closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosingFunds {
    /// Which channel.
    pub channel_id: [u8; 32],
    /// What is certainly ours, before the fees of fetching it.
    pub certain_msat: Msat,
    /// What may be ours beside it: payments that have not ended.
    pub possible_msat: Msat,
}

/// A payment on a commitment transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Htlc {
    /// Of which payment.
    pub payment_hash: PaymentHash,
    /// What it carries, fees of later hops included, in whole satoshi.
    pub amount_msat: Msat,
    /// The block height at which it runs out.
    pub expires_height: u32,
}

/// Everything the node has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeFunds {
    /// The newest block that the node has seen.
    pub block_height: u32,
    /// The open channels.
    pub channels: Vec<ChannelFunds>,
    /// The channels that are closed and not fetched yet.
    pub closing: Vec<ClosingFunds>,
    /// What was fetched from closed channels and is not confirmed in the wallet.
    pub sweeping_msat: Msat,
    /// The node's own on-chain wallet, all of it.
    pub wallet_msat: Msat,
    /// The outbound payments that stand on a commitment transaction as outputs of their own.
    pub outbound: Vec<Htlc>,
}

/// What a transaction of the node's own wallet did, in millisatoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletMove {
    /// Coins came from outside.
    Funded {
        /// What came.
        arrived_msat: Msat,
    },
    /// It funded a channel of ours.
    Opened {
        /// The channel's value.
        channel_msat: Msat,
        /// What the chain took.
        fee_msat: Msat,
    },
    /// Coins of closed channels came.
    Swept {
        /// What came.
        arrived_msat: Msat,
        /// What the chain took of it on the way.
        fee_msat: Msat,
    },
    /// It paid for a transaction of a channel.
    Spent {
        /// What left.
        left_msat: Msat,
    },
}

impl WalletMove {
    /// What it changed in the wallet; below zero what left.
    pub const fn net_msat(&self) -> i64 {
        match self {
            Self::Funded { arrived_msat } | Self::Swept { arrived_msat, .. } => arrived_msat.get(),
            Self::Opened {
                channel_msat,
                fee_msat,
            } => -(channel_msat.get() + fee_msat.get()),
            Self::Spent { left_msat } => -left_msat.get(),
        }
    }
}

/// The funding outputs that a channel with this id may have: the id is the funding's txid with the number of the output
/// folded into its end (BOLT 2, channels of version 1). A funding transaction has few outputs.
pub fn possible_fundings(channel_id: [u8; 32]) -> impl Iterator<Item = OutPoint> {
    const OUTPUTS: u8 = 16;
    (0..OUTPUTS).map(move |vout| {
        let mut txid = channel_id;
        txid[31] ^= vout;
        OutPoint {
            txid: Txid::from_byte_array(txid),
            vout: u32::from(vout),
        }
    })
}

/// A transaction of the node's own wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalletTransaction {
    /// Which.
    pub txid: [u8; 32],
    /// What it did; `None` while that cannot be found out (the chain does not answer).
    pub moved: Option<WalletMove>,
    /// What it changed in the wallet; below zero what left.
    pub net_msat: i64,
    /// Whether it is confirmed so deep that no reorganisation takes it back.
    pub is_final: bool,
}

/// A Lightning node as its owner sees it. Calls may block: never make one inside a database transaction or on an
/// async worker.
pub trait NodeView: Send + Sync {
    /// The records of Lightning payments that changed at `since` or later; `None` asks for all that the node keeps.
    /// An inbound payment has one here only when it has come.
    fn payments(&self, since: Option<Timestamp>) -> NodePayments;

    /// The records of these payments, as far as there are any.
    fn records(&self, payment_hashes: &BTreeSet<PaymentHash>) -> NodePayments;

    /// The transactions of the node's own wallet, without those whose txids are in `known`. `fundings` are the funding
    /// outputs of channels that may be closed.
    fn wallet_transactions(
        &self,
        known: &BTreeSet<[u8; 32]>,
        fundings: &BTreeSet<OutPoint>,
    ) -> Vec<WalletTransaction>;

    /// What the node has now.
    fn funds(&self) -> NodeFunds;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_id_leaves_few_fundings_and_one_is_its_own() {
        let funding = |vout| OutPoint {
            txid: Txid::from_byte_array([0xab; 32]),
            vout,
        };
        for (last, vout) in [(0xab, 0), (0xaa, 1), (0xa4, 15)] {
            let mut id = [0xab; 32];
            id[31] = last;
            let possible: BTreeSet<_> = possible_fundings(id).collect();
            assert!(possible.contains(&funding(vout)), "{vout}");
            assert_eq!(possible.len(), 16);
        }
    }

    #[test]
    fn a_move_changes_the_wallet_by_what_came_or_left_with_its_fee() {
        let msat = |amount| Msat::new(amount).expect("in range");
        for (moved, net_msat) in [
            (
                WalletMove::Funded {
                    arrived_msat: msat(70),
                },
                70,
            ),
            (
                WalletMove::Opened {
                    channel_msat: msat(50),
                    fee_msat: msat(3),
                },
                -53,
            ),
            (
                WalletMove::Swept {
                    arrived_msat: msat(40),
                    fee_msat: msat(2),
                },
                40,
            ),
            (WalletMove::Spent { left_msat: msat(9) }, -9),
        ] {
            assert_eq!(moved.net_msat(), net_msat, "{moved:?}");
        }
    }
}
