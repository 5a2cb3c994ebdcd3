//! Approves or rejects a withdrawal that waits for it: one of the two, once.
//!
//! The withdrawal's row is taken first, so of two decisions at once the second finds the first. Approval checks again
//! what may have changed while it waited: whether money may move, whether the invoice can still be paid, and by whom.

use payments::fee_policy::FeePolicy;
use payments::ids::{AccountId, ApiKeyId, WithdrawalId};
use payments::withdrawal::state::transition;
use payments::withdrawal::{Input, Transition, Withdrawal, WithdrawalFailure, WithdrawalState};

use super::deposit::locked;
use super::outcome::{Outcome, OutcomeError, end_unpaid};
use super::posting::PostError;
use super::withdrawal::ReserveError;
use super::{ActContext, budget, halt, internal};
use crate::differences::Statement;
use crate::rows::{micros, withdrawal as row};
use crate::{Signal, StoreError, Tx, for_update, params};

const LOCKED: Statement = for_update!("SELECT id FROM withdrawal WHERE id = $1");

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may go.
    Approve,
    /// It may not.
    Reject,
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The operator, for any account.
    Operator,
    /// Another key of the account than the one that asked.
    Key(AccountId, ApiKeyId),
}

/// Why nothing was decided. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// There is no such withdrawal, or it is another account's.
    #[error("there is no such withdrawal")]
    Unknown,
    /// It does not wait for an approval, or no more.
    #[error("the withdrawal does not wait for an approval; it is {}", .state.name())]
    Decided {
        /// Where it stands.
        state: WithdrawalState,
    },
    /// The key that asked for it may not decide about it.
    #[error("the key that asked for it may not decide")]
    OwnRequest,
    /// Money does not move now.
    #[error("the movement of money is stopped")]
    Halted,
    /// The books refused the posting: a fault of the program.
    #[error(transparent)]
    Post(PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OutcomeError> for DecideError {
    fn from(error: OutcomeError) -> Self {
        match error {
            OutcomeError::Post(error) => Self::Post(error),
            OutcomeError::Store(error) => Self::Store(error),
        }
    }
}

/// Decides about a withdrawal. Answers with it as it stands then: one whose invoice cannot be paid any more is given
/// up, whatever was decided.
///
/// # Errors
/// [`DecideError`].
pub fn decide(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    id: WithdrawalId,
    by: Decider,
    decision: Decision,
) -> Result<Withdrawal, DecideError> {
    let withdrawal = taken(tx, id, by)?;
    let input = match decision {
        Decision::Approve => Input::Approve,
        Decision::Reject => Input::Reject,
    };
    let Transition::To(state) = transition(withdrawal.state, &input) else {
        return Err(DecideError::Decided {
            state: withdrawal.state,
        });
    };
    if decision == Decision::Reject {
        return given_up(tx, act, withdrawal, &input, WithdrawalFailure::Disapproved);
    }
    if halt::halted(tx)?.is_some() {
        return Err(DecideError::Halted);
    }
    let approved = approve(tx, act, fees, withdrawal, state)?;
    if halt::hold_moving(tx)?.is_some() {
        return Err(DecideError::Halted);
    }
    Ok(approved)
}

fn taken(tx: &mut Tx<'_>, id: WithdrawalId, by: Decider) -> Result<Withdrawal, DecideError> {
    let found = tx.query_opt(LOCKED.on(tx.dialect()), params![id.to_bytes()])?;
    let found = match found {
        Some(found) => row::by_id(tx, found.bytes16(0)?)?,
        None => None,
    };
    let withdrawal = found.ok_or(DecideError::Unknown)?;
    match by {
        Decider::Operator => Ok(withdrawal),
        Decider::Key(account, _) if account != withdrawal.account_id => Err(DecideError::Unknown),
        Decider::Key(_, key) if key == withdrawal.api_key_id => Err(DecideError::OwnRequest),
        Decider::Key(..) => Ok(withdrawal),
    }
}

fn approve(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    mut withdrawal: Withdrawal,
    state: WithdrawalState,
) -> Result<Withdrawal, DecideError> {
    let invoice = locked(tx, &withdrawal.payment_hash)?;
    let invoice = invoice
        .map(|invoice| internal::payable(act, invoice))
        .transpose();
    let why_not = match &invoice {
        Err(ReserveError::InvoiceSettled) => Some(WithdrawalFailure::RecipientRejected),
        Err(_) => Some(WithdrawalFailure::InvoiceExpired),
        Ok(_) if withdrawal.expires_at <= act.now => Some(WithdrawalFailure::InvoiceExpired),
        Ok(_) => None,
    };
    if let Some(reason) = why_not {
        return given_up(tx, act, withdrawal, &Input::GiveUp(reason), reason);
    }
    withdrawal.state = state;
    withdrawal.next_attempt_at = act.now;
    withdrawal.updated_at = act.now;
    tx.execute(
        "UPDATE withdrawal SET state = $1, next_attempt_at = $2, updated_at = $2 WHERE id = $3",
        params![state.name(), micros(act.now), withdrawal.id.to_bytes()],
    )?;
    let Ok(Some(invoice)) = invoice else {
        tx.after_commit(Signal::Withdrawals);
        return Ok(withdrawal);
    };
    budget::hold(tx, act, withdrawal.api_key_id)?;
    let payer = crate::queries::account::ledger_account(tx, withdrawal.account_id)?;
    let payer = payer.ok_or(StoreError::Inconsistent {
        what: "a withdrawal without an account",
    })?;
    internal::lock_both(tx, payer, &invoice)?;
    let paid = internal::settled(withdrawal)?;
    internal::settle(tx, act, fees, &paid, invoice).map_err(|error| match error {
        ReserveError::Post(error) => DecideError::Post(error),
        ReserveError::Store(error) => DecideError::Store(error),
        _ => DecideError::Store(StoreError::Inconsistent {
            what: "an invoice that could be paid a moment ago",
        }),
    })?;
    Ok(paid)
}

fn given_up(
    tx: &mut Tx<'_>,
    act: &ActContext,
    withdrawal: Withdrawal,
    input: &Input,
    reason: WithdrawalFailure,
) -> Result<Withdrawal, DecideError> {
    match end_unpaid(tx, act, withdrawal, input, reason)? {
        Outcome::Applied(withdrawal) => Ok(*withdrawal),
        _ => Err(DecideError::Store(StoreError::Inconsistent {
            what: "a withdrawal that waits and cannot end",
        })),
    }
}
