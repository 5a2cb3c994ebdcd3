//! Gives reserved withdrawals to a dispatcher, and takes back what the rail proved unsent.
//!
//! `Dispatched` is committed before the rail is called: a process that dies in between finds the withdrawal in
//! doubt, never unsent. Two dispatchers never get the same one.

use jiff::Timestamp;
use payments::ids::{ClaimId, WithdrawalId};
use payments::withdrawal::Withdrawal;
use payments::withdrawal::retry::Setback;

use super::{ActContext, halt};
use crate::differences::Statement;
use crate::rows::{micros, withdrawal as row};
use crate::{Signal, StoreError, Tx, for_update_skip_locked, params};

// Materialised, because a planner may run a sub-select with LIMIT and SKIP LOCKED once for each row it joins.
const CLAIM: Statement = for_update_skip_locked!(
    "WITH due AS MATERIALIZED (
         SELECT id FROM withdrawal WHERE state = 'reserved' AND resend_barred = 0 AND next_attempt_at <= $1
         ORDER BY next_attempt_at LIMIT $2",
    ") UPDATE withdrawal SET state = 'dispatched', attempts = attempts + 1, waits_for_room = 0,
         claim_id = $3, updated_at = $1
     WHERE id IN (SELECT id FROM due) RETURNING id"
);

/// Marks at most `limit` due withdrawals as dispatched and hands them over; none while money is halted.
///
/// Who never hears the answer may find them by `claim_id`, and is the only one who can: whatever bears it was handed
/// over to nobody else.
///
/// # Errors
/// The database's.
pub fn claim_due_withdrawals(
    tx: &mut Tx<'_>,
    act: &ActContext,
    claim_id: ClaimId,
    limit: i64,
) -> Result<Vec<Withdrawal>, StoreError> {
    if halt::hold_moving(tx)?.is_some() {
        return Ok(Vec::new());
    }
    let claimed = tx.query(
        CLAIM.on(tx.dialect()),
        params![micros(act.now), limit, claim_id.to_bytes()],
    )?;
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
    setback: Setback,
    next_attempt_at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE withdrawal SET state = 'reserved', next_attempt_at = $1, updated_at = $2,
             routes_not_found = routes_not_found + $3, waits_for_room = $4
         WHERE id = $5 AND state = 'dispatched' AND attempts = $6",
        params![
            micros(next_attempt_at),
            micros(act.now),
            i64::from(setback.is_a_missing_route()),
            i64::from(setback == Setback::NoRoom),
            id.to_bytes(),
            attempt
        ],
    )?;
    Ok(changed == 1)
}

/// Lets the payment hash of a withdrawal be sent again. Only when the failure of the attempt with this number is
/// final ([`payments::ports::Rail::failure_is_final`]). Answers whether that attempt was the latest, and barred.
///
/// # Errors
/// The database's.
pub fn lift_resend_bar(
    tx: &mut Tx<'_>,
    id: WithdrawalId,
    attempt: i64,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE withdrawal SET resend_barred = 0 WHERE id = $1 AND resend_barred = 1 AND attempts = $2",
        params![id.to_bytes(), attempt],
    )?;
    if changed == 1 {
        tx.after_commit(Signal::Withdrawals);
    }
    Ok(changed == 1)
}

const WAITS_LONGEST: Statement = for_update_skip_locked!(
    "WITH first AS MATERIALIZED (
         SELECT id FROM withdrawal WHERE waits_for_room = 1 ORDER BY created_at LIMIT 1",
    ") UPDATE withdrawal SET waits_for_room = 0, next_attempt_at = created_at WHERE id IN (SELECT id FROM first)"
);

/// A payment under way has ended, which makes room for one more: the withdrawal that waits longest for it is due
/// now, before younger ones.
pub(super) fn give_room(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if tx.execute(WAITS_LONGEST.on(tx.dialect()), params![])? > 0 {
        tx.after_commit(Signal::Withdrawals);
    }
    Ok(())
}
