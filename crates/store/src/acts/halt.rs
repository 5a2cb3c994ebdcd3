//! Stops the movement of money, and lets it go on.
//!
//! While it is stopped no withdrawal is accepted or dispatched; what the rails report is still written down. Money that
//! moves checks the halt in the transaction that moves it: [`hold_moving`] keeps a halt away until that transaction
//! has ended, so that whatever moved had moved before the halt. Of several locks it is the last one that is taken.

use super::ActContext;
use crate::differences::Statement;
use crate::rows::micros;
use crate::{StoreError, Tx, for_share, for_update, params};

const HOLD_MOVING: Statement = for_share!("SELECT reason FROM halt WHERE id = 1", "");
const HOLD_HALT: Statement = for_update!("SELECT reason FROM halt WHERE id = 1");

/// Stops the movement of money. The first reason stays.
///
/// # Errors
/// The database's.
pub fn halt(tx: &mut Tx<'_>, act: &ActContext, reason: &str) -> Result<(), StoreError> {
    // The row is changed in any case: this waits for those who hold it, and those who come later wait for this.
    tx.execute(
        "UPDATE halt SET reason = COALESCE(reason, $1), created_at = COALESCE(created_at, $2) WHERE id = 1",
        params![reason, micros(act.now)],
    )?;
    Ok(())
}

/// Lets money move again; a person has looked.
///
/// # Errors
/// The database's.
pub fn resume(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE halt SET reason = NULL, created_at = NULL WHERE id = 1",
        params![],
    )?;
    Ok(())
}

/// As [`halted`], for an act that lets money out: when money moves, nobody stops it before this transaction has ended.
///
/// # Errors
/// The database's.
pub fn hold_moving(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    reason(tx, HOLD_MOVING.on(tx.dialect()))
}

/// As [`halted`], for whoever decides whether to [`resume`]: nobody stops money again, for another reason, before this
/// transaction has ended.
///
/// # Errors
/// The database's.
pub fn hold_halt(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    reason(tx, HOLD_HALT.on(tx.dialect()))
}

/// Why the movement of money is stopped; `None` while it is not.
///
/// # Errors
/// The database's.
pub fn halted(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    reason(tx, "SELECT reason FROM halt WHERE id = 1")
}

fn reason(tx: &mut Tx<'_>, sql: &'static str) -> Result<Option<String>, StoreError> {
    let row = tx
        .query_opt(sql, params![])?
        .ok_or(StoreError::Inconsistent {
            what: "the row of the halt is gone",
        })?;
    Ok(row.opt_text(0)?.map(str::to_owned))
}
