//! What a start finds in doubt: every withdrawal that was dispatched and has no outcome.
//!
//! Before the node starts, its stored state is searched for the payment hashes: what stands nowhere was never sent.
//! After it has started, its own records tell what was paid. Everything else stays in doubt until an event decides:
//! a record that says "failed" can be an earlier refusal whose successor is in flight. Sending again is never a way
//! to find out.

use std::collections::HashSet;

use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::{ForgetError, NodeStateError, RailPayment, StoredPayments};
use payments::withdrawal::Withdrawal;
use payments::withdrawal::retry::Setback;
use store::acts::dispatch::requeue_withdrawal;
use store::acts::halt::halt;
use store::acts::outcome::{OutcomeError, settle_withdrawal};
use store::queries::payment::dispatched;
use store::{Store, StoreError};

use crate::app::NodeApp;

/// Why the doubt could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The node's state cannot be read.
    #[error(transparent)]
    NodeState(#[from] NodeStateError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An outcome could not be written.
    #[error(transparent)]
    Outcome(#[from] OutcomeError),
    /// A stale record stays in the way of a payment.
    #[error(transparent)]
    Forget(#[from] ForgetError),
}

/// What was in doubt when the node was still off.
pub struct Doubt {
    withdrawals: Vec<Withdrawal>,
    never_sent: HashSet<PaymentHash>,
}

/// Looks at what the node has stored, before it starts.
///
/// # Errors
/// [`RecoveryError`].
pub fn look(store: &Store, stored: &dyn StoredPayments) -> Result<Doubt, RecoveryError> {
    let withdrawals = store.read(dispatched)?;
    let hashes: Vec<PaymentHash> = withdrawals.iter().map(|w| w.payment_hash).collect();
    let never_sent = stored.never_sent(&hashes)?;
    Ok(Doubt {
        withdrawals,
        never_sent,
    })
}

/// Resolves what can be resolved, after the node has started and before anything is dispatched. Doing it twice, or
/// half of it and then all of it, changes nothing more.
///
/// # Errors
/// [`RecoveryError`]; then the server must not serve.
pub fn resolve(app: &NodeApp, doubt: Doubt) -> Result<(), RecoveryError> {
    for withdrawal in doubt.withdrawals {
        if !doubt.never_sent.contains(&withdrawal.payment_hash) {
            by_record(app, &withdrawal)?;
            continue;
        }
        // A record of the node alone is a phantom: it would make every later send a duplicate.
        match app.rail.forget_unsent(&withdrawal.payment_hash) {
            Ok(()) => again(app, &withdrawal)?,
            // Paid, and every trace of it acknowledged and gone but the record: the books are behind the node.
            Err(ForgetError::Paid(_)) => by_record(app, &withdrawal)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn again(app: &NodeApp, withdrawal: &Withdrawal) -> Result<(), StoreError> {
    let (act, id, attempt) = (app.acting(), withdrawal.id, withdrawal.attempts);
    let now = act.now;
    app.store
        .write(move |tx| requeue_withdrawal(tx, &act, id, attempt, Setback::NotReady, now))?;
    tracing::warn!(withdrawal = %id, "was never sent: dispatched again");
    Ok(())
}

fn by_record(app: &NodeApp, withdrawal: &Withdrawal) -> Result<(), RecoveryError> {
    let (act, hash, id) = (app.acting(), withdrawal.payment_hash, withdrawal.id);
    match app.rail.payment(&hash) {
        RailPayment::Succeeded {
            preimage,
            fee_msat: Some(fee_msat),
            ..
        } => {
            app.store
                .write(move |tx| settle_withdrawal(tx, &act, &hash, preimage, fee_msat))?;
            tracing::warn!(withdrawal = %id, fee_msat = Msat::get(fee_msat), "was paid: settled");
        }
        RailPayment::Succeeded { fee_msat: None, .. } => {
            tracing::error!(withdrawal = %id, "ALERT: was paid for an unknown fee; money is halted");
            let reason = "the node paid a fee that it does not tell";
            app.store.write(move |tx| halt(tx, &act, reason))?;
        }
        RailPayment::Failed | RailPayment::Pending | RailPayment::NotFound => {
            tracing::info!(withdrawal = %id, "is in flight: the node's event decides");
        }
    }
    Ok(())
}
