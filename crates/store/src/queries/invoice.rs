//! Whether an invoice waits to be ended.

use jiff::Timestamp;

use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Whether the time of any open invoice has run out at `now`.
///
/// # Errors
/// The database's.
pub fn is_any_due(tx: &mut Tx<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let due = tx.query_opt(
        "SELECT 1 FROM invoice WHERE state = 'open' AND expires_at <= $1 LIMIT 1",
        params![micros(now)],
    )?;
    Ok(due.is_some())
}
