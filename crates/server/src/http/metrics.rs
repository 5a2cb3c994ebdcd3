//! `GET /metrics`: numbers for Prometheus, with the admin token.
//!
//! They are read from the database when they are asked for, so every process of a deployment shows the same, and a
//! restart loses none. The token is asked for because a proxy in front makes every caller look like this machine.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use payments::withdrawal::WithdrawalState;
use store::acts::halt::halted;
use store::queries::channel::closed_by_reason;
use store::queries::clock::database_time;
use store::queries::reconciliation::{
    KeptVerdict, latest_verdict, live_withdrawals, waiting_deliveries,
};
use store::queries::reopening::closed_by_crash;
use store::queries::webhook::{EndpointNumbers, endpoint_numbers, ready_endpoints};
use store::{StoreError, Tx};

use super::HttpState;
use super::auth::Operator;
use crate::problem::ApiError;
use crate::reconciliation::Verdict;

/// The media type of the exposition format.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

struct Numbers {
    is_halted: bool,
    live: Vec<(WithdrawalState, i64)>,
    deliveries: i64,
    endpoints: EndpointNumbers,
    /// How far the clock of this machine is ahead of the database's, in microseconds.
    clock_ahead_micros: i64,
    /// Since when the delivery that waits longest could have been begun.
    due_since: Option<Timestamp>,
    verdict: Option<KeptVerdict>,
    closed: Vec<(String, i64)>,
    /// By crashes, and how many of these were reopened.
    by_crash: (i64, i64),
}

fn read(tx: &mut Tx<'_>, now: Timestamp) -> Result<Numbers, StoreError> {
    let due = ready_endpoints(tx, now, now)?;
    Ok(Numbers {
        is_halted: halted(tx)?.is_some(),
        live: live_withdrawals(tx)?,
        deliveries: waiting_deliveries(tx)?,
        endpoints: endpoint_numbers(tx)?,
        clock_ahead_micros: now.as_microsecond() - database_time(tx)?.as_microsecond(),
        due_since: due.iter().map(|endpoint| endpoint.ready_at).min(),
        verdict: latest_verdict(tx)?,
        closed: closed_by_reason(tx)?,
        by_crash: closed_by_crash(tx)?,
    })
}

/// The numbers, as they are now.
///
/// # Errors
/// [`ApiError`].
pub async fn get(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let now = state.app.clock.now();
    let read = state.app.store.read_async(move |tx| read(tx, now));
    let numbers = read.await?;
    let now_micros = now.as_microsecond();
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || record(&numbers, now_micros));
    Ok(([(header::CONTENT_TYPE, TEXT)], handle.render()).into_response())
}

fn record(numbers: &Numbers, now_micros: i64) {
    gauge!("leyden_money_halted").set(f64::from(u8::from(numbers.is_halted)));
    for (state, count) in &numbers.live {
        gauge!("leyden_withdrawals", "state" => state.name()).set(number(*count));
    }
    gauge!("leyden_webhook_deliveries_waiting").set(number(numbers.deliveries));
    let endpoints = &numbers.endpoints;
    for (state, count) in [
        ("active", endpoints.active),
        ("paused", endpoints.paused),
        ("disabled", endpoints.disabled),
    ] {
        gauge!("leyden_webhook_endpoints", "state" => state).set(number(count));
    }
    gauge!("leyden_webhook_endpoints_failing").set(number(endpoints.failing));
    gauge!("leyden_webhook_endpoints_given_up").set(number(endpoints.given_up));
    gauge!("leyden_webhook_dead_letters").set(number(endpoints.dead_letters));
    gauge!("leyden_clock_ahead_seconds").set(number(numbers.clock_ahead_micros) / 1e6);
    let lag_micros = numbers.due_since.map_or(0, |since| {
        now_micros.saturating_sub(since.as_microsecond()).max(0)
    });
    gauge!("leyden_webhook_lag_seconds").set(number(lag_micros) / 1e6);
    for (reason, count) in &numbers.closed {
        counter!("leyden_channels_closed_total", "reason" => reason.clone())
            .absolute(count.unsigned_abs());
    }
    let (by_crash, reopened) = numbers.by_crash;
    counter!("leyden_channels_closed_by_crash_total").absolute(by_crash.unsigned_abs());
    counter!("leyden_channels_reopened_total").absolute(reopened.unsigned_abs());
    let Some(kept) = &numbers.verdict else { return };
    gauge!("leyden_reconciliation_unexplained").set(number(kept.unexplained));
    counter!("leyden_reconciliation_repaired_total").absolute(kept.repaired.unsigned_abs());
    let age_micros = now_micros.saturating_sub(kept.checked_at.as_microsecond());
    gauge!("leyden_reconciliation_age_seconds").set(number(age_micros / 1_000_000));
    let Some(verdict) = Verdict::from_json(&kept.body) else {
        return;
    };
    let amounts = [
        ("books_lightning_float", verdict.books.lightning_float_msat),
        ("books_node_wallet", verdict.books.node_wallet_msat),
        ("node_at_least", verdict.node.at_least_msat),
        ("node_at_most", verdict.node.at_most_msat),
        ("node_in_flight", verdict.node.in_flight_msat),
        ("node_closing", verdict.node.closing_msat),
        ("node_wallet", verdict.node.wallet_msat),
    ];
    for (side, amount_msat) in amounts {
        gauge!("leyden_reconciliation_msat", "side" => side).set(number(amount_msat));
    }
    gauge!("leyden_channels").set(count(verdict.node.channels));
    gauge!("leyden_channels_closing").set(count(verdict.node.closing_channels));
    gauge!("leyden_block_height").set(f64::from(verdict.node.block_height));
}

/// Prometheus knows floats only: above 2^53 (90,000 BTC in millisatoshi) the last digits are rounded.
#[expect(
    clippy::cast_precision_loss,
    reason = "the exposition format has floats only"
)]
fn number(value: i64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    number(i64::try_from(value).unwrap_or(i64::MAX))
}
