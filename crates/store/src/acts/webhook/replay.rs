//! Sends again what is at its end, with the same id and the same bytes.
//!
//! What is on its way is left as it is: a replay neither brings an attempt forward nor sets a schedule back, so that
//! two of them do no more than one.

use jiff::Timestamp;
use payments::event::EventKind;
use payments::ids::{EndpointId, EventId};
use payments::webhook::delivery::{DeliveryInput, transition};
use payments::webhook::{DeliveryState, EndpointState};

use super::super::ActContext;
use super::unblock_all;
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, for_update, params};

/// What to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// One event.
    One(EventId),
    /// The events from a time up to another, which the endpoint chose and has not taken.
    Missed {
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
}

/// What came of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// So many deliveries are on their way now that were not before.
    Begun(u64),
    /// There is no such endpoint, or no such event of its account.
    Missing,
    /// The endpoint is paused or disabled, or deleted.
    NotActive,
}

/// Puts deliveries on their way again, and those that were never made because the endpoint was disabled.
///
/// # Errors
/// The database's.
pub fn replay(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
    what: Replay,
) -> Result<Replayed, StoreError> {
    // With the endpoint held, no event is being written for it.
    let held = for_update!("SELECT state, account_id FROM webhook_endpoint WHERE id = $1");
    let Some(row) = tx.query_opt(held.on(tx.dialect()), params![id.to_bytes()])? else {
        return Ok(Replayed::Missing);
    };
    let state = EndpointState::from_name(row.text(0)?)
        .ok_or_else(|| row.corrupt(0, "an endpoint state"))?;
    let account = row.bytes16(1)?;
    match state {
        EndpointState::Active | EndpointState::Paused => {}
        EndpointState::Deleted => return Ok(Replayed::Missing),
        EndpointState::Disabled => return Ok(Replayed::NotActive),
    }
    let begun = match what {
        Replay::One(event) => {
            if !is_event_of(tx, event, account)? {
                return Ok(Replayed::Missing);
            }
            again(tx, act, id, event)? + write_missing(tx, id, event)?
        }
        Replay::Missed { from, until } => {
            let (from, until) = (micros(from), micros(until));
            missed_again(tx, act, id, from, until)? + write_never_made(tx, id, from, until)?
        }
    };
    // What stands before a waiting one has to know that something follows.
    tx.execute(
        "UPDATE webhook_delivery SET followed = 1
         WHERE endpoint_id = $1 AND ordered = 1 AND followed = 0 AND state IN ('blocked', 'pending', 'leased')
             AND subject_id IN (SELECT subject_id FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'blocked')",
        params![id.to_bytes()],
    )?;
    unblock_all(tx, act, id)?;
    tx.after_commit(Signal::Deliveries);
    Ok(Replayed::Begun(begun))
}

fn is_event_of(tx: &mut Tx<'_>, event: EventId, account: [u8; 16]) -> Result<bool, StoreError> {
    let found = tx.query_opt(
        "SELECT kind FROM event WHERE id = $1 AND account_id = $2",
        params![event.to_bytes(), account],
    )?;
    match found {
        None => Ok(false),
        Some(row) => EventKind::from_name(row.text(0)?)
            .map(|_| true)
            .ok_or_else(|| row.corrupt(0, "an event kind")),
    }
}

/// The state in which a replayed delivery waits: [`unblock_all`] lets it go unless something stands before it.
fn waiting() -> &'static str {
    let state = transition(DeliveryState::Delivered, DeliveryInput::Replay);
    state.unwrap_or(DeliveryState::Blocked).name()
}

fn again(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
    event: EventId,
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE webhook_delivery SET state = $1, tries = 0, next_at = $2, followed = 1
         WHERE event_id = $3 AND endpoint_id = $4
             AND state IN ('delivered', 'exhausted', 'failed_permanent', 'cancelled')",
        params![waiting(), micros(act.now), event.to_bytes(), id.to_bytes()],
    )
}

fn missed_again(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
    from: i64,
    until: i64,
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE webhook_delivery SET state = $1, tries = 0, next_at = $2, followed = 1
         WHERE endpoint_id = $3 AND state IN ('exhausted', 'failed_permanent', 'cancelled')
             AND event_id IN (SELECT v.id FROM event v JOIN webhook_endpoint e ON e.account_id = v.account_id
                 WHERE e.id = $3 AND v.created_at >= $4 AND v.created_at < $5)",
        params![
            waiting(),
            micros(act.now),
            id.to_bytes(),
            from,
            until
        ],
    )
}

/// A delivery of an event that happened while nothing was kept for the endpoint.
fn write_missing(tx: &mut Tx<'_>, id: EndpointId, event: EventId) -> Result<u64, StoreError> {
    tx.execute(
        "INSERT INTO webhook_delivery (event_id, endpoint_id, seq, subject_id, ordered, followed, state, next_at)
         SELECT v.id, e.id, v.seq, v.subject_id, e.ordered, 1, 'blocked', v.created_at
         FROM event v JOIN webhook_endpoint e ON e.account_id = v.account_id
         WHERE v.id = $1 AND e.id = $2 AND NOT EXISTS
             (SELECT 1 FROM webhook_delivery d WHERE d.event_id = v.id AND d.endpoint_id = e.id)",
        params![event.to_bytes(), id.to_bytes()],
    )
}

fn write_never_made(
    tx: &mut Tx<'_>,
    id: EndpointId,
    from: i64,
    until: i64,
) -> Result<u64, StoreError> {
    tx.execute(
        "INSERT INTO webhook_delivery (event_id, endpoint_id, seq, subject_id, ordered, followed, state, next_at)
         SELECT v.id, e.id, v.seq, v.subject_id, e.ordered, 1, 'blocked', v.created_at
         FROM event v JOIN webhook_endpoint e ON e.account_id = v.account_id
             JOIN webhook_subscription s ON s.endpoint_id = e.id AND s.event_name = v.kind
         WHERE e.id = $1 AND v.created_at >= $2 AND v.created_at < $3 AND NOT EXISTS
             (SELECT 1 FROM webhook_delivery d WHERE d.event_id = v.id AND d.endpoint_id = e.id)",
        params![id.to_bytes(), from, until],
    )
}
