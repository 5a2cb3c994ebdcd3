//! Webhook endpoints and their deliveries.
//!
//! Whoever changes an endpoint and its deliveries takes the endpoint first, and its health last. A delivery is sent
//! outside any transaction, and its result is written only while its claim is the latest.

pub mod claim;
pub mod clock;
pub mod endpoint;
pub mod record;
pub mod replay;
pub mod retention;
pub mod secret;

use payments::ids::EndpointId;

use crate::rows::micros;
use crate::{StoreError, Tx, params};

use super::ActContext;

/// Lets those deliveries to an endpoint go whose predecessors, the events before them about the same object, are at
/// their end.
fn unblock_all(tx: &mut Tx<'_>, act: &ActContext, endpoint: EndpointId) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE webhook_delivery SET state = 'pending', next_at = $1
         WHERE endpoint_id = $2 AND state = 'blocked' AND NOT EXISTS (SELECT 1 FROM webhook_delivery p
             WHERE p.endpoint_id = webhook_delivery.endpoint_id AND p.subject_id = webhook_delivery.subject_id
                 AND p.ordered = 1 AND p.state IN ('blocked', 'pending', 'leased') AND p.seq < webhook_delivery.seq)",
        params![micros(act.now), endpoint.to_bytes()],
    )
}

/// As [`unblock_all`], for the events about one object.
fn unblock(
    tx: &mut Tx<'_>,
    act: &ActContext,
    endpoint: EndpointId,
    subject_id: [u8; 16],
) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE webhook_delivery SET state = 'pending', next_at = $1
         WHERE endpoint_id = $2 AND subject_id = $3 AND state = 'blocked'
             AND NOT EXISTS (SELECT 1 FROM webhook_delivery p
             WHERE p.endpoint_id = webhook_delivery.endpoint_id AND p.subject_id = webhook_delivery.subject_id
                 AND p.ordered = 1 AND p.state IN ('blocked', 'pending', 'leased') AND p.seq < webhook_delivery.seq)",
        params![micros(act.now), endpoint.to_bytes(), subject_id],
    )
}
