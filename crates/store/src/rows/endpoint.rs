//! The table `webhook_endpoint`, without its subscriptions.

use payments::ids::{AccountId, EndpointId};
use payments::webhook::{DisableReason, EndpointState, SealedSecret, WebhookEndpoint};

use crate::{Row, StoreError};

/// Reads `id, account_id, url, description, headers, secret, state, reason, ordered, retry_seconds, max_in_flight,
/// per_second, created_at, updated_at, disabled_at` and since when it fails; the events are added by the query.
pub(crate) fn read(row: &Row) -> Result<WebhookEndpoint, StoreError> {
    let state = EndpointState::from_name(row.text(6)?)
        .ok_or_else(|| row.corrupt(6, "an endpoint state"))?;
    let reason = row.opt_text(7)?.map(|name| {
        DisableReason::from_name(name).ok_or_else(|| row.corrupt(7, "a reason to disable"))
    });
    Ok(WebhookEndpoint {
        id: EndpointId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        url: row.text(2)?.to_owned(),
        description: row.text(3)?.to_owned(),
        events: Vec::new(),
        headers: row.text(4)?.to_owned(),
        secret: SealedSecret::from_stored(row.text(5)?.to_owned()),
        state,
        reason: reason.transpose()?,
        ordered: row.bool(8)?,
        retry_seconds: row.opt_text(9)?.map(str::to_owned),
        max_in_flight: small(row, 10)?,
        per_second: row.opt_int(11)?.map(|_| small(row, 11)).transpose()?,
        created_at: super::time(row, 12)?,
        updated_at: super::time(row, 13)?,
        disabled_at: super::opt_time(row, 14)?,
        failing_since: super::opt_time(row, 15)?,
    })
}

/// A number that was written from a `u32`.
pub(crate) fn small(row: &Row, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.int(column)?).map_err(|_| row.corrupt(column, "a small number"))
}
