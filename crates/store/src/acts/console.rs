//! The key by which a person at the console acts for an account.
//!
//! It is a row like any other key, so that what was asked for names who asked. Nobody can present it: its hash is one
//! that no secret has.

use payments::api_key::{ApiKey, KeyHash};
use payments::ids::{AccountId, ApiKeyId};

use crate::acts::ActContext;
use crate::acts::account::{CreateKeyError, create_api_key};
use crate::{StoreError, Tx, params};

/// Of no secret: nobody knows one whose SHA-256 is this.
pub const NOBODY: KeyHash = KeyHash([0; 32]);
const NAME: &str = "console";

/// The id and the number of the console's key of `account`; none before it is needed, and none once the
/// account is closed, whose keys are revoked.
///
/// # Errors
/// The database's.
pub fn found(tx: &mut Tx<'_>, account: AccountId) -> Result<Option<(ApiKeyId, i64)>, StoreError> {
    let row = tx.query_opt(
        "SELECT id, number FROM api_key
         WHERE account_id = $1 AND hash = $2 AND revoked_at IS NULL ORDER BY number LIMIT 1",
        params![account.to_bytes(), NOBODY.0],
    )?;
    row.map(|row| Ok((ApiKeyId::from_bytes(row.bytes16(0)?), row.int(1)?)))
        .transpose()
}

/// Makes the console's key of `account`. Two made at once are both good.
///
/// # Errors
/// [`CreateKeyError`].
pub fn make(
    tx: &mut Tx<'_>,
    act: &ActContext,
    account: AccountId,
) -> Result<ApiKey, CreateKeyError> {
    create_api_key(tx, act, account, NAME, NOBODY)
}
