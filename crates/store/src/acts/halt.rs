//! Stops the movement of money, and lets it go on.
//!
//! While it is stopped no withdrawal is accepted or dispatched; what the rails report is still written down.

use super::ActContext;
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Stops the movement of money. The first reason stays.
///
/// # Errors
/// The database's.
pub fn halt(tx: &mut Tx<'_>, act: &ActContext, reason: &str) -> Result<(), StoreError> {
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

/// Why the movement of money is stopped; `None` while it is not.
///
/// # Errors
/// The database's.
pub fn halted(tx: &mut Tx<'_>) -> Result<Option<String>, StoreError> {
    tx.query_opt("SELECT reason FROM halt WHERE id = 1", params![])?
        .map(|row| row.text(0).map(str::to_owned))
        .transpose()
}
