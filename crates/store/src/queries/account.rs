//! Accounts, keys and balances. A balance is one row, however many payments there were.

use ledger::AccountNumber;
use money::Msat;
use payments::account::{Account, AccountBalance};
use payments::api_key::ApiKey;
use payments::ids::AccountId;

use crate::rows::account as row;
use crate::{StoreError, Tx, params};

/// The ledger account of `id`.
///
/// # Errors
/// The database's; so for every query here.
pub fn ledger_account(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<AccountNumber>, StoreError> {
    tx.query_opt(
        "SELECT ledger_account FROM account WHERE id = $1",
        params![id.to_bytes()],
    )?
    .map(|row| crate::rows::ledger_account(&row, 0))
    .transpose()
}

/// One account.
///
/// # Errors
/// See [`ledger_account`].
pub fn by_id(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>, StoreError> {
    tx.query_opt(
        "SELECT id, name, ledger_account, created_at FROM account WHERE id = $1",
        params![id.to_bytes()],
    )?
    .as_ref()
    .map(row::read)
    .transpose()
}

/// The first `limit` accounts, oldest first.
///
/// # Errors
/// See [`ledger_account`].
pub fn list(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Account>, StoreError> {
    tx.query(
        "SELECT id, name, ledger_account, created_at FROM account ORDER BY id LIMIT $1",
        params![limit],
    )?
    .iter()
    .map(row::read)
    .collect()
}

/// The key with this number.
///
/// # Errors
/// See [`ledger_account`].
pub fn key_by_number(tx: &mut Tx<'_>, number: i64) -> Result<Option<ApiKey>, StoreError> {
    tx.query_opt(
        "SELECT id, account_id, number, name, hash FROM api_key WHERE number = $1",
        params![number],
    )?
    .as_ref()
    .map(row::read_key)
    .transpose()
}

/// What an account has.
///
/// # Errors
/// See [`ledger_account`].
pub fn balance(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<AccountBalance>, StoreError> {
    let found = tx.query_opt(
        "SELECT l.cr_posted - l.dr_posted - l.dr_pending, l.dr_pending
         FROM account a JOIN ledger_account l ON l.number = a.ledger_account WHERE a.id = $1",
        params![id.to_bytes()],
    )?;
    found
        .map(|row| {
            Ok(AccountBalance {
                available_msat: crate::rows::msat(&row, 0)?,
                held_msat: crate::rows::msat(&row, 1)?,
            })
        })
        .transpose()
}

/// What all customers have together, spendable or held: what the operator owes.
///
/// # Errors
/// See [`ledger_account`].
pub fn liabilities(tx: &mut Tx<'_>) -> Result<Msat, StoreError> {
    let rows = tx.query(
        "SELECT CAST(COALESCE(SUM(cr_posted - dr_posted), 0) AS BIGINT)
         FROM ledger_account WHERE bounded = 1",
        params![],
    )?;
    rows.first()
        .map_or(Ok(Msat::ZERO), |row| crate::rows::msat(row, 0))
}
