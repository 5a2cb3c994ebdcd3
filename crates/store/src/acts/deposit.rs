//! Credits what came in: over Lightning, or from another account of this server.
//!
//! Money that reached our node is booked in every case: to the invoice's account, or to suspense when no invoice
//! waits for it. Applying the same report twice changes nothing.

use ledger::{Posting, postings};
use money::{AmountError, Msat};
use payments::deposit::state::{Input as DepositInput, Transition as DepositTransition};
use payments::deposit::{self, Deposit, DepositState};
use payments::event::{EventKind, EventSubject};
use payments::fee_policy::FeePolicy;
use payments::ids::{PostingId, SuspendedId};
use payments::invoice::state::{Input, Transition, transition};
use payments::invoice::{Invoice, InvoiceState};
use payments::payment_hash::PaymentHash;
use payments::suspense::SuspenseReason;

use super::posting::{PostError, post};
use super::{ActContext, outbox, suspense};
use crate::differences::Statement;
use crate::rows::{invoice as row, micros};
use crate::{StoreError, Tx, for_update, params};

const ID_BY_HASH: Statement = for_update!("SELECT id FROM invoice WHERE payment_hash = $1");

/// Why a deposit was not written.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// The amount makes no sense.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The books refused the posting.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where the money went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credited {
    /// To the account of the invoice.
    Deposit(Box<Deposit>),
    /// To suspense, for this reason. A person must look.
    Suspense(SuspenseReason),
    /// There is nothing to book: it was booked before, or it is zero.
    Before,
}

/// Credits `amount_msat` that was received for `payment_hash`.
///
/// Zero is no payment (BOLT 2 forbids such an HTLC): it changes nothing, and is no error, because an error would
/// keep the reporter from going on to what came after it.
///
/// A report that says what is booked is a replay. A report of another amount for a hash that is booked, and any
/// report for an invoice that was paid in the books, is other money: it goes to suspense, once.
///
/// # Errors
/// [`CreditError`].
pub fn credit_deposit(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    payment_hash: &PaymentHash,
    amount_msat: Msat,
) -> Result<Credited, CreditError> {
    if amount_msat.is_zero() {
        return Ok(Credited::Before);
    }
    let hash = *payment_hash.as_bytes();
    let Some(invoice) = locked(tx, payment_hash)? else {
        let item = suspense::New {
            payment_hash: *payment_hash,
            invoice_id: None,
            amount_msat,
            reason: SuspenseReason::NoInvoice,
        };
        return Ok(suspense::keep(tx, act, &item)?);
    };
    let Transition::To(state) = transition(invoice.state, Input::Receive) else {
        let item = suspense::New {
            payment_hash: *payment_hash,
            invoice_id: Some(invoice.id),
            amount_msat,
            reason: SuspenseReason::PaidInternally,
        };
        return Ok(suspense::keep(tx, act, &item)?);
    };
    let customer = ledger_account(tx, &invoice)?;
    let platform_fee_msat = fees.deposit(amount_msat)?;
    let posting = postings::deposit::settled(hash, customer, amount_msat, platform_fee_msat)?;
    let paid = Paid {
        amount_msat,
        platform_fee_msat,
        posting: &posting,
    };
    match credit(tx, act, invoice, state, &paid) {
        Ok(deposit) => Ok(Credited::Deposit(Box::new(deposit))),
        // It went to suspense before its invoice was written, and stays there.
        Err(CreditError::Post(PostError::AlreadyBooked)) => {
            Ok(suspense::keep_again(tx, act, payment_hash, amount_msat)?)
        }
        Err(error) => Err(error),
    }
}

/// What was paid into an invoice.
pub(super) struct Paid<'a> {
    pub amount_msat: Msat,
    pub platform_fee_msat: Msat,
    pub posting: &'a Posting,
}

/// Settles `invoice` into `state` with its posting, its deposit and the event. The caller holds the invoice's row.
pub(super) fn credit(
    tx: &mut Tx<'_>,
    act: &ActContext,
    invoice: Invoice,
    state: InvoiceState,
    paid: &Paid<'_>,
) -> Result<Deposit, CreditError> {
    let posting_id: PostingId = act.ids.fresh();
    post(tx, act, posting_id, paid.posting)?;
    let earlier = latest_of(invoice.state);
    let DepositTransition::Write(deposit_state) =
        deposit::state::transition(earlier, DepositInput::Credit)
    else {
        return Err(CreditError::Post(PostError::AlreadyBooked));
    };
    settle_invoice(tx, act, &invoice, state, paid.amount_msat)?;
    let deposit = Deposit {
        id: act.ids.fresh(),
        account_id: invoice.account_id,
        invoice_id: Some(invoice.id),
        payment_hash: invoice.payment_hash,
        bolt11: invoice.bolt11,
        amount_msat: paid.amount_msat,
        platform_fee_msat: paid.platform_fee_msat,
        state: deposit_state,
        metadata: invoice.metadata,
        posting_id: Some(posting_id),
        created_at: act.now,
        updated_at: act.now,
    };
    insert(tx, &deposit, None)?;
    let subject = EventSubject::Deposit(Box::new(deposit.clone()));
    outbox::tell(tx, act, EventKind::DepositLightningCompleted, subject)?;
    Ok(deposit)
}

/// The latest deposit of an invoice in `state`: an invoice ends with each of its deposits.
pub(super) const fn latest_of(state: InvoiceState) -> Option<DepositState> {
    match state {
        InvoiceState::Open => None,
        InvoiceState::Settled => Some(DepositState::Settled),
        InvoiceState::Expired => Some(DepositState::Failed),
    }
}

/// The invoice with this hash, its row locked until the transaction ends.
pub(super) fn locked(tx: &mut Tx<'_>, hash: &PaymentHash) -> Result<Option<Invoice>, StoreError> {
    let found = tx.query_opt(ID_BY_HASH.on(tx.dialect()), params![*hash.as_bytes()])?;
    match found {
        Some(found) => row::by_id(tx, found.bytes16(0)?),
        None => Ok(None),
    }
}

/// An invoice that ran out settles too: its money came late, and is the customer's all the same.
fn settle_invoice(
    tx: &mut Tx<'_>,
    act: &ActContext,
    invoice: &Invoice,
    state: InvoiceState,
    received_msat: Msat,
) -> Result<(), StoreError> {
    let now = micros(act.now);
    tx.execute(
        "UPDATE invoice SET state = $1, received_msat = $2, settled_at = $3, updated_at = $3
         WHERE id = $4",
        params![
            state.name(),
            received_msat.get(),
            now,
            invoice.id.to_bytes()
        ],
    )?;
    Ok(())
}

pub(super) fn ledger_account(
    tx: &mut Tx<'_>,
    invoice: &Invoice,
) -> Result<ledger::AccountNumber, StoreError> {
    crate::queries::account::ledger_account(tx, invoice.account_id)?.ok_or(
        StoreError::Inconsistent {
            what: "an invoice without an account",
        },
    )
}

/// Writes a deposit; `suspended` says which item of suspense it empties.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    deposit: &Deposit,
    suspended: Option<SuspendedId>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO deposit (id, account_id, invoice_id, suspended_id, payment_hash, amount_msat,
             platform_fee_msat, state, posting_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            deposit.id.to_bytes(),
            deposit.account_id.to_bytes(),
            deposit.invoice_id.map(payments::ids::InvoiceId::to_bytes),
            suspended.map(SuspendedId::to_bytes),
            *deposit.payment_hash.as_bytes(),
            deposit.amount_msat.get(),
            deposit.platform_fee_msat.get(),
            deposit.state.name(),
            deposit.posting_id.map(PostingId::to_bytes),
            micros(deposit.created_at),
            micros(deposit.updated_at)
        ],
    )?;
    Ok(())
}
