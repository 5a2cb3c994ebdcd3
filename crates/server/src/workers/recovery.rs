//! What a start finds in doubt: every withdrawal that was dispatched and has no outcome.
//!
//! Before the node starts, its stored state is searched for the payment hashes: what stands nowhere was never sent.
//! After it has started, its own records tell what was paid. Everything else stays in doubt until an event decides:
//! a record that says "failed" can be an earlier refusal whose successor is in flight. Sending again is never a way
//! to find out.

use std::collections::HashSet;

use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::{NodeState, NodeStateError, RailPayment};
use payments::withdrawal::Withdrawal;
use rail_ldk::{LdkRail, never_sent};
use store::acts::dispatch::requeue_withdrawal;
use store::acts::outcome::{OutcomeError, settle_withdrawal};
use store::queries::payment::dispatched;
use store::{Store, StoreError};

use crate::app::App;
use crate::problem::chain;

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
}

/// What was in doubt when the node was still off.
pub struct Doubt {
    withdrawals: Vec<Withdrawal>,
    never_sent: HashSet<PaymentHash>,
}

/// Looks, before the node starts.
///
/// # Errors
/// [`RecoveryError`].
pub fn look(store: &Store, state: &dyn NodeState) -> Result<Doubt, RecoveryError> {
    let withdrawals = store.read(dispatched)?;
    let hashes: Vec<PaymentHash> = withdrawals.iter().map(|w| w.payment_hash).collect();
    let never_sent = never_sent(state, &hashes)?;
    Ok(Doubt {
        withdrawals,
        never_sent,
    })
}

/// Resolves what can be resolved, after the node has started and before anything is dispatched.
///
/// # Errors
/// [`RecoveryError`].
pub fn resolve(app: &App, rail: &LdkRail, doubt: Doubt) -> Result<(), RecoveryError> {
    for withdrawal in doubt.withdrawals {
        let id = withdrawal.id;
        if doubt.never_sent.contains(&withdrawal.payment_hash) {
            // A record of the node alone is a phantom: it would make every later send a duplicate.
            if let Err(error) = rail.forget_unsent(&withdrawal.payment_hash) {
                tracing::error!(withdrawal = %id, error = %chain(&error), "left in doubt");
                continue;
            }
            let act = app.acting();
            let (now, attempt) = (act.now, withdrawal.attempts);
            app.store
                .write(move |tx| requeue_withdrawal(tx, &act, id, attempt, now))?;
            tracing::warn!(withdrawal = %id, "was never sent: dispatched again");
        } else {
            by_record(app, &withdrawal)?;
        }
    }
    Ok(())
}

fn by_record(app: &App, withdrawal: &Withdrawal) -> Result<(), RecoveryError> {
    let (act, hash) = (app.acting(), withdrawal.payment_hash);
    match app.rail.payment(&hash) {
        RailPayment::Succeeded {
            preimage,
            fee_msat: Some(fee_msat),
        } => {
            app.store
                .write(move |tx| settle_withdrawal(tx, &act, &hash, preimage, fee_msat))?;
            tracing::warn!(withdrawal = %withdrawal.id, fee_msat = Msat::get(fee_msat), "was paid: settled");
        }
        RailPayment::Succeeded { fee_msat: None, .. }
        | RailPayment::Failed
        | RailPayment::Pending
        | RailPayment::NotFound => {
            tracing::info!(withdrawal = %withdrawal.id, "is in flight: the node's event decides");
        }
    }
    Ok(())
}
