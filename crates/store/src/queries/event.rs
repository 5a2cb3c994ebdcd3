//! The outbox, as the hub reads it.

use jiff::Timestamp;
use payments::ids::ApiKeyId;

use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// An event for the connections of one API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubEvent {
    /// Its place in the outbox.
    pub seq: i64,
    /// Whose connections get it.
    pub api_key_id: ApiKeyId,
    /// The event's argument, as JSON.
    pub body: Vec<u8>,
}

/// The place of the newest event; 0 when there is none.
///
/// # Errors
/// The database's; so for every query here.
pub fn newest(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let row = tx.query_opt("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", params![])?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// At most `limit` hub events after `seq`, in order, that were written since `since`.
///
/// PostgreSQL gives out `seq` before the commit, so an event can appear behind a later one: the caller reads
/// again from a little earlier and leaves out what it has seen.
///
/// # Errors
/// See [`newest`].
pub fn hub_events_after(
    tx: &mut Tx<'_>,
    seq: i64,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<HubEvent>, StoreError> {
    tx.query(
        "SELECT seq, api_key_id, hub_body FROM event
         WHERE seq > $1 AND created_at >= $2 AND api_key_id IS NOT NULL ORDER BY seq LIMIT $3",
        params![seq, micros(since), limit],
    )?
    .iter()
    .map(|row| {
        Ok(HubEvent {
            seq: row.int(0)?,
            api_key_id: ApiKeyId::from_bytes(row.bytes16(1)?),
            body: row.bytes(2)?.to_vec(),
        })
    })
    .collect()
}
