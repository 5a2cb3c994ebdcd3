//! Webhook endpoints and their deliveries: made, claimed under a lease, and recorded.
//!
//! A delivery is sent outside any transaction. Its result is written only while its claim is the latest (the lease
//! token), so a stalled sender changes nothing when it comes back.

use jiff::{SignedDuration, Timestamp};
use payments::ids::{EndpointId, EventId};
use payments::webhook::{ClaimedDelivery, DeliveryAttempt, DeliveryVerdict, WebhookEndpoint};

use super::ActContext;
use crate::differences::Statement;
use crate::rows::{delivery as row, micros};
use crate::{Signal, StoreError, Tx, for_update_skip_locked, params};

// Materialised, because a planner may run a sub-select with LIMIT and SKIP LOCKED once for each row it joins.
const CLAIM: Statement = for_update_skip_locked!(
    "WITH due AS MATERIALIZED (
         SELECT event_id, endpoint_id FROM webhook_delivery
         WHERE state = 'pending' AND next_at <= $1 ORDER BY next_at LIMIT $2",
    ") UPDATE webhook_delivery
     SET state = 'leased', lease_token = lease_token + 1, lease_until = $3
     WHERE (event_id, endpoint_id) IN (SELECT event_id, endpoint_id FROM due)
     RETURNING event_id, endpoint_id"
);

const RELEASE: Statement = for_update_skip_locked!(
    "UPDATE webhook_delivery SET state = 'pending', attempts = attempts + 1
     WHERE (event_id, endpoint_id) IN
           (SELECT event_id, endpoint_id FROM webhook_delivery
            WHERE state = 'leased' AND lease_until <= $1",
    ")"
);

/// Writes a new endpoint with the events it chose.
///
/// # Errors
/// The database's.
pub fn create_endpoint(tx: &mut Tx<'_>, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO webhook_endpoint (id, account_id, url, secret, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            endpoint.id.to_bytes(),
            endpoint.account_id.to_bytes(),
            endpoint.url.as_str(),
            endpoint.secret.reveal(),
            endpoint.state.name(),
            micros(endpoint.created_at)
        ],
    )?;
    for event in &endpoint.events {
        tx.execute(
            "INSERT INTO webhook_subscription (endpoint_id, event_name) VALUES ($1, $2)",
            params![endpoint.id.to_bytes(), event.as_str()],
        )?;
    }
    Ok(())
}

/// Takes back what was claimed and not recorded in time: its sender died. Answers how many.
///
/// # Errors
/// The database's.
pub fn release_stale_leases(tx: &mut Tx<'_>, act: &ActContext) -> Result<u64, StoreError> {
    tx.execute(RELEASE.on(tx.dialect()), params![micros(act.now)])
}

/// Claims at most `limit` due deliveries for `lease`.
///
/// # Errors
/// The database's.
pub fn claim_due_deliveries(
    tx: &mut Tx<'_>,
    act: &ActContext,
    lease: SignedDuration,
    limit: i64,
) -> Result<Vec<ClaimedDelivery>, StoreError> {
    let until = act.now.checked_add(lease).unwrap_or(Timestamp::MAX);
    let claimed = tx.query(
        CLAIM.on(tx.dialect()),
        params![micros(act.now), limit, micros(until)],
    )?;
    let mut deliveries = Vec::with_capacity(claimed.len());
    for claimed in &claimed {
        deliveries.extend(row::claimed(tx, claimed.bytes16(0)?, claimed.bytes16(1)?)?);
    }
    Ok(deliveries)
}

/// Records an attempt and what follows from it. Answers `false`, and changes nothing, when the claim is not the
/// latest any more.
///
/// # Errors
/// The database's.
pub fn record_attempt(
    tx: &mut Tx<'_>,
    delivery: &ClaimedDelivery,
    attempt: &DeliveryAttempt,
    verdict: DeliveryVerdict,
) -> Result<bool, StoreError> {
    let (state, next_at) = match verdict {
        DeliveryVerdict::Delivered => ("delivered", attempt.started_at),
        DeliveryVerdict::Retry { next_at } => ("pending", next_at),
        DeliveryVerdict::Exhausted => ("exhausted", attempt.started_at),
        DeliveryVerdict::Gone => ("cancelled", attempt.started_at),
    };
    if verdict == DeliveryVerdict::Gone {
        lock_endpoint(tx, delivery.endpoint_id)?;
    }
    let current = tx.execute(
        "UPDATE webhook_delivery SET state = $1, attempts = attempts + 1, next_at = $2
         WHERE event_id = $3 AND endpoint_id = $4 AND state = 'leased' AND lease_token = $5",
        params![
            state,
            micros(next_at),
            delivery.event_id.to_bytes(),
            delivery.endpoint_id.to_bytes(),
            delivery.lease_token
        ],
    )?;
    if current == 0 {
        return Ok(false);
    }
    log_attempt(tx, delivery.event_id, delivery.endpoint_id, attempt)?;
    if verdict == DeliveryVerdict::Gone {
        disable_endpoint(tx, delivery.endpoint_id)?;
    }
    tx.after_commit(Signal::Deliveries);
    Ok(true)
}

/// Switches an endpoint off and cancels what waits for it.
///
/// # Errors
/// The database's.
pub fn disable_endpoint(tx: &mut Tx<'_>, endpoint: EndpointId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE webhook_endpoint SET state = 'disabled' WHERE id = $1",
        params![endpoint.to_bytes()],
    )?;
    tx.execute(
        "UPDATE webhook_delivery SET state = 'cancelled'
         WHERE endpoint_id = $1 AND state IN ('pending', 'leased')",
        params![endpoint.to_bytes()],
    )?;
    Ok(())
}

/// Whoever changes all deliveries of an endpoint holds the endpoint first: else several that are told `Gone` at once
/// would each hold one delivery and wait for the others'.
fn lock_endpoint(tx: &mut Tx<'_>, endpoint: EndpointId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE webhook_endpoint SET state = state WHERE id = $1",
        params![endpoint.to_bytes()],
    )?;
    Ok(())
}

fn log_attempt(
    tx: &mut Tx<'_>,
    event: EventId,
    endpoint: EndpointId,
    attempt: &DeliveryAttempt,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO webhook_attempt
             (id, event_id, endpoint_id, started_at, status, error, duration_ms, response_excerpt)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            attempt.id.to_bytes(),
            event.to_bytes(),
            endpoint.to_bytes(),
            micros(attempt.started_at),
            attempt.status.map(i64::from),
            attempt.error.clone(),
            attempt.duration_ms,
            attempt.response_excerpt.as_slice()
        ],
    )?;
    Ok(())
}
