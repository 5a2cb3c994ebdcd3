//! Makes accounts and API keys.
//!
//! A key's secret never comes here: only its hash does.

use payments::account::Account;
use payments::api_key::{ApiKey, KeyHash};
use payments::ids::{AccountId, ApiKeyId};

use super::ActContext;
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// There is no such account.
    #[error("there is no account {0}")]
    UnknownAccount(AccountId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes an account with an empty balance.
///
/// # Errors
/// The database's.
pub fn create_account(
    tx: &mut Tx<'_>,
    act: &ActContext,
    name: &str,
) -> Result<Account, StoreError> {
    let number = next(tx, "ledger_account")?;
    let ledger_account =
        ledger::AccountNumber::customer(number).ok_or(StoreError::Inconsistent {
            what: "the counter of ledger accounts is below the customers",
        })?;
    let account = Account {
        id: act.ids.fresh(),
        name: name.to_owned(),
        ledger_account,
        created_at: act.now,
    };
    tx.execute(
        "INSERT INTO ledger_account (number, bounded) VALUES ($1, 1)",
        params![number],
    )?;
    tx.execute(
        "INSERT INTO account (id, name, ledger_account, created_at) VALUES ($1, $2, $3, $4)",
        params![account.id.to_bytes(), name, number, micros(act.now)],
    )?;
    Ok(account)
}

/// Makes an API key of `account_id` with the hash of its secret.
///
/// # Errors
/// [`CreateKeyError`].
pub fn create_api_key(
    tx: &mut Tx<'_>,
    act: &ActContext,
    account_id: AccountId,
    name: &str,
    hash: KeyHash,
) -> Result<ApiKey, CreateKeyError> {
    let known = tx
        .query_opt(
            "SELECT 1 FROM account WHERE id = $1",
            params![account_id.to_bytes()],
        )
        .map_err(CreateKeyError::Store)?;
    if known.is_none() {
        return Err(CreateKeyError::UnknownAccount(account_id));
    }
    let id: ApiKeyId = act.ids.fresh();
    let number = next(tx, "api_key")?;
    tx.execute(
        "INSERT INTO api_key (id, account_id, number, name, hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            id.to_bytes(),
            account_id.to_bytes(),
            number,
            name,
            hash.0,
            micros(act.now)
        ],
    )?;
    Ok(ApiKey {
        id,
        account_id,
        number,
        name: name.to_owned(),
        hash,
    })
}

/// The next number of a counter. The row's lock makes two callers take different ones.
fn next(tx: &mut Tx<'_>, counter: &'static str) -> Result<i64, StoreError> {
    let row = tx.query_opt(
        "UPDATE counter SET value = value + 1 WHERE name = $1 RETURNING value",
        params![counter],
    )?;
    row.ok_or(StoreError::Inconsistent {
        what: "a counter is missing",
    })?
    .int(0)
}
