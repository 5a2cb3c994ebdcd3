//! The outbox, as the hub and the accounts read it.

use jiff::Timestamp;
use payments::ids::{AccountId, ApiKeyId, EventId};

use crate::{Row, StoreError, Tx, params};

/// An event, as the hub needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubEvent {
    /// Its place in the outbox.
    pub seq: i64,
    /// Its number in its account, from 1, without gaps.
    pub sequence: i64,
    /// Whose connections get it; `None` for an event that the hub does not tell of.
    pub api_key_id: Option<ApiKeyId>,
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

/// At most `limit` events after `seq`, in order.
///
/// PostgreSQL gives out `seq` before the commit, so an event can appear behind a later one: the caller reads again
/// from a little earlier and leaves out what it has seen.
///
/// # Errors
/// See [`newest`].
pub fn events_after(tx: &mut Tx<'_>, seq: i64, limit: i64) -> Result<Vec<HubEvent>, StoreError> {
    tx.query(
        "SELECT seq, account_seq, api_key_id, hub_body FROM event WHERE seq > $1 ORDER BY seq LIMIT $2",
        params![seq, limit],
    )?
    .iter()
    .map(hub_event)
    .collect()
}

/// At most `limit` events of an account after the number `after`, in order, as the hub needs them.
///
/// # Errors
/// See [`newest`].
pub fn hub_events_of(
    tx: &mut Tx<'_>,
    account: AccountId,
    after: i64,
    limit: i64,
) -> Result<Vec<HubEvent>, StoreError> {
    tx.query(
        "SELECT seq, account_seq, api_key_id, hub_body FROM event
         WHERE account_id = $1 AND account_seq > $2 ORDER BY account_seq LIMIT $3",
        params![account.to_bytes(), after, limit],
    )?
    .iter()
    .map(hub_event)
    .collect()
}

fn hub_event(row: &Row) -> Result<HubEvent, StoreError> {
    Ok(HubEvent {
        seq: row.int(0)?,
        sequence: row.int(1)?,
        api_key_id: row.opt_bytes16(2)?.map(ApiKeyId::from_bytes),
        body: row.bytes(3)?.to_vec(),
    })
}

/// An event in the log of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEvent {
    /// Its number in the account, from 1, without gaps.
    pub sequence: i64,
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub created_at: Timestamp,
    /// The body of its webhooks.
    pub body: Vec<u8>,
}

/// At most `limit` events of an account after the number `after`, in order. A number is given out with the account's
/// row held until the commit, so nothing can appear behind what was read.
///
/// # Errors
/// See [`newest`].
pub fn account_events_after(
    tx: &mut Tx<'_>,
    account: AccountId,
    after: i64,
    limit: i64,
) -> Result<Vec<AccountEvent>, StoreError> {
    tx.query(
        "SELECT account_seq, id, created_at, webhook_body FROM event
         WHERE account_id = $1 AND account_seq > $2 ORDER BY account_seq LIMIT $3",
        params![account.to_bytes(), after, limit],
    )?
    .iter()
    .map(|row| {
        Ok(AccountEvent {
            sequence: row.int(0)?,
            id: EventId::from_bytes(row.bytes16(1)?),
            created_at: crate::rows::time(row, 2)?,
            body: row.bytes(3)?.to_vec(),
        })
    })
    .collect()
}
