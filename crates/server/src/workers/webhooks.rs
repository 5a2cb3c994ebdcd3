//! Delivers webhooks: claim under a lease, send outside any transaction, record.
//!
//! The stored bytes are signed and sent as they are. A sender that dies leaves a lease that runs out, and the
//! delivery is made again with the same id. Order per object and a share for each endpoint are not kept yet.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use payments::webhook::{ClaimedDelivery, DeliveryAttempt, DeliveryVerdict};
use store::acts::webhook::{claim_due_deliveries, record_attempt, release_stale_leases};
use store::queries::webhook::next_delivery_at;
use store::{Signal, StoreError, crash_point};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webhooks::schedule::{Outcome, Verdict, decide, retry_after};
use webhooks::{Attempt, MessageId, Secret, SigningKeys, WebhookClient, sign};

use crate::app::App;
use crate::problem::chain;

/// How many deliveries are under way at once.
const PARALLEL: usize = 64;
/// How long a claim holds: longer than an attempt can take.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How long to wait when the database is away.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);

/// Delivers until `stop`, then waits for the attempts under way.
pub async fn run(app: App, client: WebhookClient, stop: CancellationToken) {
    let mut wakeups = app.store.subscribe(Signal::Deliveries);
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let attempts = TaskTracker::new();
    loop {
        let free = slots.available_permits();
        let claimed = match claim(&app, free).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(error = %chain(&error), "no delivery can be claimed now");
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        };
        let any = !claimed.is_empty();
        for delivery in claimed {
            let (app, client, slots) = (app.clone(), client.clone(), Arc::clone(&slots));
            let slot = slots.acquire_owned().await;
            attempts.spawn(async move {
                attempt(&app, &client, &delivery).await;
                drop(slot);
            });
        }
        if any && !stop.is_cancelled() {
            continue;
        }
        let wait = next_wait(&app, &slots).await;
        let wake = tokio::time::timeout(wait, wakeups.next());
        if stop.run_until_cancelled(wake).await.is_none() {
            break;
        }
    }
    attempts.close();
    attempts.wait().await;
}

async fn claim(app: &App, free: usize) -> Result<Vec<ClaimedDelivery>, StoreError> {
    let act = app.acting();
    let due = app.store.read_async(next_delivery_at).await?;
    if free == 0 || due.is_none_or(|at| at > act.now.as_microsecond()) {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(free).unwrap_or(1);
    app.store
        .write_async(move |tx| {
            release_stale_leases(tx, &act)?;
            claim_due_deliveries(tx, &act, LEASE, limit)
        })
        .await
}

async fn next_wait(app: &App, slots: &Semaphore) -> Duration {
    if slots.available_permits() == 0 {
        return Duration::from_millis(20);
    }
    let due = app.store.read_async(next_delivery_at).await.ok().flatten();
    let Some(due) = due else { return POLL };
    let micros = due.saturating_sub(app.clock.now().as_microsecond());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).clamp(Duration::from_millis(5), POLL)
}

/// Sends one delivery, once, and records what came of it.
async fn attempt(app: &App, client: &WebhookClient, delivery: &ClaimedDelivery) {
    let started_at = app.clock.now();
    let attempt = match sign(delivery, started_at) {
        Some(headers) => {
            let body = Bytes::from(delivery.body.clone());
            Some(client.deliver(&delivery.url, headers, body).await)
        }
        None => None,
    };
    crash_point::reach("webhook.sent");
    let verdict = verdict(app, delivery, attempt.as_ref(), started_at);
    let log = log(app, attempt.as_ref(), started_at);
    if log.error.is_some() {
        let (endpoint, error) = (delivery.endpoint_id, log.error.as_deref());
        tracing::info!(%endpoint, error, "a webhook was not taken");
    }
    let recorded = delivery.clone();
    let written = app
        .store
        .write_async(move |tx| record_attempt(tx, &recorded, &log, verdict))
        .await;
    match written {
        Ok(true) => {}
        Ok(false) => tracing::warn!(endpoint = %delivery.endpoint_id, "a late result is left out"),
        Err(error) => tracing::error!(error = %chain(&error), "an attempt is not recorded"),
    }
}

/// The headers, with the time of this attempt; `None` when the stored secret is not one.
fn sign(delivery: &ClaimedDelivery, now: Timestamp) -> Option<axum::http::HeaderMap> {
    let secret = Secret::from_text(delivery.secret.reveal().to_owned()).ok()?;
    let id = MessageId::new(format!("msg_{}", delivery.event_id)).ok()?;
    Some(sign::headers(
        SigningKeys::single(&secret),
        &id,
        now.as_second(),
        &delivery.body,
    ))
}

fn verdict(
    app: &App,
    delivery: &ClaimedDelivery,
    attempt: Option<&Attempt>,
    now: Timestamp,
) -> DeliveryVerdict {
    let Some(attempt) = attempt else {
        return DeliveryVerdict::Exhausted;
    };
    let asked = attempt
        .result
        .as_ref()
        .ok()
        .and_then(|answer| answer.retry_after.as_deref());
    let wall = SystemTime::from(now);
    let asked = asked.and_then(|value| retry_after(value, wall));
    let mut random = [0; 8];
    app.entropy.fill(&mut random);
    let outcome = Outcome::of(attempt.status());
    match decide(
        outcome,
        delivery.attempts + 1,
        asked,
        u64::from_le_bytes(random),
    ) {
        Verdict::Delivered => DeliveryVerdict::Delivered,
        Verdict::Exhausted => DeliveryVerdict::Exhausted,
        Verdict::Gone => DeliveryVerdict::Gone,
        Verdict::Retry { after, .. } => {
            let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
            let next_at = app.clock.now().checked_add(after).unwrap_or(Timestamp::MAX);
            DeliveryVerdict::Retry { next_at }
        }
    }
}

fn log(app: &App, attempt: Option<&Attempt>, started_at: Timestamp) -> DeliveryAttempt {
    let (status, error, excerpt) = match attempt.map(|attempt| &attempt.result) {
        Some(Ok(answer)) => {
            let error =
                (!(200..300).contains(&answer.status)).then(|| format!("status {}", answer.status));
            (Some(answer.status), error, answer.body_excerpt.clone())
        }
        Some(Err(class)) => (None, Some(class.as_str().to_owned()), Vec::new()),
        None => (None, Some("secret".to_owned()), Vec::new()),
    };
    let total = attempt.map_or(Duration::ZERO, |attempt| attempt.latency.total);
    DeliveryAttempt {
        id: app.ids.fresh(),
        started_at,
        status,
        error,
        duration_ms: i64::try_from(total.as_millis()).unwrap_or(i64::MAX),
        response_excerpt: excerpt,
    }
}
