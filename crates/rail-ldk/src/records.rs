//! The node's own payment records, for reconciliation with the books.
//!
//! A record proves what the node saw; it must never be read as a proof that something was not sent.

use jiff::Timestamp;
use ldk_node::payment::{PaymentDetails, PaymentDirection, PaymentKind, PaymentStatus};
use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::{Direction, RailRecord};

use crate::node::LdkNode;
use crate::node_event::msat;

/// A Lightning payment that has reached its payee, by the node's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledPayment {
    /// Which.
    pub payment_hash: PaymentHash,
    /// What the payee got, when the record holds it.
    pub amount_msat: Option<Msat>,
    /// What the routing nodes took, for an outbound payment whose record holds it.
    pub fee_msat: Option<Msat>,
    /// When the record was last changed, in seconds of the Unix epoch.
    pub updated_at_unix_seconds: u64,
}

impl LdkNode {
    /// Every payment that came in and was claimed. A deposit for each of them must be in the books:
    /// an event that a crash has swallowed is found here.
    pub fn received_payments(&self) -> Vec<SettledPayment> {
        self.settled(PaymentDirection::Inbound)
    }

    /// Every payment that went out and reached its payee. A settled withdrawal for each of them
    /// must be in the books.
    pub fn sent_payments(&self) -> Vec<SettledPayment> {
        self.settled(PaymentDirection::Outbound)
    }

    /// The records of Lightning payments that were last changed before `before`, and the marks of past attempts, which
    /// carry no time.
    pub(crate) fn old_records(&self, before: Timestamp) -> Vec<RailRecord> {
        let before_unix_seconds = u64::try_from(before.as_second()).unwrap_or(0);
        let mut old = Vec::new();
        // What the filter takes is cloned whole, so it takes nothing.
        self.node.list_payments_with_filter(|record| {
            if record.latest_update_timestamp < before_unix_seconds {
                old.extend(rail_record(record));
            }
            false
        });
        let marked = self.kv.past_attempts().into_iter();
        old.extend(marked.map(|payment_hash| RailRecord {
            payment_hash,
            direction: Direction::Outbound,
            updated_at: Timestamp::UNIX_EPOCH,
        }));
        old
    }

    fn settled(&self, direction: PaymentDirection) -> Vec<SettledPayment> {
        let records = self.node.list_payments_with_filter(|record| {
            record.direction == direction && record.status == PaymentStatus::Succeeded
        });
        records.iter().filter_map(settled_payment).collect()
    }
}

pub(crate) fn hash_of(record: &PaymentDetails) -> Option<PaymentHash> {
    let hash = match record.kind {
        PaymentKind::Bolt11 { hash, .. }
        | PaymentKind::Bolt11Jit { hash, .. }
        | PaymentKind::Spontaneous { hash, .. } => hash,
        PaymentKind::Bolt12Offer { hash, .. } | PaymentKind::Bolt12Refund { hash, .. } => hash?,
        PaymentKind::Onchain { .. } => return None,
    };
    Some(PaymentHash::from_bytes(hash.0))
}

fn rail_record(record: &PaymentDetails) -> Option<RailRecord> {
    let seconds = i64::try_from(record.latest_update_timestamp).ok()?;
    Some(RailRecord {
        payment_hash: hash_of(record)?,
        direction: match record.direction {
            PaymentDirection::Inbound => Direction::Inbound,
            PaymentDirection::Outbound => Direction::Outbound,
        },
        updated_at: Timestamp::from_second(seconds).ok()?,
    })
}

fn settled_payment(record: &PaymentDetails) -> Option<SettledPayment> {
    Some(SettledPayment {
        payment_hash: hash_of(record)?,
        amount_msat: record.amount_msat.map(msat),
        fee_msat: record.fee_paid_msat.map(msat),
        updated_at_unix_seconds: record.latest_update_timestamp,
    })
}
