//! Writes down what a rail reported and no act could apply, and stops the movement of money.
//!
//! The report is kept whole, so that a person can book it; the rail's queue goes on. It must never be used for an error
//! that may pass.

use payments::payment_hash::{PaymentHash, PaymentPreimage};

use super::{ActContext, halt};
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// A report of a rail, in its bare facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// What it says.
    pub kind: &'static str,
    /// Of which payment.
    pub payment_hash: PaymentHash,
    /// The amount received, or the routing fee paid, in millisatoshi.
    pub amount_msat: Option<i64>,
    /// The proof of payment.
    pub preimage: Option<PaymentPreimage>,
}

/// Keeps `report` with the error that it met, once, and halts.
///
/// # Errors
/// The database's.
pub fn set_aside(
    tx: &mut Tx<'_>,
    act: &ActContext,
    report: &Report,
    error: &str,
) -> Result<(), StoreError> {
    let kept = tx.query_opt(
        "SELECT 1 FROM rail_report WHERE kind = $1 AND payment_hash = $2 AND error = $3 LIMIT 1",
        params![report.kind, *report.payment_hash.as_bytes(), error],
    )?;
    if kept.is_some() {
        return halt::halt(tx, act, "a report of the rail could not be applied");
    }
    tx.execute(
        "INSERT INTO rail_report (id, kind, payment_hash, amount_msat, preimage, error, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            act.ids.fresh_bytes(),
            report.kind,
            *report.payment_hash.as_bytes(),
            report.amount_msat,
            report.preimage.map(|preimage| *preimage.as_bytes()),
            error,
            micros(act.now)
        ],
    )?;
    halt::halt(tx, act, "a report of the rail could not be applied")
}
