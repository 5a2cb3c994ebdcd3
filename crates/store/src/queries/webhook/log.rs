//! The delivery log: what was sent, what is on its way, and what came of every attempt.

use jiff::Timestamp;
use payments::ids::{EndpointId, EventId};
use payments::webhook::DeliveryState;

use crate::rows::{opt_time, time};
use crate::{Row, StoreError, Tx, params};

/// A delivery, as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedDelivery {
    /// The event.
    pub event_id: EventId,
    /// Its place in the outbox, by which pages go on.
    pub seq: i64,
    /// What happened.
    pub event: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Where the delivery stands.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: i64,
    /// When the next is due, while one is.
    pub next_at: Option<Timestamp>,
    /// The status of the last attempt, where one came.
    pub last_status: Option<i64>,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
}

/// Which deliveries of an endpoint to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// Those that nothing is tried for any more, though they were not taken.
    Dead,
    /// Those in this state.
    In(DeliveryState),
}

/// At most `limit` deliveries of an endpoint, newest first, before the place `before`.
///
/// # Errors
/// The database's; so for every query here.
pub fn deliveries(
    tx: &mut Tx<'_>,
    endpoint: EndpointId,
    filter: Filter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<LoggedDelivery>, StoreError> {
    let before = before.unwrap_or(i64::MAX);
    let rows = match filter {
        Filter::All => tx.query(
            "SELECT d.event_id, d.seq, v.kind, v.created_at, d.state, d.attempts, d.next_at, a.status, a.error
             FROM webhook_delivery d JOIN event v ON v.id = d.event_id LEFT JOIN webhook_attempt a
                 ON a.event_id = d.event_id AND a.endpoint_id = d.endpoint_id AND a.number = d.attempts
             WHERE d.endpoint_id = $1 AND d.seq < $2 ORDER BY d.seq DESC LIMIT $3",
            params![endpoint.to_bytes(), before, limit],
        )?,
        Filter::Dead => tx.query(
            "SELECT d.event_id, d.seq, v.kind, v.created_at, d.state, d.attempts, d.next_at, a.status, a.error
             FROM webhook_delivery d JOIN event v ON v.id = d.event_id LEFT JOIN webhook_attempt a
                 ON a.event_id = d.event_id AND a.endpoint_id = d.endpoint_id AND a.number = d.attempts
             WHERE d.endpoint_id = $1 AND d.seq < $2 AND d.state IN ('exhausted', 'failed_permanent')
             ORDER BY d.seq DESC LIMIT $3",
            params![endpoint.to_bytes(), before, limit],
        )?,
        Filter::In(state) => tx.query(
            "SELECT d.event_id, d.seq, v.kind, v.created_at, d.state, d.attempts, d.next_at, a.status, a.error
             FROM webhook_delivery d JOIN event v ON v.id = d.event_id LEFT JOIN webhook_attempt a
                 ON a.event_id = d.event_id AND a.endpoint_id = d.endpoint_id AND a.number = d.attempts
             WHERE d.endpoint_id = $1 AND d.seq < $2 AND d.state = $3 ORDER BY d.seq DESC LIMIT $4",
            params![endpoint.to_bytes(), before, state.name(), limit],
        )?,
    };
    rows.iter().map(read).collect()
}

/// One delivery.
///
/// # Errors
/// See [`deliveries`].
pub fn delivery(
    tx: &mut Tx<'_>,
    endpoint: EndpointId,
    event: EventId,
) -> Result<Option<LoggedDelivery>, StoreError> {
    let row = tx.query_opt(
        "SELECT d.event_id, d.seq, v.kind, v.created_at, d.state, d.attempts, d.next_at, a.status, a.error
         FROM webhook_delivery d JOIN event v ON v.id = d.event_id LEFT JOIN webhook_attempt a
             ON a.event_id = d.event_id AND a.endpoint_id = d.endpoint_id AND a.number = d.attempts
         WHERE d.endpoint_id = $1 AND d.event_id = $2",
        params![endpoint.to_bytes(), event.to_bytes()],
    )?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<LoggedDelivery, StoreError> {
    let state =
        DeliveryState::from_name(row.text(4)?).ok_or_else(|| row.corrupt(4, "a delivery state"))?;
    let next_at = opt_time(row, 6)?;
    Ok(LoggedDelivery {
        event_id: EventId::from_bytes(row.bytes16(0)?),
        seq: row.int(1)?,
        event: row.text(2)?.to_owned(),
        occurred_at: time(row, 3)?,
        state,
        attempts: row.int(5)?,
        next_at: next_at.filter(|_| state == DeliveryState::Pending),
        last_status: row.opt_int(7)?,
        last_error: row.opt_text(8)?.map(str::to_owned),
    })
}

/// An attempt, as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedAttempt {
    /// The how-manieth of its delivery, from 1.
    pub number: i64,
    /// When it was started; for one of a sender that died, when that was found out.
    pub started_at: Timestamp,
    /// What is known of it.
    pub outcome: String,
    /// The HTTP status, when one came.
    pub status: Option<i64>,
    /// Why none came, or why it is a failure.
    pub error: Option<String>,
    /// For the addresses of the name, the TCP connection, the TLS handshake, until the status came: in microseconds.
    pub split_us: [Option<i64>; 4],
    /// From the start to the end, in microseconds.
    pub total_us: i64,
    /// The beginning of what the endpoint answered: untrusted bytes.
    pub response_excerpt: Vec<u8>,
}

/// The latest attempts of a delivery, oldest first, at most 100.
///
/// # Errors
/// See [`deliveries`].
pub fn attempts(
    tx: &mut Tx<'_>,
    endpoint: EndpointId,
    event: EventId,
) -> Result<Vec<LoggedAttempt>, StoreError> {
    let mut rows = tx.query(
        "SELECT number, started_at, outcome, status, error, dns_us, connect_us, tls_us, first_byte_us, total_us,
             response_excerpt
         FROM webhook_attempt WHERE event_id = $1 AND endpoint_id = $2 ORDER BY number DESC LIMIT 100",
        params![event.to_bytes(), endpoint.to_bytes()],
    )?;
    rows.reverse();
    rows.iter()
        .map(|row| {
            Ok(LoggedAttempt {
                number: row.int(0)?,
                started_at: time(row, 1)?,
                outcome: row.text(2)?.to_owned(),
                status: row.opt_int(3)?,
                error: row.opt_text(4)?.map(str::to_owned),
                split_us: [
                    row.opt_int(5)?,
                    row.opt_int(6)?,
                    row.opt_int(7)?,
                    row.opt_int(8)?,
                ],
                total_us: row.int(9)?,
                response_excerpt: row.bytes(10)?.to_vec(),
            })
        })
        .collect()
}
