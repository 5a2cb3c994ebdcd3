//! Which of the node's own payment records the books need no more.
//!
//! It must never name a payment whose books are not final: the record is the node's guard against paying twice, and
//! against taking a payment twice.

use jiff::Timestamp;
use payments::payment_hash::PaymentHash;

use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Whether every withdrawal for this payment hash has ended for good before `before`, and there is one.
///
/// # Errors
/// The database's; so for every query here.
pub fn is_withdrawal_over(
    tx: &mut Tx<'_>,
    payment_hash: &PaymentHash,
    before: Timestamp,
) -> Result<bool, StoreError> {
    let counts = tx.query(
        "SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN state IN ('settled', 'failed')
             AND resend_barred = 0 AND updated_at < $1 THEN 1 ELSE 0 END), 0) AS BIGINT)
         FROM withdrawal WHERE payment_hash = $2",
        params![micros(before), *payment_hash.as_bytes()],
    )?;
    let (all, over) = match counts.first() {
        Some(row) => (row.int(0)?, row.int(1)?),
        None => (0, 0),
    };
    Ok(all > 0 && all == over)
}

/// Whether the invoice of this payment hash is settled or expired in the books, and could last be paid before `before`.
///
/// # Errors
/// See [`is_withdrawal_over`].
pub fn is_invoice_over(
    tx: &mut Tx<'_>,
    payment_hash: &PaymentHash,
    before: Timestamp,
) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT 1 FROM invoice
         WHERE payment_hash = $1 AND state <> 'open' AND expires_at < $2 AND updated_at < $2",
        params![*payment_hash.as_bytes(), micros(before)],
    )?;
    Ok(found.is_some())
}
