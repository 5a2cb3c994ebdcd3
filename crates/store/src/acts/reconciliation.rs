//! What the reconciliation writes: running sums, verdicts, and payments of the node that nobody asked for.
//!
//! A verdict is written by the process that runs the node; any process may ask for a new one.

use jiff::Timestamp;
use ledger::postings;
use money::Msat;
use payments::payment_hash::PaymentHash;

use super::posting::{PostError, post};
use super::{ActContext, Applied, halt};
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Adds at most `limit` changes to the running sums, and answers how many there were.
///
/// # Errors
/// The database's.
pub fn roll_up(tx: &mut Tx<'_>, limit: i64) -> Result<usize, StoreError> {
    let taken = tx.query(
        "DELETE FROM system_change WHERE posting_id IN
             (SELECT posting_id FROM system_change ORDER BY posting_id LIMIT $1)
         RETURNING account, net_debit_msat",
        params![limit],
    )?;
    let mut sums = std::collections::BTreeMap::<i64, i64>::new();
    for row in &taken {
        *sums.entry(row.int(0)?).or_default() += row.int(1)?;
    }
    for (account, sum) in sums {
        tx.execute(
            "UPDATE system_balance SET net_debit_msat = net_debit_msat + $1 WHERE account = $2",
            params![sum, account],
        )?;
    }
    Ok(taken.len())
}

/// Books a payment that the node made and no withdrawal asked for, to the operator's loss, and halts.
///
/// # Errors
/// [`PostError`], never `AlreadyBooked`.
pub fn book_unasked(
    tx: &mut Tx<'_>,
    act: &ActContext,
    payment_hash: &PaymentHash,
    paid_out_msat: Msat,
) -> Result<Applied<()>, PostError> {
    let posting = postings::withdrawal::unasked(*payment_hash.as_bytes(), paid_out_msat);
    match post(tx, act, act.ids.fresh(), &posting) {
        Ok(()) => {
            halt::halt(tx, act, "the node paid what no withdrawal asked for")?;
            Ok(Applied::Now(()))
        }
        Err(PostError::AlreadyBooked) => Ok(Applied::Before(())),
        Err(error) => Err(error),
    }
}

/// A verdict to be kept.
#[derive(Debug, Clone)]
pub struct NewVerdict {
    /// The verdict as JSON.
    pub body: Vec<u8>,
    /// How many differences of it nothing explains.
    pub unexplained: i64,
    /// How many differences were booked as the node tells them.
    pub repaired: i64,
    /// When both sides were looked at.
    pub checked_at: Timestamp,
    /// The newest request that it answers.
    pub answers: i64,
}

/// Keeps the latest verdict. One with a difference that nothing explains halts the movement of money.
///
/// # Errors
/// The database's.
pub fn record_verdict(
    tx: &mut Tx<'_>,
    act: &ActContext,
    verdict: &NewVerdict,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE reconciliation SET verdict = $1, unexplained = $2, checked_at = $3, answered = $4,
             repaired = repaired + $5 WHERE id = 1",
        params![
            verdict.body.clone(),
            verdict.unexplained,
            micros(verdict.checked_at),
            verdict.answers,
            verdict.repaired
        ],
    )?;
    if verdict.unexplained > 0 {
        halt::halt(tx, act, "the books and the node differ")?;
    }
    Ok(())
}

/// Asks for a comparison of everything, and answers with the number of the request.
///
/// # Errors
/// The database's.
pub fn request_verdict(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let row = tx.query_opt(
        "UPDATE reconciliation SET requests = requests + 1 WHERE id = 1 RETURNING requests",
        params![],
    )?;
    row.ok_or(StoreError::Inconsistent {
        what: "no row for the verdict of the reconciliation",
    })?
    .int(0)
}
