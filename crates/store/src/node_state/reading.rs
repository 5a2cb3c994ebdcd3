//! Reading node state: the same on both databases, on the threads that read.

use payments::ports::{NodeStateError, StateKey};

use crate::{Row, Store, StoreError, params};

const READ: &str = "SELECT value FROM node_state
    WHERE node = $1 AND primary_ns = $2 AND secondary_ns = $3 AND key = $4";
const LIST: &str = "SELECT key FROM node_state
    WHERE node = $1 AND primary_ns = $2 AND secondary_ns = $3";
/// A page after a key; `('', '', '')` comes before every key, because no key is empty.
const PAGE: &str = "SELECT primary_ns, secondary_ns, key, value FROM node_state
    WHERE node = $1 AND (primary_ns, secondary_ns, key) > ($2, $3, $4)
    ORDER BY primary_ns, secondary_ns, key LIMIT $5";
/// Values may be some megabytes long, so few of them are in memory at a time.
const PAGE_ROWS: i64 = 32;

/// The value at `key`.
pub(super) fn read(
    store: &Store,
    node: &str,
    key: &StateKey,
) -> Result<Option<Vec<u8>>, NodeStateError> {
    let params = params![node, &key.primary, &key.secondary, &key.key].to_vec();
    let row = store.read(move |tx| tx.query_opt(READ, &params));
    let value = row.and_then(|row| row.map(|mut row| row.take_bytes(0)).transpose());
    value.map_err(unreadable)
}

/// The keys in a pair of namespaces.
pub(super) fn list(
    store: &Store,
    node: &str,
    primary: &str,
    secondary: &str,
) -> Result<Vec<String>, NodeStateError> {
    let params = params![node, primary, secondary].to_vec();
    let rows = store
        .read(move |tx| tx.query(LIST, &params))
        .map_err(unreadable)?;
    rows.iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect::<Result<_, _>>()
        .map_err(unreadable)
}

/// Shows every value to `visit`.
pub(super) fn scan(
    store: &Store,
    node: &str,
    visit: &mut dyn FnMut(&StateKey, &[u8]),
) -> Result<(), NodeStateError> {
    let mut after = StateKey {
        primary: String::new(),
        secondary: String::new(),
        key: String::new(),
    };
    loop {
        let StateKey {
            primary,
            secondary,
            key,
        } = &after;
        let params = params![node, primary, secondary, key, PAGE_ROWS].to_vec();
        let rows = store
            .read(move |tx| tx.query(PAGE, &params))
            .map_err(unreadable)?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            after = key_of(row).map_err(unreadable)?;
            visit(&after, row.bytes(3).map_err(unreadable)?);
        }
    }
}

fn key_of(row: &Row) -> Result<StateKey, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(StateKey {
        primary: text(0)?,
        secondary: text(1)?,
        key: text(2)?,
    })
}

fn unreadable(error: StoreError) -> NodeStateError {
    NodeStateError::Unavailable(Box::new(error))
}
