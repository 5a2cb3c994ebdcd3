//! Writes an event and its deliveries, in the transaction that makes it true.
//!
//! The bytes are rendered here, once, and stored: retries and replays send what was stored. Nothing else may
//! write to the outbox.

use payments::event::{Event, EventKind, EventSubject};
use payments::ids::ApiKeyId;
use payments::ports::EventBody;

use super::ActContext;
use crate::differences::{Dialect, Statement};
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, params};

/// Writes the event under the next number of its account, whose row stays locked until the commit: numbers have no gaps
/// and grow in the order of commits.
const WRITE: Statement = Statement {
    sqlite: "INSERT INTO event
             (account_id, id, account_seq, api_key_id, kind, subject_id, webhook_body, hub_body, created_at)
         VALUES ($1, $2, (SELECT event_seq FROM account WHERE id = $1), $3, $4, $5, $6, $7, $8)",
    postgres: "WITH numbered AS (UPDATE account SET event_seq = event_seq + 1 WHERE id = $1 RETURNING event_seq)
         INSERT INTO event
             (account_id, id, account_seq, api_key_id, kind, subject_id, webhook_body, hub_body, created_at)
         SELECT $1, $2, event_seq, $3, $4, $5, $6, $7, $8 FROM numbered",
};

/// One delivery for each endpoint that chose the event. Where an endpoint wants the events about an object in order and
/// has not come to the end of an earlier one, the delivery waits for it, and the earlier one is told that something
/// follows: whoever ends it finds that out with its own update, which waits for this transaction.
///
/// The endpoints stay as they are until the commit: one that is disabled meanwhile would keep its new deliveries.
const DELIVER: Statement = Statement {
    sqlite: "INSERT INTO webhook_delivery (event_id, endpoint_id, seq, subject_id, ordered, state, next_at)
         SELECT v.id, e.id, v.seq, v.subject_id, e.ordered,
             CASE WHEN e.ordered = 1 AND EXISTS (SELECT 1 FROM webhook_delivery p WHERE p.endpoint_id = e.id
                     AND p.subject_id = v.subject_id AND p.ordered = 1 AND p.state IN ('blocked', 'pending', 'leased'))
                 THEN 'blocked' ELSE 'pending' END, v.created_at
         FROM event v JOIN webhook_endpoint e ON e.account_id = v.account_id
             JOIN webhook_subscription s ON s.endpoint_id = e.id AND s.event_name = v.kind
         WHERE v.account_id = $1 AND v.subject_id = $2 AND v.id = $3 AND e.state IN ('active', 'paused')",
    postgres: "WITH earlier AS (UPDATE webhook_delivery SET followed = 1
             WHERE endpoint_id IN (SELECT id FROM webhook_endpoint WHERE account_id = $1) AND subject_id = $2
                 AND ordered = 1 AND state IN ('blocked', 'pending', 'leased') RETURNING endpoint_id)
         INSERT INTO webhook_delivery (event_id, endpoint_id, seq, subject_id, ordered, state, next_at)
         SELECT v.id, e.id, v.seq, v.subject_id, e.ordered,
             CASE WHEN e.ordered = 1 AND EXISTS (SELECT 1 FROM earlier p WHERE p.endpoint_id = e.id)
                 THEN 'blocked' ELSE 'pending' END, v.created_at
         FROM event v JOIN webhook_endpoint e ON e.account_id = v.account_id
             JOIN webhook_subscription s ON s.endpoint_id = e.id AND s.event_name = v.kind
         WHERE v.id = $3 AND e.state IN ('active', 'paused') FOR SHARE OF e",
};

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
        EventSubject::Deposit(_) | EventSubject::OnchainDeposit(_) => None,
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
    let account_id = event.subject.account_id().to_bytes();
    if tx.dialect() == Dialect::Sqlite {
        number(tx, account_id, event.subject.id_bytes())?;
    }
    let written = tx.execute(
        WRITE.on(tx.dialect()),
        params![
            account_id,
            event.id.to_bytes(),
            api_key_id.map(ApiKeyId::to_bytes),
            event.kind.name(),
            event.subject.id_bytes(),
            body.webhook.as_slice(),
            body.hub.as_slice(),
            micros(event.occurred_at)
        ],
    )?;
    if written != 1 {
        let what = "an event of an account that is not there";
        return Err(StoreError::Inconsistent { what });
    }
    let deliveries = tx.execute(
        DELIVER.on(tx.dialect()),
        params![account_id, event.subject.id_bytes(), event.id.to_bytes()],
    )?;
    tx.after_commit(Signal::Events);
    if deliveries > 0 {
        tx.after_commit(Signal::Deliveries);
    }
    Ok(())
}

/// What PostgreSQL does within the statements that write: takes the next number of the account, and tells the
/// deliveries before it that something follows.
fn number(tx: &mut Tx<'_>, account_id: [u8; 16], subject_id: [u8; 16]) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE account SET event_seq = event_seq + 1 WHERE id = $1",
        params![account_id],
    )?;
    tx.execute(
        "UPDATE webhook_delivery SET followed = 1
         WHERE endpoint_id IN (SELECT id FROM webhook_endpoint WHERE account_id = $1) AND subject_id = $2
             AND ordered = 1 AND state IN ('blocked', 'pending', 'leased')",
        params![account_id, subject_id],
    )?;
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
