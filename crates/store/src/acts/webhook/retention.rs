//! Forgets deliveries that are long over, with their attempts. Events stay: they are the account's own log.

use jiff::Timestamp;

use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// How many deliveries are forgotten in one transaction.
const AT_ONCE: i64 = 500;

/// Forgets some deliveries that are at their end and whose events happened before `before`. Answers how many; fewer
/// than asked for mean that no more are left.
///
/// # Errors
/// The database's.
pub fn forget_deliveries(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    // Ids begin with their time, so the primary key finds what is old.
    let bound = oldest_id_at(before);
    let rows = tx.query(
        "SELECT event_id, endpoint_id FROM webhook_delivery WHERE event_id < $1
             AND state IN ('delivered', 'exhausted', 'failed_permanent', 'cancelled') ORDER BY event_id LIMIT $2",
        params![bound, AT_ONCE],
    )?;
    let mut forgotten = 0;
    for row in &rows {
        let key = params![row.bytes16(0)?, row.bytes16(1)?];
        tx.execute(
            "DELETE FROM webhook_attempt WHERE event_id = $1 AND endpoint_id = $2",
            key,
        )?;
        forgotten += tx.execute(
            "DELETE FROM webhook_delivery WHERE event_id = $1 AND endpoint_id = $2
                 AND state IN ('delivered', 'exhausted', 'failed_permanent', 'cancelled')",
            key,
        )?;
    }
    Ok(forgotten)
}

/// The smallest UUIDv7 of a time: 48 bits of milliseconds come first (RFC 9562 section 5.7).
fn oldest_id_at(time: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(micros(time) / 1_000).unwrap_or(0);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}
