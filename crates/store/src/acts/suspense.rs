//! Keeps money that cannot be placed, and gives it to the account that a person names.
//!
//! Every item is one posting and one row. It is assigned whole and once; nothing else takes money out of suspense.

use ledger::{Posting, postings};
use money::Msat;
use payments::deposit::{Deposit, DepositState};
use payments::event::{EventKind, EventSubject};
use payments::ids::{AccountId, InvoiceId, PostingId, SuspendedId};
use payments::payment_hash::PaymentHash;
use payments::suspense::{SuspendedItem, SuspenseReason, SuspenseState, Transition, assign};

use super::deposit::{Credited, insert};
use super::posting::{PostError, post};
use super::{ActContext, outbox};
use crate::differences::Statement;
use crate::rows::{invoice, micros, suspense as row};
use crate::{StoreError, Tx, for_update, params};

const LOCKED: Statement = for_update!("SELECT id FROM suspense_item WHERE id = $1");

/// Money that cannot be placed.
pub(super) struct New {
    pub payment_hash: PaymentHash,
    pub invoice_id: Option<InvoiceId>,
    pub amount_msat: Msat,
    pub reason: SuspenseReason,
}

/// Books `item` to suspense, unless it is booked.
pub(super) fn keep(tx: &mut Tx<'_>, act: &ActContext, item: &New) -> Result<Credited, PostError> {
    let posting = postings::deposit::suspended(*item.payment_hash.as_bytes(), item.amount_msat);
    match write(tx, act, item, &posting) {
        Ok(()) => Ok(Credited::Suspense(item.reason)),
        Err(PostError::AlreadyBooked) => keep_again(tx, act, &item.payment_hash, item.amount_msat),
        Err(error) => Err(error),
    }
}

/// Money for this hash is booked. The same amount is the same report again; another amount is a second payment. A
/// second payment of the same amount cannot be told from a replay: the node refuses it while its record stands.
pub(super) fn keep_again(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payment_hash: &PaymentHash,
    amount_msat: Msat,
) -> Result<Credited, PostError> {
    let booked = tx.query(
        "SELECT CAST(SUM(t.amount_msat) AS BIGINT) FROM posting p
         JOIN transfer t ON t.posting_id = p.id
         WHERE p.fact_kind = 'lightning_received' AND p.fact_id = $1",
        params![*payment_hash.as_bytes()],
    )?;
    let booked_msat = booked.first().map_or(Ok(None), |row| row.opt_int(0))?;
    if booked_msat == Some(amount_msat.get()) {
        return Ok(Credited::Before);
    }
    let invoice = super::deposit::locked(tx, payment_hash)?;
    let item = New {
        payment_hash: *payment_hash,
        invoice_id: invoice.map(|invoice| invoice.id),
        amount_msat,
        reason: SuspenseReason::PaidAgain,
    };
    let posting = postings::deposit::suspended_again(*payment_hash.as_bytes(), amount_msat);
    match write(tx, act, &item, &posting) {
        Ok(()) => Ok(Credited::Suspense(item.reason)),
        Err(PostError::AlreadyBooked) => Ok(Credited::Before),
        Err(error) => Err(error),
    }
}

fn write(
    tx: &mut Tx<'_>,
    act: &ActContext,
    item: &New,
    posting: &Posting,
) -> Result<(), PostError> {
    let posting_id: PostingId = act.ids.fresh();
    post(tx, act, posting_id, posting)?;
    tx.execute(
        "INSERT INTO suspense_item
             (id, payment_hash, invoice_id, amount_msat, reason, state, posting_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        params![
            act.ids.fresh::<SuspendedId>().to_bytes(),
            *item.payment_hash.as_bytes(),
            item.invoice_id.map(InvoiceId::to_bytes),
            item.amount_msat.get(),
            item.reason.name(),
            SuspenseState::Open.name(),
            posting_id.to_bytes(),
            micros(act.now)
        ],
    )?;
    Ok(())
}

/// Why an item was not assigned. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// There is no such item.
    #[error("there is no such item in suspense")]
    UnknownItem,
    /// There is no such account.
    #[error("there is no such account")]
    UnknownAccount,
    /// It was given to an account before.
    #[error("the item was assigned before")]
    Assigned,
    /// The books refused the posting: a fault of the program.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives an item to `account_id`, whole and without a fee: a deposit that the account is told of. The deposit names
/// the invoice only when the invoice is the account's own.
///
/// # Errors
/// [`AssignError`].
pub fn assign_suspended(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: SuspendedId,
    account_id: AccountId,
) -> Result<SuspendedItem, AssignError> {
    tx.query_opt(LOCKED.on(tx.dialect()), params![id.to_bytes()])?;
    let mut item = row::by_id(tx, id.to_bytes())?.ok_or(AssignError::UnknownItem)?;
    let customer = crate::queries::account::ledger_account(tx, account_id)?
        .ok_or(AssignError::UnknownAccount)?;
    let Transition::To(state) = assign(item.state) else {
        return Err(AssignError::Assigned);
    };
    let posting_id: PostingId = act.ids.fresh();
    let posting = postings::deposit::assigned(id.to_bytes(), customer, item.amount_msat);
    post(tx, act, posting_id, &posting)?;
    tx.execute(
        "UPDATE suspense_item SET state = $1, updated_at = $2 WHERE id = $3",
        params![state.name(), micros(act.now), id.to_bytes()],
    )?;
    let deposit = deposit_of(tx, act, &item, account_id, posting_id)?;
    insert(tx, &deposit, Some(id))?;
    item.state = state;
    item.account_id = Some(account_id);
    item.deposit_id = Some(deposit.id);
    item.updated_at = act.now;
    let subject = EventSubject::Deposit(Box::new(deposit));
    outbox::tell(tx, act, EventKind::DepositLightningCompleted, subject)?;
    Ok(item)
}

fn deposit_of(
    tx: &mut Tx<'_>,
    act: &ActContext,
    item: &SuspendedItem,
    account_id: AccountId,
    posting_id: PostingId,
) -> Result<Deposit, StoreError> {
    let invoice = match item.invoice_id {
        Some(id) => invoice::by_id(tx, id.to_bytes())?,
        None => None,
    };
    let own = invoice.filter(|invoice| invoice.account_id == account_id);
    let (bolt11, metadata) = own.as_ref().map_or((String::new(), None), |invoice| {
        (invoice.bolt11.clone(), invoice.metadata.clone())
    });
    Ok(Deposit {
        id: act.ids.fresh(),
        account_id,
        invoice_id: own.map(|invoice| invoice.id),
        payment_hash: item.payment_hash,
        bolt11,
        amount_msat: item.amount_msat,
        platform_fee_msat: Msat::ZERO,
        state: DepositState::Settled,
        metadata,
        posting_id: Some(posting_id),
        created_at: act.now,
        updated_at: act.now,
    })
}
