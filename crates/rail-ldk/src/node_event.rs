//! [`NodeEvent`]: what happens at a node, and the [`RailEvent`] that it is to the domain.
//!
//! Every event of ldk-node has a case here; none may be swallowed, or the queue behind it would
//! stand still.

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use ldk_node::Event;
use lightning::events::{ClosureReason, PaymentFailureReason};
use lightning::ln::types::ChannelId;
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{PaymentFailure, RailEvent};

/// An event of a node, as an operator or a counterparty sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeEvent {
    /// An outbound payment has reached its payee.
    PaymentSucceeded {
        /// Which.
        payment_hash: PaymentHash,
        /// The proof, when the event carries it.
        preimage: Option<PaymentPreimage>,
        /// What the routing nodes took, when the event carries it.
        fee_msat: Option<Msat>,
    },
    /// An outbound payment has ended without reaching its payee.
    PaymentFailed {
        /// Which; `None` for an offer (BOLT 12) that gave no invoice.
        payment_hash: Option<PaymentHash>,
        /// Why.
        reason: PaymentFailure,
    },
    /// An inbound payment was claimed: the money is ours.
    PaymentReceived {
        /// The hash of the invoice.
        payment_hash: PaymentHash,
        /// What came.
        amount_msat: Msat,
    },
    /// An inbound payment is held: its invoice was made by
    /// [`LdkNode::receive_for_hash`](crate::LdkNode::receive_for_hash), and it waits to be claimed
    /// or failed.
    PaymentClaimable {
        /// The hash of the invoice.
        payment_hash: PaymentHash,
        /// What can be claimed.
        amount_msat: Msat,
        /// The block height at which the node fails it back.
        claim_deadline_height: Option<u32>,
    },
    /// A payment of somebody else went through us.
    PaymentForwarded {
        /// What we earned, when it is known.
        fee_msat: Option<Msat>,
        /// What went on, when it is known.
        amount_msat: Option<Msat>,
    },
    /// A channel, or a change to one.
    Channel {
        /// Which.
        channel_id: ChannelId,
        /// The other side, when the event carries it.
        counterparty: Option<PublicKey>,
        /// What became of it.
        change: ChannelChange,
    },
}

/// What became of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelChange {
    /// It is funded by this output, which is not confirmed.
    Pending(OutPoint),
    /// It can be used, with this funding output.
    Ready(Option<OutPoint>),
    /// It is closed.
    Closed {
        /// Why, in LDK's words, of which a peer may have chosen some.
        reason: Option<String>,
        /// Whether our own stored state was stale: a crash came between two writes of it.
        by_crash: bool,
    },
    /// It moves to this funding output (a splice), which is not confirmed.
    SplicePending(OutPoint),
    /// A splice was given up, with this funding output if it had come so far.
    SpliceFailed(Option<OutPoint>),
}

impl From<Event> for NodeEvent {
    fn from(event: Event) -> Self {
        match event {
            Event::PaymentSuccessful {
                payment_hash,
                payment_preimage,
                fee_paid_msat,
                ..
            } => Self::PaymentSucceeded {
                payment_hash: PaymentHash::from_bytes(payment_hash.0),
                preimage: payment_preimage.map(|p| PaymentPreimage::from_bytes(p.0)),
                fee_msat: fee_paid_msat.map(msat),
            },
            Event::PaymentFailed {
                payment_hash,
                reason,
                ..
            } => Self::PaymentFailed {
                payment_hash: payment_hash.map(|hash| PaymentHash::from_bytes(hash.0)),
                reason: failure(reason),
            },
            Event::PaymentReceived {
                payment_hash,
                amount_msat,
                ..
            } => Self::PaymentReceived {
                payment_hash: PaymentHash::from_bytes(payment_hash.0),
                amount_msat: msat(amount_msat),
            },
            Event::PaymentClaimable {
                payment_hash,
                claimable_amount_msat,
                claim_deadline,
                ..
            } => Self::PaymentClaimable {
                payment_hash: PaymentHash::from_bytes(payment_hash.0),
                amount_msat: msat(claimable_amount_msat),
                claim_deadline_height: claim_deadline,
            },
            Event::PaymentForwarded {
                total_fee_earned_msat,
                outbound_amount_forwarded_msat,
                ..
            } => Self::PaymentForwarded {
                fee_msat: total_fee_earned_msat.map(msat),
                amount_msat: outbound_amount_forwarded_msat.map(msat),
            },
            event => channel_event(event),
        }
    }
}

fn channel_event(event: Event) -> NodeEvent {
    let (channel_id, counterparty, change) = match event {
        Event::ChannelPending {
            channel_id,
            counterparty_node_id,
            funding_txo,
            ..
        } => (
            channel_id,
            Some(counterparty_node_id),
            ChannelChange::Pending(funding_txo),
        ),
        Event::ChannelReady {
            channel_id,
            counterparty_node_id,
            funding_txo,
            ..
        } => (
            channel_id,
            counterparty_node_id,
            ChannelChange::Ready(funding_txo),
        ),
        Event::ChannelClosed {
            channel_id,
            counterparty_node_id,
            reason,
            ..
        } => {
            let change = ChannelChange::Closed {
                by_crash: matches!(reason, Some(ClosureReason::OutdatedChannelManager)),
                reason: reason.map(|reason| reason.to_string()),
            };
            (channel_id, counterparty_node_id, change)
        }
        Event::SplicePending {
            channel_id,
            counterparty_node_id,
            new_funding_txo,
            ..
        } => {
            let change = ChannelChange::SplicePending(new_funding_txo);
            (channel_id, Some(counterparty_node_id), change)
        }
        Event::SpliceFailed {
            channel_id,
            counterparty_node_id,
            abandoned_funding_txo,
            ..
        } => {
            let change = ChannelChange::SpliceFailed(abandoned_funding_txo);
            (channel_id, Some(counterparty_node_id), change)
        }
        Event::PaymentSuccessful { .. }
        | Event::PaymentFailed { .. }
        | Event::PaymentReceived { .. }
        | Event::PaymentClaimable { .. }
        | Event::PaymentForwarded { .. } => {
            unreachable!("the events of payments have their own cases")
        }
    };
    NodeEvent::Channel {
        channel_id,
        counterparty,
        change,
    }
}

impl From<NodeEvent> for RailEvent {
    fn from(event: NodeEvent) -> Self {
        match event {
            NodeEvent::PaymentSucceeded {
                payment_hash,
                preimage,
                fee_msat,
            } => Self::PaymentSucceeded {
                payment_hash,
                preimage,
                fee_msat,
            },
            NodeEvent::PaymentFailed {
                payment_hash: Some(payment_hash),
                reason,
            } => Self::PaymentFailed {
                payment_hash,
                reason,
            },
            NodeEvent::PaymentFailed {
                payment_hash: None,
                reason,
            } => {
                tracing::warn!(?reason, "a payment without a hash failed");
                Self::Other(format!("an offer gave no invoice: {reason:?}"))
            }
            NodeEvent::PaymentReceived {
                payment_hash,
                amount_msat,
            } => Self::PaymentReceived {
                payment_hash,
                amount_msat,
            },
            NodeEvent::PaymentClaimable {
                payment_hash,
                amount_msat,
                ..
            } => {
                // Our own invoices are claimed by the node itself, so this is the invoice of
                // somebody who used the node beside us. It moves no money: unclaimed, it goes back
                // to its payer.
                tracing::warn!(%payment_hash, "a payment waits for a claim that is not ours");
                Self::Other(format!(
                    "payment {payment_hash} of {amount_msat} waits to be claimed"
                ))
            }
            NodeEvent::PaymentForwarded {
                fee_msat,
                amount_msat,
            } => {
                let text = |amount: Option<Msat>| {
                    amount.map_or("an unknown amount".to_owned(), |msat| msat.to_string())
                };
                let (amount, fee) = (text(amount_msat), text(fee_msat));
                Self::Other(format!("forwarded {amount} and earned {fee}"))
            }
            NodeEvent::Channel {
                channel_id,
                counterparty,
                change,
            } => changed(channel_id, counterparty, change),
        }
    }
}

fn changed(
    channel_id: ChannelId,
    counterparty: Option<PublicKey>,
    change: ChannelChange,
) -> RailEvent {
    if let ChannelChange::Closed { reason, by_crash } = change {
        return RailEvent::ChannelClosed {
            channel_id: channel_id.0,
            peer: counterparty,
            by_crash,
            reason: reason.unwrap_or_else(|| "the node gives no reason".to_owned()),
        };
    }
    let with = counterparty.map_or("a peer".to_owned(), |peer| peer.to_string());
    RailEvent::Other(format!(
        "channel {channel_id} with {with} {}",
        describe(&change)
    ))
}

fn describe(change: &ChannelChange) -> String {
    match change {
        ChannelChange::Pending(funding) => format!("waits for the confirmation of {funding}"),
        ChannelChange::Ready(Some(funding)) => format!("is ready, funded by {funding}"),
        ChannelChange::Ready(None) => "is ready".to_owned(),
        ChannelChange::Closed {
            reason: Some(reason),
            ..
        } => format!("is closed: {reason}"),
        ChannelChange::Closed { reason: None, .. } => "is closed".to_owned(),
        ChannelChange::SplicePending(funding) => format!("is being spliced into {funding}"),
        ChannelChange::SpliceFailed(_) => "was not spliced".to_owned(),
    }
}

/// Why a payment failed, in the words of the port. A reason that LDK may add later reads as
/// `Unexpected`.
fn failure(reason: Option<PaymentFailureReason>) -> PaymentFailure {
    use PaymentFailureReason as Ldk;
    match reason {
        Some(Ldk::RecipientRejected | Ldk::InvoiceRequestRejected) => {
            PaymentFailure::RecipientRejected
        }
        Some(Ldk::RouteNotFound | Ldk::BlindedPathCreationFailed) => PaymentFailure::RouteNotFound,
        Some(Ldk::RetriesExhausted) => PaymentFailure::RetriesExhausted,
        Some(Ldk::PaymentExpired | Ldk::InvoiceRequestExpired) => PaymentFailure::Expired,
        Some(Ldk::UserAbandoned | Ldk::UnexpectedError | Ldk::UnknownRequiredFeatures) | None => {
            PaymentFailure::Unexpected
        }
    }
}

pub(crate) fn msat(amount_msat: u64) -> Msat {
    Msat::from_unsigned(amount_msat).expect("LDK moves no more than 21 million bitcoin")
}

#[cfg(test)]
mod tests;
