//! The table `webhook_delivery`, joined with its endpoint and its event.

use payments::event::EventKind;
use payments::ids::{EndpointId, EventId};
use payments::webhook::{ClaimedDelivery, SigningSecret};

use crate::{StoreError, Tx, params};

pub(crate) fn claimed(
    tx: &mut Tx<'_>,
    event_id: [u8; 16],
    endpoint_id: [u8; 16],
) -> Result<Option<ClaimedDelivery>, StoreError> {
    let found = tx.query_opt(
        "SELECT e.url, e.secret, v.kind, v.webhook_body, d.attempts, d.lease_token
         FROM webhook_delivery d
         JOIN webhook_endpoint e ON e.id = d.endpoint_id
         JOIN event v ON v.id = d.event_id
         WHERE d.event_id = $1 AND d.endpoint_id = $2",
        params![event_id, endpoint_id],
    )?;
    found
        .map(|row| {
            Ok(ClaimedDelivery {
                endpoint_id: EndpointId::from_bytes(endpoint_id),
                url: row.text(0)?.to_owned(),
                secret: SigningSecret::from_text(row.text(1)?.to_owned()),
                event_id: EventId::from_bytes(event_id),
                kind: EventKind::from_name(row.text(2)?)
                    .ok_or_else(|| row.corrupt(2, "an event kind"))?,
                body: row.bytes(3)?.to_vec(),
                attempts: u32::try_from(row.int(4)?)
                    .map_err(|_| row.corrupt(4, "a number of attempts"))?,
                lease_token: row.int(5)?,
            })
        })
        .transpose()
}
