//! Makes and ends accounts and API keys.
//!
//! A key's secret never comes here: only its hash does.

use money::Msat;
use payments::account::Account;
use payments::api_key::{ApiKey, KeyHash, KeyRules};
use payments::ids::{AccountId, ApiKeyId};

use super::{ActContext, budget};
use crate::differences::Statement;
use crate::rows::micros;
use crate::{StoreError, Tx, for_update, params};

const CLOSING: Statement = for_update!(
    "SELECT a.closed_at, l.cr_posted - l.dr_posted FROM account a
     JOIN ledger_account l ON l.number = a.ledger_account WHERE a.id = $1"
);

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateKeyError {
    /// There is no such account.
    #[error("there is no account {0}")]
    UnknownAccount(AccountId),
    /// The account is closed.
    #[error("the account is closed")]
    Closed,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an account was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseAccountError {
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// It holds money, or has payments under way.
    #[error("the account holds money")]
    NotEmpty,
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
        closed_at: None,
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

/// Makes an API key of `account_id` that may do what clients of a payment API do, with the hash of its secret.
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
    create_ruled_key(tx, act, account_id, name, hash, KeyRules::default())
}

/// Makes an API key of `account_id` that may do what `rules` say.
///
/// # Errors
/// [`CreateKeyError`].
pub fn create_ruled_key(
    tx: &mut Tx<'_>,
    act: &ActContext,
    account_id: AccountId,
    name: &str,
    hash: KeyHash,
    rules: KeyRules,
) -> Result<ApiKey, CreateKeyError> {
    let known = tx
        .query_opt(
            "SELECT closed_at FROM account WHERE id = $1",
            params![account_id.to_bytes()],
        )?
        .ok_or(CreateKeyError::UnknownAccount(account_id))?;
    if known.opt_int(0)?.is_some() {
        return Err(CreateKeyError::Closed);
    }
    let id: ApiKeyId = act.ids.fresh();
    let number = next(tx, "api_key")?;
    let (networks, destinations) = lists(&rules);
    tx.execute(
        "INSERT INTO api_key (id, account_id, number, name, hash, created_at, scopes, expires_at, networks,
             destinations, max_payment_msat, approval_above_msat)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            id.to_bytes(),
            account_id.to_bytes(),
            number,
            name,
            hash.0,
            micros(act.now),
            rules.scopes.to_text(),
            rules.expires_at.map(micros),
            networks,
            destinations,
            rules.max_payment_msat.map(Msat::get),
            rules.approval_above_msat.map(Msat::get)
        ],
    )?;
    budget::set(tx, id, &rules.budgets)?;
    Ok(ApiKey {
        id,
        account_id,
        number,
        name: name.to_owned(),
        hash,
        rules,
        created_at: act.now,
        revoked_at: None,
    })
}

/// Gives a key other rules. What it has spent within a window that stays counts on. Answers whether there is such a
/// key that is not revoked.
///
/// # Errors
/// The database's.
pub fn change_key_rules(
    tx: &mut Tx<'_>,
    id: ApiKeyId,
    rules: &KeyRules,
) -> Result<bool, StoreError> {
    let (networks, destinations) = lists(rules);
    let changed = tx.execute(
        "UPDATE api_key SET scopes = $1, expires_at = $2, networks = $3, destinations = $4, max_payment_msat = $5,
             approval_above_msat = $6
         WHERE id = $7 AND revoked_at IS NULL",
        params![
            rules.scopes.to_text(),
            rules.expires_at.map(micros),
            networks,
            destinations,
            rules.max_payment_msat.map(Msat::get),
            rules.approval_above_msat.map(Msat::get),
            id.to_bytes()
        ],
    )?;
    if changed == 1 {
        budget::set(tx, id, &rules.budgets)?;
    }
    Ok(changed == 1)
}

/// A key opens nothing from now on; what it has asked for goes on. Answers whether it was not revoked before.
///
/// # Errors
/// The database's.
pub fn revoke_key(tx: &mut Tx<'_>, act: &ActContext, id: ApiKeyId) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE api_key SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        params![micros(act.now), id.to_bytes()],
    )?;
    Ok(changed == 1)
}

/// Closes an account that has nothing, and revokes its keys. Money that still comes for its invoices is kept in it.
///
/// # Errors
/// [`CloseAccountError`].
pub fn close_account(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: AccountId,
) -> Result<(), CloseAccountError> {
    let found = tx.query_opt(CLOSING.on(tx.dialect()), params![id.to_bytes()])?;
    let found = found.ok_or(CloseAccountError::Unknown)?;
    if found.int(1)? != 0 {
        return Err(CloseAccountError::NotEmpty);
    }
    if found.opt_int(0)?.is_some() {
        return Ok(());
    }
    tx.execute(
        "UPDATE account SET closed_at = $1 WHERE id = $2",
        params![micros(act.now), id.to_bytes()],
    )?;
    tx.execute(
        "UPDATE api_key SET revoked_at = $1 WHERE account_id = $2 AND revoked_at IS NULL",
        params![micros(act.now), id.to_bytes()],
    )?;
    Ok(())
}

/// How the lists of `rules` are stored; an empty one is no rule.
fn lists(rules: &KeyRules) -> (Option<String>, Option<String>) {
    let networks: Vec<_> = rules.networks.iter().map(ToString::to_string).collect();
    let text = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
    (text(&networks), text(&rules.destinations))
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
