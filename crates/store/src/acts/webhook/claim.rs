//! Gives deliveries to a sender under a lease, and takes them back.
//!
//! A lease is measured by the database's clock, so that the clocks of several machines need not agree. On SQLite there
//! is one process, whose leases end with it: they are taken back at the start, and no clock matters.

use jiff::Timestamp;
use payments::ids::{EndpointId, EventId};
use payments::webhook::health::{PROBE, allowance};
use payments::webhook::{AttemptOutcome, ClaimedDelivery, DeliveryKey};

use super::super::ActContext;
use crate::differences::{CLAIM_DELIVERIES, Dialect, STALE_DELIVERIES};
use crate::rows::micros;
use crate::{Signal, StoreError, Tx, for_update, params};

/// How much of an endpoint a sender wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The endpoint.
    pub endpoint_id: EndpointId,
    /// So many deliveries at most.
    pub most: u32,
    /// The end of the endpoint's pause, as it was read, when this is to be the probe after it.
    pub probe_after: Option<Timestamp>,
    /// The endpoint's rate.
    pub per_second: Option<u32>,
}

/// Claims due deliveries of these endpoints for `lease_ms`, those that wait longest first. An endpoint that nothing is
/// claimed of is left out.
///
/// # Errors
/// The database's; so for every act here.
pub fn claim_deliveries(
    tx: &mut Tx<'_>,
    act: &ActContext,
    lease_ms: i64,
    quotas: &[Quota],
) -> Result<Vec<(EndpointId, Vec<ClaimedDelivery>)>, StoreError> {
    let mut claimed = Vec::with_capacity(quotas.len());
    for quota in quotas {
        let deliveries = claim(tx, act, lease_ms, quota)?;
        if !deliveries.is_empty() {
            claimed.push((quota.endpoint_id, deliveries));
        }
    }
    Ok(claimed)
}

fn claim(
    tx: &mut Tx<'_>,
    act: &ActContext,
    lease_ms: i64,
    quota: &Quota,
) -> Result<Vec<ClaimedDelivery>, StoreError> {
    if let Some(paused_until) = quota.probe_after
        && !take_probe(tx, act, quota.endpoint_id, paused_until)?
    {
        return Ok(Vec::new());
    }
    let (most, used_until) = match quota.per_second {
        Some(per_second) => permits(tx, act, quota, per_second)?,
        None => (quota.most, 0),
    };
    if most == 0 {
        return Ok(Vec::new());
    }
    let mut rows = tx.query(
        CLAIM_DELIVERIES.on(tx.dialect()),
        params![
            quota.endpoint_id.to_bytes(),
            micros(act.now),
            i64::from(most),
            lease_ms
        ],
    )?;
    if let (Some(per_second), false) = (quota.per_second, rows.is_empty()) {
        use_permits(
            tx,
            act,
            quota.endpoint_id,
            used_until,
            per_second,
            rows.len(),
        )?;
    }
    let mut ordered = Vec::with_capacity(rows.len());
    for row in &mut rows {
        let key = DeliveryKey {
            endpoint_id: quota.endpoint_id,
            event_id: EventId::from_bytes(row.bytes16(0)?),
            lease_token: row.int(4)?,
        };
        let tries = u32::try_from(row.int(3)?).map_err(|_| row.corrupt(3, "a number of tries"))?;
        let place = (row.int(2)?, row.int(1)?);
        let body = row.take_bytes(5)?;
        ordered.push((place, ClaimedDelivery { key, body, tries }));
    }
    // What a statement returns has no order.
    ordered.sort_unstable_by_key(|(place, _)| *place);
    Ok(ordered.into_iter().map(|(_, delivery)| delivery).collect())
}

/// Whether this sender is the one to probe: the endpoint stays paused for all others as long as an attempt can take.
fn take_probe(
    tx: &mut Tx<'_>,
    act: &ActContext,
    endpoint: EndpointId,
    seen: Timestamp,
) -> Result<bool, StoreError> {
    let until = act.now.checked_add(PROBE).unwrap_or(Timestamp::MAX);
    let taken = tx.execute(
        "UPDATE webhook_health SET paused_until = $1 WHERE endpoint_id = $2 AND paused_until = $3",
        params![micros(until), endpoint.to_bytes(), micros(seen)],
    )?;
    Ok(taken == 1)
}

/// How many may begin now, and up to when the endpoint's permits are used up.
fn permits(
    tx: &mut Tx<'_>,
    act: &ActContext,
    quota: &Quota,
    per_second: u32,
) -> Result<(u32, i64), StoreError> {
    let held = for_update!("SELECT rate_used_until FROM webhook_health WHERE endpoint_id = $1");
    let row = tx.query_opt(held.on(tx.dialect()), params![quota.endpoint_id.to_bytes()])?;
    let used_until = row.map_or(Ok(0), |row| row.int(0))?;
    let (most, _) = allowance(micros(act.now), used_until, per_second, quota.most);
    Ok((most, used_until))
}

fn use_permits(
    tx: &mut Tx<'_>,
    act: &ActContext,
    endpoint: EndpointId,
    used_until: i64,
    per_second: u32,
    begun: usize,
) -> Result<(), StoreError> {
    let begun = u32::try_from(begun).unwrap_or(u32::MAX);
    let (_, until) = allowance(micros(act.now), used_until, per_second, begun);
    tx.execute(
        "UPDATE webhook_health SET rate_used_until = $1 WHERE endpoint_id = $2",
        params![until, endpoint.to_bytes()],
    )?;
    Ok(())
}

/// Which leases are to be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// Those that ran out.
    RanOut,
    /// All of them: no sender lives.
    All,
}

/// Takes back what was claimed and not recorded: its sender died, and nobody knows whether the endpoint got it. Answers
/// how many.
///
/// # Errors
/// See [`claim_deliveries`].
pub fn release_stale_leases(
    tx: &mut Tx<'_>,
    act: &ActContext,
    stale: Stale,
) -> Result<u64, StoreError> {
    let rows = tx.query(
        STALE_DELIVERIES.on(tx.dialect()),
        params![stale == Stale::All],
    )?;
    for row in &rows {
        let (event, endpoint, attempts) = (row.bytes16(0)?, row.bytes16(1)?, row.int(2)?);
        tx.execute(
            "UPDATE webhook_delivery SET state = 'pending', attempts = attempts + 1, tries = tries + 1
             WHERE event_id = $1 AND endpoint_id = $2",
            params![event, endpoint],
        )?;
        // An attempt of this number is there only where rows were damaged: that must not hold up the others.
        tx.execute(
            "INSERT INTO webhook_attempt
                 (event_id, endpoint_id, number, started_at, outcome, error, total_us, response_excerpt)
             VALUES ($1, $2, $3, $4, $5, 'lost', 0, $6) ON CONFLICT DO NOTHING",
            params![
                event,
                endpoint,
                attempts + 1,
                micros(act.now),
                AttemptOutcome::Unknown.name(),
                [0_u8; 0]
            ],
        )?;
    }
    if !rows.is_empty() {
        tx.after_commit(Signal::Deliveries);
    }
    Ok(u64::try_from(rows.len()).unwrap_or(u64::MAX))
}

/// Gives back what was claimed and certainly not sent.
///
/// # Errors
/// See [`claim_deliveries`].
pub fn give_back(tx: &mut Tx<'_>, keys: &[DeliveryKey]) -> Result<(), StoreError> {
    for key in keys {
        tx.execute(
            "UPDATE webhook_delivery SET state = 'pending'
             WHERE event_id = $1 AND endpoint_id = $2 AND state = 'leased' AND lease_token = $3",
            params![
                key.event_id.to_bytes(),
                key.endpoint_id.to_bytes(),
                key.lease_token
            ],
        )?;
    }
    if !keys.is_empty() && tx.dialect() == Dialect::Postgres {
        tx.after_commit(Signal::Deliveries);
    }
    Ok(())
}
