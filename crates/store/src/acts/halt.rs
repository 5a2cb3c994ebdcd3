//! Stops the movement of money, and lets it go on.
//!
//! While it is stopped no withdrawal is accepted or dispatched; what the rails report is still written down.

use super::ActContext;
use crate::differences::Statement;
use crate::rows::micros;
use crate::{StoreError, Tx, for_share, params};

const HOLD_MOVING: Statement = for_share!("SELECT value FROM counter WHERE name = 'halt'", "");

/// Stops the movement of money. The first reason stays.
///
/// # Errors
/// The database's.
pub fn halt(tx: &mut Tx<'_>, act: &ActContext, reason: &str) -> Result<(), StoreError> {
    // Waits for those who look with `hold_moving`, and those who come later wait for the end of this transaction.
    tx.execute(
        "UPDATE counter SET value = value + 1 WHERE name = 'halt'",
        params![],
    )?;
    tx.execute(
        "INSERT INTO halt (id, reason, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
        params![reason, micros(act.now)],
    )?;
    Ok(())
}

/// Lets money move again; a person has looked.
///
/// # Errors
/// The database's.
pub fn resume(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute("DELETE FROM halt", params![])?;
    Ok(())
}

/// As [`halted`], for an act that lets money out: when money moves, nobody stops it before this transaction has
/// ended, so that what was claimed was claimed before the halt.
///
/// # Errors
/// The database's.
pub fn hold_moving(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.query(HOLD_MOVING.on(tx.dialect()), params![])?;
    halted(tx)
}

/// Why the movement of money is stopped; `None` while it is not.
///
/// # Errors
/// The database's.
pub fn halted(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.query_opt("SELECT reason FROM halt WHERE id = 1", params![])?
        .map(|row| row.text(0).map(str::to_owned))
        .transpose()
}
