//! `POST /admin/v1/webhooks/{id}/test`: one message, now, signed as all are, and what came of it.
//!
//! It is no fact: it stands in no log, and is tried once.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use payments::ids::EventId;
use store::StoreError;
use store::queries::webhook::{OldSecret, old_secrets};
use webhooks::Attempt;
use webhooks::schedule::Outcome;
use wire::admin::{AttemptLatency, TestMessage, WebhookAttempt, test_event};

use super::super::super::HttpState;
use super::super::super::answer::json;
use super::super::super::auth::Owner;
use super::super::super::segment::Segment;
use super::existing;
use crate::present;
use crate::problem::ApiError;
use crate::webhook_headers::{Signer, headers};

/// Sends one.
///
/// # Errors
/// [`ApiError`].
pub async fn send(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let endpoint = existing(&state, owner, &id).await?;
    let (id, now) = (endpoint.id, state.app.clock.now());
    let old: Result<Vec<OldSecret>, StoreError> = state
        .app
        .store
        .read_async(move |tx| old_secrets(tx, id, now))
        .await;
    let event: EventId = state.app.ids.fresh();
    let name = format!("msg_{event}");
    let body = test_event(&endpoint.id.to_string(), &name);
    let old = old?;
    let signer = Signer {
        key: &state.sealing,
        endpoint: id,
        secret: &endpoint.secret,
        old_secrets: &old,
        own_headers: &endpoint.headers,
    };
    let headers =
        headers(signer, event, &body, now).map_err(|spoiled| ApiError::internal(&spoiled))?;
    let attempt = state
        .webhooks
        .deliver(&endpoint.url, headers, Bytes::from(body))
        .await;
    let message = TestMessage {
        id: name,
        delivered: Outcome::of(attempt.status()) == Outcome::Delivered,
        attempt: shown(&attempt, now),
    };
    Ok(json(200, &message))
}

fn shown(attempt: &Attempt, now: jiff::Timestamp) -> WebhookAttempt {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let (error, response) = match &attempt.result {
        Ok(answer) if (200..300).contains(&answer.status) => (None, answer.body_excerpt.as_slice()),
        Ok(answer) => {
            let error = format!("status {}", answer.status);
            (Some(error), answer.body_excerpt.as_slice())
        }
        Err(class) => (Some(class.as_str().to_owned()), [].as_slice()),
    };
    let latency = &attempt.latency;
    WebhookAttempt {
        number: 1,
        started_at: present::micros(now),
        outcome: if error.is_none() {
            "delivered"
        } else {
            "failed"
        }
        .to_owned(),
        status: attempt.status().map(i64::from),
        error,
        latency_us: AttemptLatency {
            dns: latency.dns.map(micros),
            connect: latency.connect.map(micros),
            tls: latency.tls.map(micros),
            first_byte: latency.first_byte.map(micros),
            total: micros(latency.total),
        },
        response: String::from_utf8_lossy(response)
            .chars()
            .take(2_048)
            .collect(),
    }
}
