//! Payment by payment: exact for every hash, in both directions.

use std::collections::BTreeMap;

use money::Msat;

use super::Difference;
use crate::payment_hash::PaymentHash;
use crate::ports::{NodePayment, NodePaymentState, NodePayments};
use crate::withdrawal::WithdrawalState;

/// What the books say of an outbound payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BookedSent {
    /// Where the latest live withdrawal for the hash stands; `None` when nobody asked for it.
    pub withdrawal: Option<WithdrawalState>,
    /// What left by the books, with the routing fee, as withdrawal, contradiction or unasked payment; `None` when
    /// nothing is booked.
    pub booked_msat: Option<Msat>,
    /// Whether the books hold the payment's preimage: then it was paid, whatever the node's record says.
    pub is_proven: bool,
}

/// What the books say of one payment hash.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BookedPayment {
    /// As an outbound payment.
    pub sent: BookedSent,
    /// What came in by the books, for a customer or to suspense: an amount for each time the hash was paid.
    pub received_msat: Vec<Msat>,
    /// Whether it was booked so lately that the node must still keep its record.
    pub is_recent: bool,
}

/// Compares every payment that either side knows. `booked` must hold an entry for every hash in `node`, and has those
/// of recent postings beside it.
pub fn compare(
    node: &NodePayments,
    booked: &BTreeMap<PaymentHash, BookedPayment>,
) -> Vec<Difference> {
    let by_hash = |records: &[NodePayment]| -> BTreeMap<PaymentHash, NodePayment> {
        let keyed = records.iter().map(|record| (record.payment_hash, *record));
        keyed.collect()
    };
    let (sent, received) = (by_hash(&node.sent), by_hash(&node.received));
    let mut differences = Vec::new();
    let nothing = BookedPayment::default();
    for (hash, record) in &sent {
        let books = booked.get(hash).unwrap_or(&nothing);
        differences.extend(sent_by_node(record, &books.sent));
    }
    for (hash, record) in &received {
        let books = booked.get(hash).unwrap_or(&nothing);
        differences.extend(received_by_node(record, &books.received_msat));
    }
    for (hash, books) in booked {
        let state = |records: &BTreeMap<PaymentHash, NodePayment>| {
            records.get(hash).map(|record| record.state)
        };
        differences.extend(only_booked(hash, books, state(&sent), state(&received)));
    }
    differences
}

fn sent_by_node(record: &NodePayment, books: &BookedSent) -> Option<Difference> {
    if record.state != NodePaymentState::Succeeded {
        return None;
    }
    let left = match (record.amount_msat, record.fee_msat) {
        (Some(amount), Some(fee)) => amount.checked_add(fee).ok(),
        _ => None,
    };
    match (books.booked_msat, left) {
        (None, node_msat) => Some(Difference::SentNotBooked {
            payment_hash: record.payment_hash,
            node_msat,
            withdrawal: books.withdrawal,
        }),
        (Some(booked_msat), Some(node_msat)) if booked_msat != node_msat => {
            Some(Difference::SentBookedOtherwise {
                payment_hash: record.payment_hash,
                node_msat,
                booked_msat,
            })
        }
        (Some(_), _) => None,
    }
}

/// The record holds the last payment of an invoice that was paid several times; the books hold each.
fn received_by_node(record: &NodePayment, booked: &[Msat]) -> Option<Difference> {
    if record.state != NodePaymentState::Succeeded {
        return None;
    }
    match (booked.last(), record.amount_msat) {
        (None, node_msat) => Some(Difference::ReceivedNotBooked {
            payment_hash: record.payment_hash,
            node_msat,
        }),
        (Some(last), Some(node_msat)) if !booked.contains(&node_msat) => {
            Some(Difference::ReceivedBookedOtherwise {
                payment_hash: record.payment_hash,
                node_msat,
                booked_msat: *last,
            })
        }
        (Some(_), _) => None,
    }
}

/// What the books say and the node's records do not. A missing record counts only while the node must still keep it.
fn only_booked(
    hash: &PaymentHash,
    books: &BookedPayment,
    sent: Option<NodePaymentState>,
    received: Option<NodePaymentState>,
) -> impl Iterator<Item = Difference> + use<> {
    let denied = |state: Option<NodePaymentState>| match state {
        Some(state) => state != NodePaymentState::Succeeded,
        None => books.is_recent,
    };
    let unsent = books.sent.booked_msat.filter(|_| {
        // A crash between the sending and the record leaves none: the preimage is the proof then.
        denied(sent) && !books.sent.is_proven
    });
    let unreceived = books.received_msat.last().copied();
    let unreceived = unreceived.filter(|_| denied(received));
    let hash = *hash;
    [
        unsent.map(|booked_msat| Difference::BookedNotSent {
            payment_hash: hash,
            booked_msat,
            node: sent,
        }),
        unreceived.map(|booked_msat| Difference::BookedNotReceived {
            payment_hash: hash,
            booked_msat,
            node: received,
        }),
    ]
    .into_iter()
    .flatten()
}
