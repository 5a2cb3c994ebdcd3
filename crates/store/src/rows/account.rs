//! The tables `account` and `api_key`.

use payments::account::Account;
use payments::api_key::{ApiKey, KeyHash};
use payments::ids::{AccountId, ApiKeyId};

use crate::{Row, StoreError};

/// Reads `id, name, ledger_account, created_at`.
pub(crate) fn read(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: AccountId::from_bytes(row.bytes16(0)?),
        name: row.text(1)?.to_owned(),
        ledger_account: super::ledger_account(row, 2)?,
        created_at: super::time(row, 3)?,
    })
}

/// Reads `id, account_id, number, name, hash`.
pub(crate) fn read_key(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        number: row.int(2)?,
        name: row.text(3)?.to_owned(),
        hash: KeyHash(row.bytes32(4)?),
    })
}
