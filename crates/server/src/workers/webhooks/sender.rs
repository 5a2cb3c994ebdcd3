//! One attempt: sign with the time of the attempt, send, and say what follows.
//!
//! Nothing here may end the loop: what is stored and damaged, and even a panic, becomes the result of this attempt.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use axum::http::HeaderMap;
use bytes::Bytes;
use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use payments::ids::EventId;
use payments::webhook::delivery::AttemptTimes;
use payments::webhook::{AttemptOutcome, DeliveryAttempt, DeliveryVerdict};
use store::acts::webhook::record::FinishedAttempt;
use store::crash_point;
use store::queries::webhook::ReadyEndpoint;
use webhooks::schedule::{Outcome, Schedule, Verdict, decide, retry_after};
use webhooks::{Attempt, ErrorClass, SealingKey, WebhookClient};

use super::board::Launch;
use crate::app::App;
use crate::webhook_headers::{Signer, Spoiled, headers};

/// How much of an answer the log keeps, in bytes.
const KEPT_BYTES: usize = 2_048;

/// What attempts are made with.
#[derive(Clone)]
pub struct Sender {
    client: WebhookClient,
    key: SealingKey,
}

impl Sender {
    /// Sends with `client`, and opens the endpoints' secrets with `key`.
    #[must_use]
    pub fn new(client: WebhookClient, key: SealingKey) -> Self {
        Self { client, key }
    }

    /// Makes one attempt.
    pub(super) async fn send(&self, app: &App, launch: &Launch) -> FinishedAttempt {
        let attempted = AssertUnwindSafe(attempt(app, self, launch)).catch_unwind();
        attempted.await.unwrap_or_else(|_| {
            tracing::error!(endpoint = %launch.to.id, "an attempt to deliver has panicked");
            let (now, spoiled) = (app.clock.now(), Spoiled("panic"));
            finished(launch, now, DeliveryVerdict::Spoiled, Err(spoiled))
        })
    }
}

async fn attempt(app: &App, sender: &Sender, launch: &Launch) -> FinishedAttempt {
    let started_at = app.clock.now();
    let delivery = &launch.delivery;
    let (event, body) = (delivery.key.event_id, &delivery.body);
    let prepared = prepare(&sender.key, &launch.to, event, body, started_at);
    let (headers, schedule) = match prepared {
        Ok(prepared) => prepared,
        Err(spoiled) => {
            return finished(launch, started_at, DeliveryVerdict::Spoiled, Err(spoiled));
        }
    };
    let body = Bytes::copy_from_slice(&launch.delivery.body);
    let attempt = sender.client.deliver(&launch.to.url, headers, body).await;
    crash_point::reach("webhook.sent");
    let asked = asked(&attempt, started_at);
    let verdict = verdict(app, launch, &schedule, &attempt, asked);
    let mut finished = finished(launch, started_at, verdict, Ok(&attempt));
    finished.is_overload = Outcome::of(attempt.status()) == Outcome::Overloaded;
    finished.asked = asked.and_then(|asked| SignedDuration::try_from(asked).ok());
    if let Some(error) = &finished.attempt.error {
        tracing::info!(endpoint = %launch.to.id, error, "a webhook was not taken");
    }
    finished
}

fn prepare(
    key: &SealingKey,
    to: &ReadyEndpoint,
    event: EventId,
    body: &[u8],
    now: Timestamp,
) -> Result<(HeaderMap, Schedule), Spoiled> {
    let schedule = Schedule::from_text(to.retry_seconds.as_deref());
    let signer = Signer {
        key,
        endpoint: to.id,
        secret: &to.secret,
        old_secrets: &to.old_secrets,
        own_headers: &to.headers,
    };
    let headers = headers(signer, event, body, now)?;
    Ok((headers, schedule.map_err(|_| Spoiled("schedule"))?))
}

fn asked(attempt: &Attempt, now: Timestamp) -> Option<Duration> {
    let answer = attempt.result.as_ref().ok()?;
    retry_after(answer.retry_after.as_deref()?, SystemTime::from(now))
}

fn verdict(
    app: &App,
    launch: &Launch,
    schedule: &Schedule,
    attempt: &Attempt,
    asked: Option<Duration>,
) -> DeliveryVerdict {
    let mut random = [0; 8];
    app.entropy.fill(&mut random);
    if attempt.error_class() == Some(ErrorClass::Url) {
        // It was vetted when it was set, so it is damaged, or what may be called has changed: time mends neither.
        return DeliveryVerdict::Spoiled;
    }
    let (outcome, tries) = (Outcome::of(attempt.status()), launch.delivery.tries + 1);
    match decide(schedule, outcome, tries, asked, u64::from_le_bytes(random)) {
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

fn finished(
    launch: &Launch,
    started_at: Timestamp,
    verdict: DeliveryVerdict,
    attempt: Result<&Attempt, Spoiled>,
) -> FinishedAttempt {
    FinishedAttempt {
        key: launch.delivery.key,
        attempt: logged(started_at, attempt),
        verdict,
        is_news: launch.to.is_failing || !launch.to.is_proven || launch.to.probe_after.is_some(),
        was_probe: launch.to.probe_after.is_some(),
        is_overload: false,
        asked: None,
    }
}

fn logged(started_at: Timestamp, attempt: Result<&Attempt, Spoiled>) -> DeliveryAttempt {
    let mut logged = DeliveryAttempt {
        started_at,
        outcome: AttemptOutcome::Failed,
        status: None,
        error: None,
        times: AttemptTimes::default(),
        response_excerpt: Vec::new(),
    };
    let attempt = match attempt {
        Ok(attempt) => attempt,
        Err(Spoiled(what)) => {
            logged.error = Some(what.to_owned());
            return logged;
        }
    };
    match &attempt.result {
        Ok(answer) => {
            logged.status = Some(answer.status);
            let kept = answer.body_excerpt.len().min(KEPT_BYTES);
            logged.response_excerpt = answer.body_excerpt[..kept].to_vec();
            if Outcome::of(logged.status) == Outcome::Delivered {
                logged.outcome = AttemptOutcome::Delivered;
            } else {
                logged.error = Some(format!("status {}", answer.status));
            }
        }
        Err(class) => logged.error = Some(class.as_str().to_owned()),
    }
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let latency = &attempt.latency;
    logged.times = AttemptTimes {
        dns_us: latency.dns.map(micros),
        connect_us: latency.connect.map(micros),
        tls_us: latency.tls.map(micros),
        first_byte_us: latency.first_byte.map(micros),
        total_us: micros(latency.total),
    };
    logged
}
