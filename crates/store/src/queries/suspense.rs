//! What stands in suspense.

use payments::suspense::{SuspendedItem, SuspenseState};

use crate::rows::suspense as row;
use crate::{StoreError, Tx, params, suspended_items};

/// At most `limit` items in `state`, oldest first.
///
/// # Errors
/// The database's.
pub fn list(
    tx: &mut Tx<'_>,
    state: SuspenseState,
    limit: i64,
) -> Result<Vec<SuspendedItem>, StoreError> {
    tx.query(
        concat!(
            suspended_items!(),
            " WHERE s.state = $1 ORDER BY s.id LIMIT $2"
        ),
        params![state.name(), limit],
    )?
    .iter()
    .map(row::read)
    .collect()
}
