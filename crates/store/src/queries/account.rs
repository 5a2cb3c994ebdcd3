//! Accounts, keys and balances. A balance is one row, however many payments there were.

use ledger::AccountNumber;
use money::Msat;
use payments::account::{Account, AccountBalance};
use payments::api_key::{ApiKey, Budget};
use payments::ids::{AccountId, ApiKeyId};

use crate::acts::console::NOBODY;
use crate::rows::account as row;
use crate::{Row, StoreError, Tx, api_key_columns, params};

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
        "SELECT id, name, ledger_account, created_at, closed_at FROM account WHERE id = $1",
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
        "SELECT id, name, ledger_account, created_at, closed_at FROM account ORDER BY id LIMIT $1",
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
    let found = tx.query_opt(
        concat!(
            "SELECT ",
            api_key_columns!(),
            " FROM api_key WHERE number = $1"
        ),
        params![number],
    )?;
    found.as_ref().map(row::read_key).transpose()
}

/// The key with this id.
///
/// # Errors
/// See [`ledger_account`].
pub fn key_by_id(tx: &mut Tx<'_>, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let found = tx.query_opt(
        concat!("SELECT ", api_key_columns!(), " FROM api_key WHERE id = $1"),
        params![id.to_bytes()],
    )?;
    found.as_ref().map(row::read_key).transpose()
}

/// At most `limit` keys whose number is above `after`, with their budgets: of one account, or of all. Those of the
/// console are nobody's to know.
///
/// # Errors
/// See [`ledger_account`].
pub fn keys(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
    after: i64,
    limit: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    let found = match account {
        Some(account) => tx.query(
            concat!(
                "SELECT ",
                api_key_columns!(),
                " FROM api_key WHERE account_id = $1 AND number > $2 AND hash <> $3 ORDER BY number LIMIT $4"
            ),
            params![account.to_bytes(), after, NOBODY.0, limit],
        )?,
        None => tx.query(
            concat!(
                "SELECT ",
                api_key_columns!(),
                " FROM api_key WHERE number > $1 AND hash <> $2 ORDER BY number LIMIT $3"
            ),
            params![after, NOBODY.0, limit],
        )?,
    };
    let mut keys = Vec::with_capacity(found.len());
    for row in &found {
        let mut key = row::read_key(row)?;
        key.rules.budgets = budgets(tx, key.id)?;
        keys.push(key);
    }
    Ok(keys)
}

/// What a key may spend over time.
///
/// # Errors
/// See [`ledger_account`].
pub fn budgets(tx: &mut Tx<'_>, key: ApiKeyId) -> Result<Vec<Budget>, StoreError> {
    let rows = tx.query(
        "SELECT window_seconds, limit_msat FROM key_budget WHERE api_key_id = $1 ORDER BY window_seconds",
        params![key.to_bytes()],
    )?;
    let read = |row: &Row| {
        let seconds = u32::try_from(row.int(0)?);
        Ok(Budget {
            window_seconds: seconds.map_err(|_| row.corrupt(0, "a window"))?,
            limit_msat: crate::rows::msat(row, 1)?,
        })
    };
    rows.iter().map(read).collect()
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

/// What each of these accounts has.
///
/// # Errors
/// See [`ledger_account`].
pub fn balances(tx: &mut Tx<'_>, accounts: &[Account]) -> Result<Vec<AccountBalance>, StoreError> {
    let of = |account: &Account| {
        let known = balance(tx, account.id)?;
        known.ok_or(StoreError::Inconsistent {
            what: "an account has no ledger account",
        })
    };
    accounts.iter().map(of).collect()
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
