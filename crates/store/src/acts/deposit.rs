//! Credits what came in over Lightning.
//!
//! Money that reached our node is booked in every case, once for each payment hash: to the invoice's account, or
//! to suspense when no invoice is known. Applying the same report twice changes nothing.

use ledger::postings;
use money::{AmountError, Msat};
use payments::deposit::{Deposit, DepositState};
use payments::event::{EventKind, EventSubject};
use payments::fee_policy::FeePolicy;
use payments::ids::PostingId;
use payments::invoice::Invoice;
use payments::payment_hash::PaymentHash;

use super::posting::{PostError, post};
use super::{ActContext, outbox};
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
    /// To suspense: no invoice of ours has this hash. A person must look.
    Suspense,
    /// There is nothing to book: it was booked before, or it is zero.
    Before,
}

/// Credits `amount_msat` that was received for `payment_hash`.
///
/// Zero is no payment (BOLT 2 forbids such an HTLC): it changes nothing, and is no error, because an error would
/// keep the reporter from going on to what came after it.
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
    let Some(invoice) = locked(tx, payment_hash)? else {
        let posting = postings::deposit::suspended(*payment_hash.as_bytes(), amount_msat);
        return match post(tx, act, act.ids.fresh(), &posting) {
            Ok(()) => Ok(Credited::Suspense),
            Err(PostError::AlreadyBooked) => Ok(Credited::Before),
            Err(error) => Err(error.into()),
        };
    };
    let customer = ledger_account(tx, &invoice)?;
    let platform_fee_msat = fees.deposit(amount_msat)?;
    let hash = *payment_hash.as_bytes();
    let posting = postings::deposit::settled(hash, customer, amount_msat, platform_fee_msat)?;
    let posting_id: PostingId = act.ids.fresh();
    match post(tx, act, posting_id, &posting) {
        Ok(()) => {}
        Err(PostError::AlreadyBooked) => return Ok(Credited::Before),
        Err(error) => return Err(error.into()),
    }
    settle_invoice(tx, act, &invoice, amount_msat)?;
    let deposit = Deposit {
        id: act.ids.fresh(),
        account_id: invoice.account_id,
        invoice_id: invoice.id,
        payment_hash: invoice.payment_hash,
        bolt11: invoice.bolt11,
        amount_msat,
        platform_fee_msat,
        state: DepositState::Settled,
        metadata: invoice.metadata,
        posting_id: Some(posting_id),
        created_at: act.now,
        updated_at: act.now,
    };
    insert(tx, &deposit)?;
    let subject = EventSubject::Deposit(Box::new(deposit.clone()));
    outbox::tell(tx, act, EventKind::DepositLightningCompleted, subject)?;
    Ok(Credited::Deposit(Box::new(deposit)))
}

fn locked(tx: &mut Tx<'_>, hash: &PaymentHash) -> Result<Option<Invoice>, StoreError> {
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
    received_msat: Msat,
) -> Result<(), StoreError> {
    let now = micros(act.now);
    tx.execute(
        "UPDATE invoice SET state = 'settled', received_msat = $1, settled_at = $2, updated_at = $2
         WHERE id = $3",
        params![received_msat.get(), now, invoice.id.to_bytes()],
    )?;
    Ok(())
}

fn ledger_account(tx: &mut Tx<'_>, invoice: &Invoice) -> Result<ledger::AccountNumber, StoreError> {
    crate::queries::account::ledger_account(tx, invoice.account_id)?.ok_or(
        StoreError::Inconsistent {
            what: "an invoice without an account",
        },
    )
}

pub(super) fn insert(tx: &mut Tx<'_>, deposit: &Deposit) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO deposit (id, account_id, invoice_id, amount_msat, platform_fee_msat, state,
             posting_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            deposit.id.to_bytes(),
            deposit.account_id.to_bytes(),
            deposit.invoice_id.to_bytes(),
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
