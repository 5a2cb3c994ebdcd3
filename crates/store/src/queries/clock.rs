//! What time it is by the database: on SQLite the clock of this machine, on PostgreSQL that of the one that has it.

use jiff::Timestamp;

use crate::differences::DATABASE_TIME;
use crate::{StoreError, Tx, params};

/// The time by the database's clock.
///
/// # Errors
/// The database's.
pub fn database_time(tx: &mut Tx<'_>) -> Result<Timestamp, StoreError> {
    let rows = tx.query(DATABASE_TIME.on(tx.dialect()), params![])?;
    crate::rows::time(&rows[0], 0)
}
