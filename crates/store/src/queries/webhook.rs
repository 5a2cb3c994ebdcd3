//! Webhook endpoints: as they are shown, and which of them a sender may turn to. Their log is in [`log`].

pub mod log;

use jiff::Timestamp;
use payments::ids::{AccountId, EndpointId};
use payments::webhook::{SealedSecret, WebhookEndpoint};

use crate::rows::endpoint::{self as row, small};
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// All endpoints that are not deleted, or those of one account, oldest first.
///
/// # Errors
/// The database's; so for every query here.
pub fn endpoints(
    tx: &mut Tx<'_>,
    account: Option<AccountId>,
) -> Result<Vec<WebhookEndpoint>, StoreError> {
    let rows = match account {
        Some(account) => tx.query(
            "SELECT id, account_id, url, description, headers, secret, state, reason, ordered, retry_seconds,
                 max_in_flight, per_second, created_at, updated_at, disabled_at,
                 (SELECT h.failing_since FROM webhook_health h WHERE h.endpoint_id = webhook_endpoint.id)
             FROM webhook_endpoint WHERE account_id = $1 AND state <> 'deleted' ORDER BY id",
            params![account.to_bytes()],
        )?,
        None => tx.query(
            "SELECT id, account_id, url, description, headers, secret, state, reason, ordered, retry_seconds,
                 max_in_flight, per_second, created_at, updated_at, disabled_at,
                 (SELECT h.failing_since FROM webhook_health h WHERE h.endpoint_id = webhook_endpoint.id)
             FROM webhook_endpoint WHERE state <> 'deleted' ORDER BY id",
            params![],
        )?,
    };
    let mut endpoints = rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
    for endpoint in &mut endpoints {
        read_events(tx, endpoint)?;
    }
    Ok(endpoints)
}

/// One endpoint, unless it is deleted.
///
/// # Errors
/// See [`endpoints`].
pub fn endpoint(tx: &mut Tx<'_>, id: EndpointId) -> Result<Option<WebhookEndpoint>, StoreError> {
    let found = tx.query_opt(
        "SELECT id, account_id, url, description, headers, secret, state, reason, ordered, retry_seconds,
             max_in_flight, per_second, created_at, updated_at, disabled_at,
             (SELECT h.failing_since FROM webhook_health h WHERE h.endpoint_id = webhook_endpoint.id)
         FROM webhook_endpoint WHERE id = $1 AND state <> 'deleted'",
        params![id.to_bytes()],
    )?;
    let Some(found) = found else { return Ok(None) };
    let mut endpoint = row::read(&found)?;
    read_events(tx, &mut endpoint)?;
    Ok(Some(endpoint))
}

fn read_events(tx: &mut Tx<'_>, endpoint: &mut WebhookEndpoint) -> Result<(), StoreError> {
    let events = tx.query(
        "SELECT event_name FROM webhook_subscription WHERE endpoint_id = $1 ORDER BY event_name",
        params![endpoint.id.to_bytes()],
    )?;
    for event in &events {
        endpoint.events.push(event.text(0)?.to_owned());
    }
    Ok(())
}

/// A secret that was replaced and still signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSecret {
    /// The secret.
    pub secret: SealedSecret,
    /// Whether the one after it signs the Bitvora header already.
    pub is_promoted: bool,
}

/// The old secrets that sign at `now`, newest first.
///
/// # Errors
/// See [`endpoints`].
pub fn old_secrets(
    tx: &mut Tx<'_>,
    id: EndpointId,
    now: Timestamp,
) -> Result<Vec<OldSecret>, StoreError> {
    let rows = tx.query(
        "SELECT secret, is_promoted FROM webhook_old_secret WHERE endpoint_id = $1 AND expires_at > $2
         ORDER BY number DESC",
        params![id.to_bytes(), micros(now)],
    )?;
    rows.iter()
        .map(|row| {
            Ok(OldSecret {
                secret: SealedSecret::from_stored(row.text(0)?.to_owned()),
                is_promoted: row.bool(1)?,
            })
        })
        .collect()
}

/// A secret that is sealed, and whose it is, where there is any: by it a process finds out whether it has the key.
///
/// # Errors
/// See [`endpoints`].
pub fn any_secret(tx: &mut Tx<'_>) -> Result<Option<(EndpointId, SealedSecret)>, StoreError> {
    let row = tx.query_opt(
        "SELECT id, secret FROM webhook_endpoint WHERE secret LIKE 'v_.%' ORDER BY id DESC LIMIT 1",
        params![],
    )?;
    row.map(|row| {
        let id = EndpointId::from_bytes(row.bytes16(0)?);
        Ok((id, SealedSecret::from_stored(row.text(1)?.to_owned())))
    })
    .transpose()
}

/// How the endpoints stand, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointNumbers {
    /// Active ones.
    pub active: i64,
    /// Active ones whose last attempt failed.
    pub failing: i64,
    /// Those stopped by hand.
    pub paused: i64,
    /// Those that are disabled.
    pub disabled: i64,
    /// Those of them that no person disabled: they are gone, or failed for days.
    pub given_up: i64,
    /// Deliveries that were given up, of all endpoints that are not deleted.
    pub dead_letters: i64,
}

/// How the endpoints stand.
///
/// # Errors
/// See [`endpoints`].
pub fn endpoint_numbers(tx: &mut Tx<'_>) -> Result<EndpointNumbers, StoreError> {
    let rows = tx.query(
        "SELECT e.state, CAST(COUNT(*) AS BIGINT),
             CAST(SUM(CASE WHEN h.failures > 0 THEN 1 ELSE 0 END) AS BIGINT),
             CAST(SUM((SELECT COUNT(*) FROM webhook_delivery d WHERE d.endpoint_id = e.id
                 AND d.state IN ('exhausted', 'failed_permanent'))) AS BIGINT),
             CAST(SUM(CASE WHEN e.reason IN ('gone', 'failing') THEN 1 ELSE 0 END) AS BIGINT)
         FROM webhook_endpoint e JOIN webhook_health h ON h.endpoint_id = e.id
         WHERE e.state <> 'deleted' GROUP BY e.state",
        params![],
    )?;
    let mut numbers = EndpointNumbers::default();
    for row in &rows {
        let count = row.int(1)?;
        match row.text(0)? {
            "active" => (numbers.active, numbers.failing) = (count, row.int(2)?),
            "paused" => numbers.paused = count,
            _ => numbers.disabled = count,
        }
        numbers.dead_letters += row.int(3)?;
        numbers.given_up += row.int(4)?;
    }
    Ok(numbers)
}

/// An endpoint with deliveries for which the time has come or will soon, and all that is needed to send them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub account_id: AccountId,
    /// When a sender may turn to it.
    pub ready_at: Timestamp,
    /// The end of its pause, where the next attempt is the probe after it.
    pub probe_after: Option<Timestamp>,
    /// Whether its last attempt failed.
    pub is_failing: bool,
    /// Whether it has ever taken something.
    pub is_proven: bool,
    /// How many attempts may be under way at once.
    pub max_in_flight: u32,
    /// How many may begin in a second.
    pub per_second: Option<u32>,
    /// Where to.
    pub url: String,
    /// Its own headers, as stored.
    pub headers: String,
    /// Its own schedule, as stored.
    pub retry_seconds: Option<String>,
    /// Its secret.
    pub secret: SealedSecret,
    /// Its old secrets, newest first.
    pub old_secrets: Vec<OldSecret>,
}

macro_rules! ready {
    ($from:literal) => {
        concat!(
            "SELECT e.id, e.account_id, h.paused_until, h.rate_used_until, h.failures, h.is_proven, e.max_in_flight,
                 e.per_second, e.url, e.headers, e.retry_seconds, e.secret,
                 (SELECT MIN(d.next_at) FROM webhook_delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending'),
                 (SELECT COUNT(*) FROM webhook_old_secret s WHERE s.endpoint_id = e.id) ",
            $from,
            " AND e.state = 'active' AND h.paused_until < $1 AND h.rate_used_until < $1
                 AND (SELECT MIN(d.next_at) FROM webhook_delivery d
                     WHERE d.endpoint_id = e.id AND d.state = 'pending') < $1"
        )
    };
}

/// The active endpoints that a sender may turn to before `horizon`. Each is asked for its first delivery by an index,
/// so what waits for one costs the others nothing.
///
/// # Errors
/// See [`endpoints`].
pub fn ready_endpoints(
    tx: &mut Tx<'_>,
    now: Timestamp,
    horizon: Timestamp,
) -> Result<Vec<ReadyEndpoint>, StoreError> {
    let sql =
        ready!("FROM webhook_endpoint e JOIN webhook_health h ON h.endpoint_id = e.id WHERE 1 = 1");
    read_ready(tx, sql, now, horizon)
}

/// Those of [`ready_endpoints`] that took what they got last. However many others there are, it costs no more.
///
/// # Errors
/// See [`endpoints`].
pub fn ready_good_endpoints(
    tx: &mut Tx<'_>,
    now: Timestamp,
    horizon: Timestamp,
) -> Result<Vec<ReadyEndpoint>, StoreError> {
    // SQLite joins a cross join in the order in which it is written.
    let sql = ready!(
        "FROM webhook_health h CROSS JOIN webhook_endpoint e
         WHERE e.id = h.endpoint_id AND h.is_proven = 1 AND h.failures = 0"
    );
    read_ready(tx, sql, now, horizon)
}

fn read_ready(
    tx: &mut Tx<'_>,
    sql: &'static str,
    now: Timestamp,
    horizon: Timestamp,
) -> Result<Vec<ReadyEndpoint>, StoreError> {
    let rows = tx.query(sql, params![micros(horizon)])?;
    let mut ready = Vec::with_capacity(rows.len());
    for row in &rows {
        let paused_until = crate::rows::time(row, 2)?;
        let free_at = row.int(2)?.max(row.int(3)?).max(row.int(12)?);
        let id = EndpointId::from_bytes(row.bytes16(0)?);
        ready.push(ReadyEndpoint {
            id,
            account_id: AccountId::from_bytes(row.bytes16(1)?),
            ready_at: Timestamp::from_microsecond(free_at)
                .map_err(|_| row.corrupt(12, "a time"))?,
            probe_after: (paused_until != Timestamp::UNIX_EPOCH).then_some(paused_until),
            is_failing: row.int(4)? > 0,
            is_proven: row.bool(5)?,
            max_in_flight: small(row, 6)?,
            per_second: row.opt_int(7)?.map(|_| small(row, 7)).transpose()?,
            url: row.text(8)?.to_owned(),
            headers: row.text(9)?.to_owned(),
            retry_seconds: row.opt_text(10)?.map(str::to_owned),
            secret: SealedSecret::from_stored(row.text(11)?.to_owned()),
            old_secrets: if row.int(13)? > 0 {
                old_secrets(tx, id, now)?
            } else {
                Vec::new()
            },
        });
    }
    Ok(ready)
}
