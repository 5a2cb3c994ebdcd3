//! The table `webhook_endpoint`, without its subscriptions.

use payments::ids::{AccountId, EndpointId};
use payments::webhook::{EndpointState, SigningSecret, WebhookEndpoint};

use crate::{Row, StoreError};

/// Reads `id, account_id, url, secret, state, created_at`; the events are added by the query.
pub(crate) fn read(row: &Row) -> Result<WebhookEndpoint, StoreError> {
    let state = EndpointState::from_name(row.text(4)?)
        .ok_or_else(|| row.corrupt(4, "an endpoint state"))?;
    Ok(WebhookEndpoint {
        id: EndpointId::from_bytes(row.bytes16(0)?),
        account_id: AccountId::from_bytes(row.bytes16(1)?),
        url: row.text(2)?.to_owned(),
        events: Vec::new(),
        secret: SigningSecret::from_text(row.text(3)?.to_owned()),
        state,
        created_at: super::time(row, 5)?,
    })
}
