//! Replaces the secret of an endpoint, with a time in which the old one signs as well.

use jiff::Timestamp;
use payments::ids::EndpointId;
use payments::webhook::SealedSecret;

use super::super::ActContext;
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// How many old secrets may sign at once.
pub const MAX_OLD_SECRETS: i64 = 10;

/// What came of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The new secret signs.
    Done,
    /// There is no such endpoint.
    Missing,
    /// As many old secrets sign as may.
    TooMany,
}

/// Gives an endpoint a new secret; the old one signs until `expires_at` as well.
///
/// # Errors
/// The database's; so for every act here.
pub fn rotate_secret(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
    secret: &SealedSecret,
    expires_at: Timestamp,
) -> Result<Rotated, StoreError> {
    let held = crate::for_update!(
        "SELECT secret FROM webhook_endpoint WHERE id = $1 AND state <> 'deleted'"
    );
    let Some(old) = tx.query_opt(held.on(tx.dialect()), params![id.to_bytes()])? else {
        return Ok(Rotated::Missing);
    };
    tx.execute(
        "DELETE FROM webhook_old_secret WHERE endpoint_id = $1 AND expires_at <= $2",
        params![id.to_bytes(), micros(act.now)],
    )?;
    let row = tx.query_opt(
        "SELECT COUNT(*), CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM webhook_old_secret WHERE endpoint_id = $1",
        params![id.to_bytes()],
    )?;
    let (count, last) = row.map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))?;
    if count >= MAX_OLD_SECRETS {
        return Ok(Rotated::TooMany);
    }
    if expires_at > act.now {
        tx.execute(
            "INSERT INTO webhook_old_secret (endpoint_id, number, secret, is_promoted, expires_at)
             VALUES ($1, $2, $3, 0, $4)",
            params![id.to_bytes(), last + 1, old.text(0)?, micros(expires_at)],
        )?;
    }
    tx.execute(
        "UPDATE webhook_endpoint SET secret = $1, updated_at = $2 WHERE id = $3",
        params![secret.as_stored(), micros(act.now), id.to_bytes()],
    )?;
    Ok(Rotated::Done)
}

/// Lets the current secret sign the Bitvora header from now on. Answers whether an old one did.
///
/// # Errors
/// See [`rotate_secret`].
pub fn promote_secret(tx: &mut Tx<'_>, id: EndpointId) -> Result<bool, StoreError> {
    let promoted = tx.execute(
        "UPDATE webhook_old_secret SET is_promoted = 1 WHERE endpoint_id = $1 AND is_promoted = 0",
        params![id.to_bytes()],
    )?;
    Ok(promoted > 0)
}
