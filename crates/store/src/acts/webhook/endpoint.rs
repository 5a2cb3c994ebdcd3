//! Makes and changes endpoints.

use payments::ids::EndpointId;
use payments::webhook::{DisableReason, WebhookEndpoint};

use super::super::ActContext;
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, params};

/// Writes a new endpoint with the events it chose.
///
/// # Errors
/// The database's; so for every act here.
pub fn create_endpoint(tx: &mut Tx<'_>, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO webhook_endpoint
             (id, account_id, url, description, headers, secret, state, reason, ordered, retry_seconds,
              max_in_flight, per_second, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            endpoint.id.to_bytes(),
            endpoint.account_id.to_bytes(),
            endpoint.url.as_str(),
            endpoint.description.as_str(),
            endpoint.headers.as_str(),
            endpoint.secret.as_stored(),
            endpoint.state.name(),
            endpoint.reason.map(DisableReason::name),
            endpoint.ordered,
            endpoint.retry_seconds.clone(),
            i64::from(endpoint.max_in_flight),
            endpoint.per_second.map(i64::from),
            micros(endpoint.created_at),
            micros(endpoint.updated_at)
        ],
    )?;
    tx.execute(
        "INSERT INTO webhook_health (endpoint_id) VALUES ($1)",
        params![endpoint.id.to_bytes()],
    )?;
    subscribe(tx, endpoint)
}

fn subscribe(tx: &mut Tx<'_>, endpoint: &WebhookEndpoint) -> Result<(), StoreError> {
    for event in &endpoint.events {
        tx.execute(
            "INSERT INTO webhook_subscription (endpoint_id, event_name) VALUES ($1, $2)",
            params![endpoint.id.to_bytes(), event.as_str()],
        )?;
    }
    Ok(())
}

/// Changes what a person may change: everything but the secret, the state and whose it is. What waits is sent as the
/// endpoint is now. Answers whether it is there.
///
/// # Errors
/// See [`create_endpoint`].
pub fn change_endpoint(tx: &mut Tx<'_>, endpoint: &WebhookEndpoint) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE webhook_endpoint SET url = $1, description = $2, headers = $3, ordered = $4, retry_seconds = $5,
             max_in_flight = $6, per_second = $7, updated_at = $8
         WHERE id = $9 AND state <> 'deleted'",
        params![
            endpoint.url.as_str(),
            endpoint.description.as_str(),
            endpoint.headers.as_str(),
            endpoint.ordered,
            endpoint.retry_seconds.clone(),
            i64::from(endpoint.max_in_flight),
            endpoint.per_second.map(i64::from),
            micros(endpoint.updated_at),
            endpoint.id.to_bytes()
        ],
    )?;
    if changed == 0 {
        return Ok(false);
    }
    tx.execute(
        "DELETE FROM webhook_subscription WHERE endpoint_id = $1",
        params![endpoint.id.to_bytes()],
    )?;
    subscribe(tx, endpoint)?;
    // A URL that was never tried is not what failed before.
    forget_pause(tx, endpoint.id)?;
    tx.after_commit(Signal::Deliveries);
    Ok(true)
}

/// Stops an endpoint by hand: events are kept for it. Answers whether it was active.
///
/// # Errors
/// See [`create_endpoint`].
pub fn pause_endpoint(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
) -> Result<bool, StoreError> {
    let paused = tx.execute(
        "UPDATE webhook_endpoint SET state = 'paused', updated_at = $1 WHERE id = $2 AND state = 'active'",
        params![micros(act.now), id.to_bytes()],
    )?;
    Ok(paused == 1)
}

/// Lets an endpoint that is paused or disabled go on, as one that has not failed. Answers whether it was either.
///
/// # Errors
/// See [`create_endpoint`].
pub fn resume_endpoint(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
) -> Result<bool, StoreError> {
    let resumed = tx.execute(
        "UPDATE webhook_endpoint SET state = 'active', reason = NULL, disabled_at = NULL, updated_at = $1
         WHERE id = $2 AND state IN ('paused', 'disabled')",
        params![micros(act.now), id.to_bytes()],
    )?;
    if resumed == 1 {
        forget_pause(tx, id)?;
        tx.after_commit(Signal::Deliveries);
    }
    Ok(resumed == 1)
}

/// Switches an endpoint off and cancels what waits for it. Answers whether it was on.
///
/// # Errors
/// See [`create_endpoint`].
pub fn disable_endpoint(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
    reason: DisableReason,
) -> Result<bool, StoreError> {
    let disabled = tx.execute(
        "UPDATE webhook_endpoint SET state = 'disabled', reason = $1, disabled_at = $2, updated_at = $2
         WHERE id = $3 AND state IN ('active', 'paused')",
        params![reason.name(), micros(act.now), id.to_bytes()],
    )?;
    if disabled == 1 {
        cancel(tx, id)?;
    }
    Ok(disabled == 1)
}

/// Ends an endpoint for good: it is listed no more, its secrets are gone, and only its log stays. Answers whether it
/// was there.
///
/// # Errors
/// See [`create_endpoint`].
pub fn delete_endpoint(
    tx: &mut Tx<'_>,
    act: &ActContext,
    id: EndpointId,
) -> Result<bool, StoreError> {
    let deleted = tx.execute(
        "UPDATE webhook_endpoint SET state = 'deleted', reason = NULL, disabled_at = NULL, secret = '', headers = '{}',
             updated_at = $1
         WHERE id = $2 AND state <> 'deleted'",
        params![micros(act.now), id.to_bytes()],
    )?;
    if deleted == 1 {
        cancel(tx, id)?;
        for sql in [
            "DELETE FROM webhook_old_secret WHERE endpoint_id = $1",
            "DELETE FROM webhook_subscription WHERE endpoint_id = $1",
        ] {
            tx.execute(sql, params![id.to_bytes()])?;
        }
    }
    Ok(deleted == 1)
}

/// Whether the endpoint is active still; where it is being changed, after the change.
pub(super) fn hold_if_open(tx: &mut Tx<'_>, id: EndpointId) -> Result<bool, StoreError> {
    let held = tx.execute(
        "UPDATE webhook_endpoint SET state = state WHERE id = $1 AND state IN ('active', 'paused')",
        params![id.to_bytes()],
    )?;
    Ok(held == 1)
}

fn cancel(tx: &mut Tx<'_>, id: EndpointId) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE webhook_delivery SET state = 'cancelled'
         WHERE endpoint_id = $1 AND state IN ('blocked', 'pending', 'leased')",
        params![id.to_bytes()],
    )
}

fn forget_pause(tx: &mut Tx<'_>, id: EndpointId) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE webhook_health SET failures = 0, failing_since = NULL, paused_until = 0, pauses = 0
         WHERE endpoint_id = $1",
        params![id.to_bytes()],
    )
}
