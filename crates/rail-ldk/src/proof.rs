//! [`StoredNode`]: the proof that a payment was never sent, from the stored node state alone.
//!
//! It must run before the node starts, and it must never call a payment unsent that may be in
//! flight.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, MatchKind};
use payments::payment_hash::PaymentHash;
use payments::ports::{NodeState, NodeStateError, StateKey, StoredPayments};

use crate::past_attempts;

/// The namespaces of ldk-node's payment records (`PAYMENT_INFO_PERSISTENCE_*` in its `io` module,
/// 0.7.1).
const PAYMENT_RECORDS: (&str, &str) = ("payments", "");

/// The state of a node that does not run.
///
/// A hash that stands nowhere in it but in the payment records was never sent. Why that is a proof: before our node
/// hands a peer the signature that commits an HTLC, LDK makes the monitor update that holds this HTLC, with its payment
/// hash, durable. What is not in a monitor, a monitor update or the channel manager has therefore reached no peer, and
/// when the node starts again from this state it knows of no such payment and sends nothing. A payment that has ended,
/// and whose event is not acknowledged, stands in the event queue. So:
///
/// - absent everywhere: it was never sent, and may be sent (after the stale record is removed, see
///   [`Rail::forget_unsent`](payments::ports::Rail::forget_unsent));
/// - in monitors only, and marked as over: the same holds, for what the monitors hold is of earlier attempts. The mark
///   leaves with the very monitor update that takes the hash in again, see [`crate::past_attempts`];
/// - present otherwise: it was sent, or it may have been; only an event or the node's record tells how it ends.
///
/// The payment records are left out because ldk-node writes them beside LDK's own state: a record may say `Pending` for
/// a payment that LDK forgot in a crash, and may be missing for one that is in flight.
///
/// The node must not be running, and must not have run since the state was read into this process: what a running node
/// holds in memory is not searched.
#[derive(Clone, Copy)]
pub struct StoredNode<'a>(pub &'a dyn NodeState);

impl StoredPayments for StoredNode<'_> {
    fn never_sent(
        &self,
        payment_hashes: &[PaymentHash],
    ) -> Result<HashSet<PaymentHash>, NodeStateError> {
        never_sent(self.0, payment_hashes)
    }
}

fn never_sent(
    state: &dyn NodeState,
    hashes: &[PaymentHash],
) -> Result<HashSet<PaymentHash>, NodeStateError> {
    if hashes.is_empty() {
        return Ok(HashSet::new());
    }
    // Overlapping matches, because a payee chooses the hash of an invoice: one that is made of the
    // end of some stored value and the beginning of another payment's hash must not hide that
    // payment.
    let searcher = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .build(hashes.iter().map(PaymentHash::as_bytes));
    let searcher = match searcher {
        Ok(searcher) => searcher,
        Err(error) => {
            tracing::error!(%error, hashes = hashes.len(), "too many payments to search for");
            return Ok(HashSet::new());
        }
    };
    let mut unseen: HashSet<PaymentHash> = hashes.iter().copied().collect();
    let (mut only_past, mut marked) = (unseen.clone(), HashSet::new());
    state.scan(&mut |key, value| {
        if is_payment_record(key) {
            return;
        }
        marked.extend(past_attempts::marked(key));
        let may_be_past = past_attempts::holds_the_past(key);
        for found in searcher.find_overlapping_iter(value) {
            let hash = &hashes[found.pattern().as_usize()];
            unseen.remove(hash);
            if !may_be_past {
                only_past.remove(hash);
            }
        }
    })?;
    unseen.extend(only_past.intersection(&marked));
    Ok(unseen)
}

fn is_payment_record(key: &StateKey) -> bool {
    (key.primary.as_str(), key.secondary.as_str()) == PAYMENT_RECORDS
}

#[cfg(test)]
mod tests;
