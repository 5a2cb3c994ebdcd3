//! Records what came of attempts, many in one transaction.
//!
//! A result is written only while its claim is the latest, so a sender that stalled changes nothing when it comes back.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use payments::ids::EndpointId;
use payments::webhook::delivery::transition;
use payments::webhook::health::Failure;
use payments::webhook::{
    DeliveryAttempt, DeliveryKey, DeliveryState, DeliveryVerdict, DisableReason, EndpointHealth,
};

use super::super::ActContext;
use super::endpoint::{disable_endpoint, hold_if_open};
use super::unblock;
use crate::differences::{Dialect, RECORD_DELIVERY};
use crate::rows::micros;
use crate::{Row, Signal, StoreError, Tx, Value, for_update, params};

/// An attempt that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedAttempt {
    /// Which delivery, and by which claim.
    pub key: DeliveryKey,
    /// The attempt.
    pub attempt: DeliveryAttempt,
    /// What becomes of the delivery.
    pub verdict: DeliveryVerdict,
    /// When the endpoint had failed before, or is not proven: a success is news then.
    pub is_news: bool,
    /// Whether it was the probe after a pause.
    pub was_probe: bool,
    /// Whether the endpoint has too much to do.
    pub is_overload: bool,
    /// How long the endpoint asked to be left alone.
    pub asked: Option<SignedDuration>,
}

/// What the record of some attempts came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// How many were left out, because another claim is the latest.
    pub late: usize,
    /// The endpoints that are disabled by this, as they answered 410.
    pub gone: Vec<EndpointId>,
    /// Those that have failed for too long, and are to be disabled.
    pub hopeless: Vec<EndpointId>,
}

/// Records attempts, and what follows from them for deliveries and endpoints.
///
/// # Errors
/// The database's.
pub fn record_attempts(
    tx: &mut Tx<'_>,
    act: &ActContext,
    finished: &[FinishedAttempt],
) -> Result<Recorded, StoreError> {
    // Everybody takes rows in the order of endpoints: first the endpoints themselves, then deliveries, then health.
    let mut of_endpoint: BTreeMap<EndpointId, Vec<&FinishedAttempt>> = BTreeMap::new();
    for one in finished {
        of_endpoint
            .entry(one.key.endpoint_id)
            .or_default()
            .push(one);
    }
    let mut recorded = Recorded::default();
    let is_gone = |of: &[&FinishedAttempt]| {
        let mut verdicts = of.iter().map(|one| one.verdict);
        verdicts.any(|verdict| verdict == DeliveryVerdict::Gone)
    };
    for (endpoint, of) in &of_endpoint {
        if is_gone(of) {
            hold_if_open(tx, *endpoint)?;
        }
    }
    let mut current = BTreeMap::new();
    for (endpoint, of) in &mut of_endpoint {
        of.sort_by_key(|one| one.key);
        let mut counted = Vec::with_capacity(of.len());
        for one in of {
            if write(tx, act, one)? {
                counted.push(*one);
            } else {
                recorded.late += 1;
            }
        }
        current.insert(*endpoint, counted);
    }
    for (endpoint, of) in &current {
        if is_gone(of) && disable_endpoint(tx, act, *endpoint, DisableReason::Gone)? {
            recorded.gone.push(*endpoint);
        } else if take_note(tx, act, *endpoint, of)? {
            recorded.hopeless.push(*endpoint);
        }
    }
    tx.after_commit(Signal::Deliveries);
    Ok(recorded)
}

/// Writes one attempt; `false` when its claim is not the latest.
fn write(tx: &mut Tx<'_>, act: &ActContext, one: &FinishedAttempt) -> Result<bool, StoreError> {
    let (attempt, key) = (&one.attempt, &one.key);
    let Some(state) = transition(DeliveryState::Leased, one.verdict.input()) else {
        let what = "a verdict that no claimed delivery can have";
        return Err(StoreError::Inconsistent { what });
    };
    let next_at = match one.verdict {
        DeliveryVerdict::Retry { next_at } => next_at,
        _ => attempt.started_at,
    };
    let claim: [Value; 5] = [
        state.name().into(),
        micros(next_at).into(),
        key.event_id.to_bytes().into(),
        key.endpoint_id.to_bytes().into(),
        key.lease_token.into(),
    ];
    let row = match tx.dialect() {
        Dialect::Postgres => {
            let logged = [claim.as_slice(), &logged(attempt)].concat();
            tx.query_opt(RECORD_DELIVERY, &logged)?
        }
        Dialect::Sqlite => write_both(tx, &claim, one)?,
    };
    let Some(row) = row else { return Ok(false) };
    if state.is_final() && row.bool(0)? {
        unblock(tx, act, key.endpoint_id, row.bytes16(1)?)?;
    }
    Ok(true)
}

/// SQLite has no changes of rows within a query: two statements.
fn write_both(
    tx: &mut Tx<'_>,
    claim: &[Value],
    one: &FinishedAttempt,
) -> Result<Option<Row>, StoreError> {
    let done = tx.query_opt(
        "UPDATE webhook_delivery SET state = $1, attempts = attempts + 1, tries = tries + 1, next_at = $2
         WHERE event_id = $3 AND endpoint_id = $4 AND state = 'leased' AND lease_token = $5
         RETURNING followed, subject_id, attempts",
        claim,
    )?;
    if let Some(row) = &done {
        let key: [Value; 3] = [claim[2].clone(), claim[3].clone(), row.int(2)?.into()];
        tx.execute(
            "INSERT INTO webhook_attempt (event_id, endpoint_id, number, started_at, outcome, status, error,
                 dns_us, connect_us, tls_us, first_byte_us, total_us, response_excerpt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &[key.as_slice(), &logged(&one.attempt)].concat(),
        )?;
    }
    Ok(done)
}

fn logged(attempt: &DeliveryAttempt) -> [Value; 10] {
    let times = &attempt.times;
    [
        micros(attempt.started_at).into(),
        attempt.outcome.name().into(),
        attempt.status.map(i64::from).into(),
        attempt.error.clone().into(),
        times.dns_us.into(),
        times.connect_us.into(),
        times.tls_us.into(),
        times.first_byte_us.into(),
        times.total_us.into(),
        attempt.response_excerpt.as_slice().into(),
    ]
}

/// Keeps how the endpoint fares; answers whether it has failed for too long. Where all went well and did before,
/// nothing is written.
fn take_note(
    tx: &mut Tx<'_>,
    act: &ActContext,
    endpoint: EndpointId,
    of: &[&FinishedAttempt],
) -> Result<bool, StoreError> {
    let is_news = |one: &&FinishedAttempt| one.is_news || one.verdict != DeliveryVerdict::Delivered;
    if !of.iter().any(is_news) {
        return Ok(false);
    }
    let Some(before) = health(tx, endpoint)? else {
        return Ok(false);
    };
    let mut after = before;
    for one in of {
        after = match one.verdict {
            DeliveryVerdict::Delivered => after.succeeded(),
            // What is wrong with the row says nothing of the endpoint.
            DeliveryVerdict::Spoiled => after,
            _ => after.failed(
                Failure {
                    was_probe: one.was_probe,
                    is_overload: one.is_overload,
                    asked: one.asked,
                },
                act.now,
            ),
        };
    }
    if after != before {
        tx.execute(
            "UPDATE webhook_health SET is_proven = $1, failures = $2, failing_since = $3, paused_until = $4, pauses = $5
             WHERE endpoint_id = $6",
            params![
                after.is_proven,
                i64::from(after.failures),
                after.failing_since.map(micros),
                after.paused_until.map_or(0, micros),
                i64::from(after.pauses),
                endpoint.to_bytes()
            ],
        )?;
    }
    Ok(after.is_hopeless(act.now))
}

fn health(tx: &mut Tx<'_>, endpoint: EndpointId) -> Result<Option<EndpointHealth>, StoreError> {
    let held = for_update!(
        "SELECT is_proven, failures, failing_since, paused_until, pauses FROM webhook_health WHERE endpoint_id = $1"
    );
    let row = tx.query_opt(held.on(tx.dialect()), params![endpoint.to_bytes()])?;
    row.map(|row| {
        let number =
            |column| u32::try_from(row.int(column)?).map_err(|_| row.corrupt(column, "a number"));
        let paused_until = crate::rows::time(&row, 3)?;
        Ok(EndpointHealth {
            is_proven: row.bool(0)?,
            failures: number(1)?,
            failing_since: crate::rows::opt_time(&row, 2)?,
            paused_until: (paused_until != Timestamp::UNIX_EPOCH).then_some(paused_until),
            pauses: number(4)?,
        })
    })
    .transpose()
}
