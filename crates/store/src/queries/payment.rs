//! One invoice, deposit or withdrawal, of one account; and the withdrawals in doubt.

use jiff::Timestamp;
use payments::deposit::Deposit;
use payments::ids::{AccountId, ClaimId, DepositId, InvoiceId, WithdrawalId};
use payments::invoice::Invoice;
use payments::withdrawal::Withdrawal;

use crate::rows::{deposit, invoice, micros, withdrawal};
use crate::{Row, StoreError, Tx, deposit_columns, deposit_tables, params, withdrawal_columns};

/// An invoice of `account`.
///
/// # Errors
/// The database's; so for every query here.
pub fn invoice(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: InvoiceId,
) -> Result<Option<Invoice>, StoreError> {
    let found = invoice::by_id(tx, id.to_bytes())?;
    Ok(found.filter(|invoice| invoice.account_id == account))
}

/// A withdrawal of `account`.
///
/// # Errors
/// See [`invoice()`].
pub fn withdrawal(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: WithdrawalId,
) -> Result<Option<Withdrawal>, StoreError> {
    let found = withdrawal::by_id(tx, id.to_bytes())?;
    Ok(found.filter(|withdrawal| withdrawal.account_id == account))
}

/// A withdrawal of any account, for the operator.
///
/// # Errors
/// See [`invoice()`].
pub fn any_withdrawal(tx: &mut Tx<'_>, id: WithdrawalId) -> Result<Option<Withdrawal>, StoreError> {
    withdrawal::by_id(tx, id.to_bytes())
}

/// A deposit of `account`.
///
/// # Errors
/// See [`invoice()`].
pub fn deposit(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: DepositId,
) -> Result<Option<Deposit>, StoreError> {
    tx.query_opt(
        concat!(
            "SELECT ",
            deposit_columns!(),
            deposit_tables!(),
            " WHERE d.id = $1 AND d.account_id = $2"
        ),
        params![id.to_bytes(), account.to_bytes()],
    )?
    .as_ref()
    .map(deposit::read)
    .transpose()
}

/// Every withdrawal whose outcome is not known.
///
/// # Errors
/// See [`invoice()`].
pub fn dispatched(tx: &mut Tx<'_>) -> Result<Vec<Withdrawal>, StoreError> {
    tx.query(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal WHERE state = 'dispatched' ORDER BY id"
        ),
        params![],
    )?
    .iter()
    .map(withdrawal::read)
    .collect()
}

/// Every withdrawal whose payment hash must not be sent again yet.
///
/// # Errors
/// See [`invoice()`].
pub fn barred(tx: &mut Tx<'_>) -> Result<Vec<Withdrawal>, StoreError> {
    tx.query(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal WHERE resend_barred = 1 ORDER BY id"
        ),
        params![],
    )?
    .iter()
    .map(withdrawal::read)
    .collect()
}

/// The withdrawals under way that were handed over by this claim.
///
/// # Errors
/// See [`invoice()`].
pub fn claimed(tx: &mut Tx<'_>, claim_id: ClaimId) -> Result<Vec<Withdrawal>, StoreError> {
    tx.query(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal WHERE state = 'dispatched' AND claim_id = $1 ORDER BY id"
        ),
        params![claim_id.to_bytes()],
    )?
    .iter()
    .map(withdrawal::read)
    .collect()
}

/// At most `limit` withdrawals that nobody has approved, and whose invoice has run out.
///
/// # Errors
/// See [`invoice()`].
pub fn unapproved_past(
    tx: &mut Tx<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<WithdrawalId>, StoreError> {
    let rows = tx.query(
        "SELECT id FROM withdrawal WHERE state = 'unapproved' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
        params![micros(now), limit],
    )?;
    let id = |row: &Row| Ok(WithdrawalId::from_bytes(row.bytes16(0)?));
    rows.iter().map(id).collect()
}

/// At most `limit` withdrawals that wait for an approval, oldest first: of one account, or of all.
///
/// # Errors
/// See [`invoice()`].
pub fn unapproved(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    limit: i64,
) -> Result<Vec<Withdrawal>, StoreError> {
    let all = account.is_none();
    let account = account.map(AccountId::to_bytes).unwrap_or_default();
    tx.query(
        concat!(
            "SELECT ",
            withdrawal_columns!(),
            " FROM withdrawal WHERE state = 'unapproved' AND (CAST($1 AS BIGINT) = 1 OR account_id = $2)
              ORDER BY id LIMIT $3"
        ),
        params![all, account, limit],
    )?
    .iter()
    .map(withdrawal::read)
    .collect()
}

/// When the next reserved withdrawal may be dispatched, in microseconds since 1970; `None` when none waits.
///
/// # Errors
/// See [`invoice()`].
pub fn next_dispatch_at(tx: &mut Tx<'_>) -> Result<Option<i64>, StoreError> {
    let found = tx.query_opt(
        "SELECT next_attempt_at FROM withdrawal WHERE state = 'reserved' AND resend_barred = 0
         ORDER BY next_attempt_at LIMIT 1",
        params![],
    )?;
    found.map(|row| row.int(0)).transpose()
}
