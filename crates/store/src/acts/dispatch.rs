//! Gives reserved withdrawals to a dispatcher, and takes back what the rail proved unsent.
//!
//! `Dispatched` is committed before the rail is called: a process that dies in between finds the withdrawal in
//! doubt, never unsent. Two dispatchers never get the same one.

use jiff::Timestamp;
use payments::ids::WithdrawalId;
use payments::withdrawal::Withdrawal;

use super::{ActContext, halt};
use crate::differences::Statement;
use crate::rows::{micros, withdrawal as row};
use crate::{StoreError, Tx, for_update_skip_locked, params};

// Materialised, because a planner may run a sub-select with LIMIT and SKIP LOCKED once for each row it joins.
const CLAIM: Statement = for_update_skip_locked!(
    "WITH due AS MATERIALIZED (
         SELECT id FROM withdrawal WHERE state = 'reserved' AND next_attempt_at <= $1
         ORDER BY next_attempt_at LIMIT $2",
    ") UPDATE withdrawal SET state = 'dispatched', attempts = attempts + 1, updated_at = $1
     WHERE id IN (SELECT id FROM due) RETURNING id"
);

/// Marks at most `limit` due withdrawals as dispatched and hands them over; none while money is halted.
///
/// # Errors
/// The database's.
pub fn claim_due_withdrawals(
    tx: &mut Tx<'_>,
    act: &ActContext,
    limit: i64,
) -> Result<Vec<Withdrawal>, StoreError> {
    if halt::halted(tx)?.is_some() {
        return Ok(Vec::new());
    }
    let claimed = tx.query(CLAIM.on(tx.dialect()), params![micros(act.now), limit])?;
    let mut withdrawals = Vec::with_capacity(claimed.len());
    for claimed in &claimed {
        withdrawals.extend(row::by_id(tx, claimed.bytes16(0)?)?);
    }
    Ok(withdrawals)
}

/// Puts a dispatched withdrawal back to reserved, to be tried again at `next_attempt_at`. Only after the rail
/// proved that nothing was sent by the attempt with this number; a dispatcher that was overtaken changes nothing.
/// Answers whether that attempt was the latest, and under way.
///
/// # Errors
/// The database's.
pub fn requeue_withdrawal(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: WithdrawalId,
    attempt: i64,
    next_attempt_at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE withdrawal SET state = 'reserved', next_attempt_at = $1, updated_at = $2
         WHERE id = $3 AND state = 'dispatched' AND attempts = $4",
        params![
            micros(next_attempt_at),
            micros(act.now),
            id.to_bytes(),
            attempt
        ],
    )?;
    Ok(changed == 1)
}
