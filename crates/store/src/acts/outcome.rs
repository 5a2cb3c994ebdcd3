//! Writes the outcome of a withdrawal: settled or failed, in one transaction with the books and the event.
//!
//! Every change goes through [`payments::withdrawal::state::transition`]. A repeat changes nothing. Money that went
//! out for a withdrawal that stands as failed is booked to the operator's loss and halts the movement of money.

use ledger::{HeldTransfer, Posting, SystemAccount, TransferId, WithdrawalHold, postings};
use money::Msat;
use payments::event::{EventKind, EventSubject};
use payments::ids::{PostingId, WithdrawalId};
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::withdrawal::retry::{Next, Setback, next};
use payments::withdrawal::state::transition;
use payments::withdrawal::{Input, Transition, Withdrawal, WithdrawalFailure};

use super::dispatch::give_room;
use super::posting::{PostError, post};
use super::{ActContext, budget, halt, outbox};
use crate::differences::Statement;
use crate::rows::{micros, withdrawal as row};
use crate::{Signal, StoreError, Tx, for_update, params};

const REPORTED: Statement = for_update!(
    "SELECT id FROM withdrawal WHERE payment_hash = $1
     ORDER BY CASE WHEN state = 'failed' THEN 1 ELSE 0 END, attempts DESC, id DESC LIMIT 1"
);

const ATTEMPT: Statement = for_update!(
    "SELECT id FROM withdrawal WHERE id = $1 AND state = 'dispatched' AND attempts = $2"
);

const WAITING_PAST: Statement = for_update!(
    "SELECT id FROM withdrawal WHERE id = $1 AND state IN ('reserved', 'unapproved') AND expires_at <= $2"
);

/// Why an outcome was not written.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The books refused the posting: a fault of the program.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OutcomeError {
    /// What the database said, wherever the act met it; `None` for a fault of the program.
    #[must_use]
    pub const fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) | Self::Post(PostError::Store(error)) => Some(error),
            Self::Post(_) => None,
        }
    }
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The withdrawal changed.
    Applied(Box<Withdrawal>),
    /// The attempt came back, and the withdrawal waits for the next one.
    ComesAgain(Box<Withdrawal>),
    /// It had changed before.
    Before,
    /// Money went out for a withdrawal that stands as failed: booked, and money is halted.
    Contradiction(Box<Withdrawal>),
    /// No withdrawal of ours has this payment hash.
    NotOurs,
}

/// Writes that the payee has the money, for the routing fee `fee_msat`.
///
/// # Errors
/// [`OutcomeError`].
pub fn settle_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payment_hash: &PaymentHash,
    preimage: Option<PaymentPreimage>,
    fee_msat: Msat,
) -> Result<Outcome, OutcomeError> {
    let Some(mut withdrawal) = reported(tx, payment_hash)? else {
        return Ok(Outcome::NotOurs);
    };
    let input = Input::Settle { preimage, fee_msat };
    match transition(withdrawal.state, &input) {
        Transition::To(state) => {
            let hold = hold_of(tx, &withdrawal)?;
            let posting = postings::withdrawal::settled(
                withdrawal.id.to_bytes(),
                &hold,
                fee_msat,
                withdrawal.unused_reserve,
            );
            withdrawal.state = state;
            withdrawal.updated_at = act.now;
            withdrawal.fee_msat = Some(fee_msat);
            withdrawal.preimage = preimage;
            withdrawal.resend_barred = false;
            withdrawal.waits_for_room = false;
            write_end(
                tx,
                act,
                &withdrawal,
                &posting,
                EventKind::WithdrawalLightningCompleted,
            )?;
            if fee_msat > withdrawal.amounts.fee_reserve_msat {
                halt::halt(tx, act, "a routing fee was above its reserve")?;
            }
            Ok(Outcome::Applied(Box::new(withdrawal)))
        }
        Transition::Contradiction => contradict(tx, act, withdrawal, fee_msat),
        Transition::AlreadyApplied | Transition::Refused => Ok(Outcome::Before),
    }
}

/// Writes that the node paid `paid_out_msat`, fee and all, for what no withdrawal asked for, and stops the movement of
/// money. Answers whether it was not written before.
///
/// # Errors
/// [`OutcomeError`].
pub fn book_unasked_payment(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payment_hash: &PaymentHash,
    paid_out_msat: Msat,
) -> Result<bool, OutcomeError> {
    let posting = postings::withdrawal::unasked(*payment_hash.as_bytes(), paid_out_msat);
    match post(tx, act, act.ids.fresh::<PostingId>(), &posting) {
        Ok(()) => {
            halt::halt(tx, act, "the node paid what no withdrawal asked for")?;
            Ok(true)
        }
        Err(PostError::AlreadyBooked) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Writes that the rail reports the attempt under way as come back, for `reason`: it waits for the next try, or the
/// whole hold is given back. Either way the payment hash is barred until that failure is final
/// ([`super::dispatch::lift_resend_bar`]): a report that comes a second time must never meet a later attempt.
///
/// # Errors
/// [`OutcomeError`].
pub fn fail_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payment_hash: &PaymentHash,
    reason: WithdrawalFailure,
) -> Result<Outcome, OutcomeError> {
    let Some(mut withdrawal) = reported(tx, payment_hash)? else {
        return Ok(Outcome::NotOurs);
    };
    let (input, next_attempt_at) = match next(&withdrawal, Setback::CameBack(reason), act.now) {
        Next::Again(at) => (Input::ComeBack, at),
        Next::GiveUp(reason) => {
            return end_unpaid(tx, act, withdrawal, &Input::Fail(reason), reason);
        }
    };
    let Transition::To(state) = transition(withdrawal.state, &input) else {
        return Ok(Outcome::Before);
    };
    withdrawal.state = state;
    withdrawal.next_attempt_at = next_attempt_at;
    withdrawal.routes_not_found += 1;
    withdrawal.resend_barred = true;
    withdrawal.updated_at = act.now;
    tx.execute(
        "UPDATE withdrawal SET state = $1, next_attempt_at = $2, routes_not_found = $3, resend_barred = 1,
             updated_at = $4
         WHERE id = $5",
        params![
            withdrawal.state.name(),
            micros(withdrawal.next_attempt_at),
            withdrawal.routes_not_found,
            micros(withdrawal.updated_at),
            withdrawal.id.to_bytes()
        ],
    )?;
    give_room(tx)?;
    tx.after_commit(Signal::Withdrawals);
    Ok(Outcome::ComesAgain(Box::new(withdrawal)))
}

/// Writes that nothing was sent by the attempt with this number, and gives the whole hold back. A dispatcher that was
/// overtaken by another attempt changes nothing: that one may be in flight.
///
/// # Errors
/// [`OutcomeError`].
pub fn fail_unsent_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: WithdrawalId,
    attempt: i64,
    reason: WithdrawalFailure,
) -> Result<Outcome, OutcomeError> {
    let found = tx.query_opt(ATTEMPT.on(tx.dialect()), params![id.to_bytes(), attempt])?;
    let withdrawal = match found {
        Some(found) => row::by_id(tx, found.bytes16(0)?)?,
        None => None,
    };
    match withdrawal {
        Some(withdrawal) => end_unpaid(tx, act, withdrawal, &Input::GiveUp(reason), reason),
        None => Ok(Outcome::Before),
    }
}

/// Gives up a withdrawal that waits for its next try, or for its approval, when its invoice has run out. Its payment
/// hash may be barred for longer than that, and then no dispatcher takes it.
///
/// # Errors
/// [`OutcomeError`].
pub fn fail_expired_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: WithdrawalId,
) -> Result<Outcome, OutcomeError> {
    let found = tx.query_opt(
        WAITING_PAST.on(tx.dialect()),
        params![id.to_bytes(), micros(act.now)],
    )?;
    let withdrawal = match found {
        Some(found) => row::by_id(tx, found.bytes16(0)?)?,
        None => None,
    };
    let reason = WithdrawalFailure::InvoiceExpired;
    match withdrawal {
        Some(withdrawal) => end_unpaid(tx, act, withdrawal, &Input::GiveUp(reason), reason),
        None => Ok(Outcome::Before),
    }
}

pub(super) fn end_unpaid(
    tx: &mut Tx<'_>,
    act: &ActContext,
    mut withdrawal: Withdrawal,
    input: &Input,
    reason: WithdrawalFailure,
) -> Result<Outcome, OutcomeError> {
    let Transition::To(state) = transition(withdrawal.state, input) else {
        return Ok(Outcome::Before);
    };
    let hold = hold_of(tx, &withdrawal)?;
    let posting = postings::withdrawal::failed(withdrawal.id.to_bytes(), &hold);
    withdrawal.state = state;
    withdrawal.updated_at = act.now;
    withdrawal.failure = Some(reason);
    withdrawal.resend_barred |= matches!(input, Input::Fail(_));
    withdrawal.waits_for_room = false;
    write_end(
        tx,
        act,
        &withdrawal,
        &posting,
        EventKind::WithdrawalLightningFailed,
    )?;
    Ok(Outcome::Applied(Box::new(withdrawal)))
}

/// The withdrawal that a report about a hash is for: the one that has not failed, of which the unique index allows
/// one; else the one that was sent. Ids do not tell, because the clocks of several machines made them.
fn reported(tx: &mut Tx<'_>, hash: &PaymentHash) -> Result<Option<Withdrawal>, StoreError> {
    let found = tx.query_opt(REPORTED.on(tx.dialect()), params![*hash.as_bytes()])?;
    match found {
        Some(found) => row::by_id(tx, found.bytes16(0)?),
        None => Ok(None),
    }
}

pub(super) fn write_end(
    tx: &mut Tx<'_>,
    act: &ActContext,
    withdrawal: &Withdrawal,
    posting: &Posting,
    kind: EventKind,
) -> Result<(), OutcomeError> {
    tx.execute(
        "UPDATE withdrawal SET state = $1, fee_msat = $2, preimage = $3, failure = $4, updated_at = $5,
             resend_barred = $6, waits_for_room = 0
         WHERE id = $7",
        params![
            withdrawal.state.name(),
            withdrawal.fee_msat.map(Msat::get),
            withdrawal.preimage.map(|preimage| *preimage.as_bytes()),
            withdrawal.failure.map(WithdrawalFailure::name),
            micros(withdrawal.updated_at),
            i64::from(withdrawal.resend_barred),
            withdrawal.id.to_bytes()
        ],
    )?;
    give_room(tx)?;
    budget::settle(tx, withdrawal)?;
    post(tx, act, act.ids.fresh(), posting)?;
    let subject = EventSubject::Withdrawal(Box::new(withdrawal.clone()));
    outbox::tell(tx, act, kind, subject)?;
    Ok(())
}

fn contradict(
    tx: &mut Tx<'_>,
    act: &ActContext,
    withdrawal: Withdrawal,
    fee_msat: Msat,
) -> Result<Outcome, OutcomeError> {
    let paid_out_msat = withdrawal
        .amounts
        .amount_msat
        .checked_add(fee_msat)
        .map_err(|_| StoreError::Inconsistent {
            what: "a withdrawal above all bitcoin",
        })?;
    let posting = postings::withdrawal::contradicted(withdrawal.id.to_bytes(), paid_out_msat);
    match post(tx, act, act.ids.fresh::<PostingId>(), &posting) {
        Ok(()) => {
            tx.execute(
                "UPDATE withdrawal SET contradicted = 1 WHERE id = $1",
                params![withdrawal.id.to_bytes()],
            )?;
            halt::halt(tx, act, "a withdrawal that stands as failed was paid")?;
            Ok(Outcome::Contradiction(Box::new(withdrawal)))
        }
        Err(PostError::AlreadyBooked) => Ok(Outcome::Before),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn hold_of(
    tx: &mut Tx<'_>,
    withdrawal: &Withdrawal,
) -> Result<WithdrawalHold, StoreError> {
    let rows = tx.query(
        "SELECT id, debit, credit, amount_msat FROM transfer
         WHERE posting_id = $1 AND kind = 'pending' ORDER BY leg",
        params![withdrawal.hold_posting_id.to_bytes()],
    )?;
    let mut held = Vec::with_capacity(rows.len());
    for row in &rows {
        held.push(HeldTransfer {
            id: TransferId(row.bytes16(0)?),
            debit: crate::rows::ledger_account(row, 1)?,
            credit: crate::rows::ledger_account(row, 2)?,
            amount_msat: crate::rows::msat(row, 3)?,
        });
    }
    let towards = |account: SystemAccount| {
        held.iter()
            .copied()
            .find(|transfer| transfer.credit == account.number())
    };
    Ok(WithdrawalHold {
        amount: towards(SystemAccount::LightningOutClearing).ok_or(StoreError::Inconsistent {
            what: "a withdrawal without a hold",
        })?,
        routing_fee: towards(SystemAccount::RoutingFee),
        platform_fee: towards(SystemAccount::PlatformFee),
    })
}
