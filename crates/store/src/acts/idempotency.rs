//! One result for each idempotency key.
//!
//! The key's row is written in the transaction that does the work, and holds the answer to the byte. Two requests
//! with one key meet at the primary key: the second waits, and gets the first one's answer.

use payments::ids::AccountId;

use super::ActContext;
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// What a client sent so that a repeat is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Which interface and operation it belongs to.
    pub scope: &'static str,
    /// The client's key.
    pub key: String,
    /// The SHA-256 of the request, so that another request under the same key is recognised.
    pub request_hash: [u8; 32],
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is new: do the work.
    Fresh,
    /// The same request was answered with these bytes.
    Replay(Vec<u8>),
    /// Another request used it.
    Reused,
}

/// Claims `key` for `account`, with the answer that the work will give.
///
/// # Errors
/// The database's.
pub fn claim(
    tx: &mut Tx<'_>,
    act: &ActContext,
    account: AccountId,
    key: &IdempotencyKey,
    response: &[u8],
) -> Result<Claim, StoreError> {
    let fresh = tx.execute(
        "INSERT INTO idempotency (account_id, scope, key, request_hash, response, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, scope, key) DO NOTHING",
        params![
            account.to_bytes(),
            key.scope,
            key.key.as_str(),
            key.request_hash,
            response,
            micros(act.now)
        ],
    )?;
    if fresh == 1 {
        return Ok(Claim::Fresh);
    }
    find(tx, account, key)?.ok_or(StoreError::Inconsistent {
        what: "a claimed idempotency key is gone",
    })
}

/// Gives a key that this transaction claimed another answer, where the answer is known only after the claim.
pub(super) fn answer_with(
    tx: &mut Tx<'_>,
    account: AccountId,
    key: &IdempotencyKey,
    response: &[u8],
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE idempotency SET response = $1 WHERE account_id = $2 AND scope = $3 AND key = $4",
        params![response, account.to_bytes(), key.scope, key.key.as_str()],
    )?;
    Ok(())
}

/// What became of `key`, if it was used.
///
/// # Errors
/// The database's.
pub fn find(
    tx: &mut Tx<'_>,
    account: AccountId,
    key: &IdempotencyKey,
) -> Result<Option<Claim>, StoreError> {
    let row = tx.query_opt(
        "SELECT request_hash, response FROM idempotency
         WHERE account_id = $1 AND scope = $2 AND key = $3",
        params![account.to_bytes(), key.scope, key.key.as_str()],
    )?;
    row.map(|row| {
        let same = row.bytes(0)? == key.request_hash;
        Ok(if same {
            Claim::Replay(row.bytes(1)?.to_vec())
        } else {
            Claim::Reused
        })
    })
    .transpose()
}
