//! What waits is due again after the clock of a machine was set back.

use super::super::ActContext;
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, params};

/// Lets what was never tried go at once, and forgets the rates' use of a time that has not come. Without this they
/// would wait as long as the clock was set back. Answers how many deliveries waited.
///
/// # Errors
/// The database's.
pub fn clock_set_back(tx: &mut Tx<'_>, act: &ActContext) -> Result<u64, StoreError> {
    let now = micros(act.now);
    // A first attempt is due when its event happens, so one that is due later was written by a clock that ran ahead.
    let waited = tx.execute(
        "UPDATE webhook_delivery SET next_at = $1 WHERE state = 'pending' AND tries = 0 AND next_at > $1",
        params![now],
    )?;
    tx.execute(
        "UPDATE webhook_health SET rate_used_until = $1 WHERE rate_used_until > $1",
        params![now],
    )?;
    if waited > 0 {
        tx.after_commit(Signal::Deliveries);
    }
    Ok(waited)
}
