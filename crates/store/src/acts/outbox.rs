//! Writes an event and its deliveries, in the transaction that makes it true.
//!
//! The bytes are rendered here, once, and stored: retries and replays send what was stored. Nothing else may
//! write to the outbox.

use payments::event::{Event, EventKind, EventSubject};
use payments::ids::ApiKeyId;
use payments::ports::EventBody;

use super::ActContext;
use crate::differences::Statement;
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, for_share, params};

// The endpoints stay as they are until the commit: one that is switched off meanwhile would keep its new deliveries.
const DELIVER: Statement = for_share!(
    "INSERT INTO webhook_delivery (event_id, endpoint_id, state, next_at)
     SELECT $1, e.id, 'pending', $2
     FROM webhook_endpoint e JOIN webhook_subscription s ON s.endpoint_id = e.id
     WHERE e.account_id = $3 AND e.state = 'active' AND s.event_name = $4",
    " OF e"
);

/// An event, ready to be written: rendered before the transaction's first write, where its bytes are needed.
pub struct Prepared {
    event: Event,
    api_key_id: Option<ApiKeyId>,
    /// Its bytes.
    pub body: EventBody,
}

/// Renders an event about `subject`.
pub fn prepare(act: &ActContext, kind: EventKind, subject: EventSubject) -> Prepared {
    let api_key_id = match &subject {
        EventSubject::Withdrawal(withdrawal) => Some(withdrawal.api_key_id),
        EventSubject::Deposit(_) => None,
    };
    let event = Event {
        id: act.ids.fresh(),
        kind,
        subject,
        occurred_at: act.now,
    };
    let body = act.bodies.render(&event);
    Prepared {
        event,
        api_key_id,
        body,
    }
}

/// Writes an event and one delivery for each endpoint that chose it.
///
/// # Errors
/// The database's.
pub fn record(tx: &mut Tx<'_>, prepared: &Prepared) -> Result<(), StoreError> {
    let Prepared {
        event,
        api_key_id,
        body,
    } = prepared;
    let now = micros(event.occurred_at);
    tx.execute(
        "INSERT INTO event
             (id, account_id, api_key_id, kind, subject_id, webhook_body, hub_body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            event.id.to_bytes(),
            event.subject.account_id().to_bytes(),
            api_key_id.map(ApiKeyId::to_bytes),
            event.kind.name(),
            event.subject.id_bytes(),
            body.webhook.as_slice(),
            body.hub.as_slice(),
            now
        ],
    )?;
    let deliveries = tx.execute(
        DELIVER.on(tx.dialect()),
        params![
            event.id.to_bytes(),
            now,
            event.subject.account_id().to_bytes(),
            event.kind.name()
        ],
    )?;
    tx.after_commit(Signal::Events);
    if deliveries > 0 {
        tx.after_commit(Signal::Deliveries);
    }
    Ok(())
}

/// Renders and writes an event in one go.
///
/// # Errors
/// The database's.
pub fn tell(
    tx: &mut Tx<'_>,
    act: &ActContext,
    kind: EventKind,
    subject: EventSubject,
) -> Result<(), StoreError> {
    record(tx, &prepare(act, kind, subject))
}
