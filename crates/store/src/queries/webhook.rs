//! Webhook endpoints and the delivery log.

use payments::ids::AccountId;
use payments::webhook::WebhookEndpoint;

use crate::rows::endpoint as row;
use crate::{StoreError, Tx, params};

/// All endpoints, or those of one account, oldest first.
///
/// # Errors
/// The database's; so for every query here.
pub fn endpoints(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
) -> Result<Vec<WebhookEndpoint>, StoreError> {
    let rows = match account {
        Some(account) => tx.query(
            "SELECT id, account_id, url, secret, state, created_at FROM webhook_endpoint
             WHERE account_id = $1 ORDER BY id",
            params![account.to_bytes()],
        )?,
        None => tx.query(
            "SELECT id, account_id, url, secret, state, created_at FROM webhook_endpoint ORDER BY id",
            params![],
        )?,
    };
    let mut endpoints = rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
    for endpoint in &mut endpoints {
        let events = tx.query(
            "SELECT event_name FROM webhook_subscription WHERE endpoint_id = $1 ORDER BY event_name",
            params![endpoint.id.to_bytes()],
        )?;
        for event in &events {
            endpoint.events.push(event.text(0)?.to_owned());
        }
    }
    Ok(endpoints)
}

/// When the next delivery is due, in microseconds since 1970; `None` when none waits.
///
/// # Errors
/// See [`endpoints`].
pub fn next_delivery_at(tx: &mut Tx<'_>) -> Result<Option<i64>, StoreError> {
    let pending = tx.query_opt(
        "SELECT next_at FROM webhook_delivery WHERE state = 'pending' ORDER BY next_at LIMIT 1",
        params![],
    )?;
    let leased = tx.query_opt(
        "SELECT lease_until FROM webhook_delivery WHERE state = 'leased'
         ORDER BY lease_until LIMIT 1",
        params![],
    )?;
    let due = [pending, leased]
        .into_iter()
        .flatten()
        .map(|row| row.int(0));
    Ok(due.collect::<Result<Vec<_>, _>>()?.into_iter().min())
}
