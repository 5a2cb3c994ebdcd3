//! Why is it pending: a withdrawal's row, and what the node said of its payment at the last look.

use jiff::Timestamp;
use money::Msat;
use payments::withdrawal::Withdrawal;
use payments::withdrawal::pending::{OnCommitment, pending};
use store::queries::reconciliation::KeptVerdict;
use wire::bitvora::{Held, Pending, PendingHtlc, WithdrawalDetails};

use crate::present::{self, micros};
use crate::reconciliation::Verdict;

/// The withdrawal with the reason why it is pending, by the latest verdict of the reconciliation.
#[must_use]
pub fn details(
    withdrawal: &Withdrawal,
    verdict: Option<&KeptVerdict>,
    network: payments::network::Network,
) -> WithdrawalDetails {
    let commitment = verdict.and_then(|kept| on_commitment(withdrawal, kept));
    WithdrawalDetails {
        withdrawal: present::withdrawal(withdrawal, network),
        pending: explain(withdrawal, commitment.as_ref()),
    }
}

/// A verdict from before the withdrawal was dispatched says nothing about it.
fn on_commitment(withdrawal: &Withdrawal, kept: &KeptVerdict) -> Option<OnCommitment> {
    let verdict = Verdict::from_json(&kept.body)?;
    let hash = withdrawal.payment_hash.to_string();
    let parts = verdict
        .in_flight
        .iter()
        .filter(|htlc| htlc.payment_hash == hash);
    let (mut amount, mut expires_height) = (0_i64, None);
    for part in parts {
        amount = amount.checked_add(part.amount_msat)?;
        expires_height = expires_height.max(Some(part.expires_height));
    }
    Some(OnCommitment {
        amount_msat: Msat::new(amount).ok()?,
        expires_height: expires_height?,
        block_height: verdict.node.block_height,
        as_of: kept.checked_at,
    })
}

fn explain(withdrawal: &Withdrawal, commitment: Option<&OnCommitment>) -> Option<Pending> {
    let why = pending(withdrawal, commitment)?;
    let is_unsent = withdrawal.state != payments::withdrawal::WithdrawalState::Dispatched;
    let time = |time: Timestamp| micros(time);
    Some(Pending {
        reason: why.reason.name(),
        says: why.reason.says(),
        attempts: u64::try_from(withdrawal.attempts).unwrap_or(0),
        next_attempt_at: is_unsent.then(|| time(withdrawal.next_attempt_at)),
        invoice_expires_at: time(withdrawal.expires_at),
        held: Held {
            amount_msat: withdrawal.amounts.amount_msat.get(),
            fee_reserve_msat: withdrawal.amounts.fee_reserve_msat.get(),
            platform_fee_msat: withdrawal.amounts.platform_fee_msat.get(),
        },
        htlc: commitment.filter(|_| !is_unsent).map(|known| PendingHtlc {
            amount_msat: known.amount_msat.get(),
            expires_height: known.expires_height,
            block_height: known.block_height,
            as_of: time(known.as_of),
        }),
        resolves_by: time(why.resolves_by),
        resolves_by_height: why.resolves_by_height,
        after_restart: why.reason.after_restart(),
    })
}
