//! The tables `account` and `api_key`.

use payments::account::Account;
use payments::api_key::{ApiKey, KeyHash, KeyRules, Scopes};
use payments::ids::{AccountId, ApiKeyId};

use crate::{Row, StoreError};

/// The columns that [`read_key`] takes, in its order.
#[macro_export]
#[doc(hidden)]
macro_rules! api_key_columns {
    () => {
        "id, account_id, number, name, hash, created_at, revoked_at, scopes, expires_at, networks, destinations, \
         max_payment_msat, approval_above_msat"
    };
}

/// Reads `id, name, ledger_account, created_at, closed_at`.
pub(crate) fn read(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId::from_bytes(row.bytes16(0)?),
        name: row.text(1)?.to_owned(),
        ledger_account: super::ledger_account(row, 2)?,
        created_at: super::time(row, 3)?,
        closed_at: super::opt_time(row, 4)?,
    })
}

/// Reads a key without its budgets.
pub(crate) fn read_key(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        number: row.int(2)?,
        name: row.text(3)?.to_owned(),
        hash: KeyHash(row.bytes32(4)?),
        rules: rules(row)?,
        created_at: super::time(row, 5)?,
        revoked_at: super::opt_time(row, 6)?,
    })
}

fn rules(row: &Row) -> Result<KeyRules, StoreError> {
    let networks = row.opt_text(9)?.unwrap_or_default();
    let networks = networks.split(',').filter(|text| !text.is_empty());
    let networks: Result<_, _> = networks.map(str::parse).collect();
    let destinations = row.opt_text(10)?.unwrap_or_default();
    let destinations = destinations.split(',').filter(|text| !text.is_empty());
    Ok(KeyRules {
        scopes: Scopes::from_text(row.text(7)?).ok_or_else(|| row.corrupt(7, "scopes"))?,
        expires_at: super::opt_time(row, 8)?,
        networks: networks.map_err(|_| row.corrupt(9, "networks"))?,
        max_payment_msat: super::opt_msat(row, 11)?,
        approval_above_msat: super::opt_msat(row, 12)?,
        destinations: destinations.map(str::to_owned).collect(),
        budgets: Vec::new(),
    })
}
