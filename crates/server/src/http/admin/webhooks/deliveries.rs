//! The delivery log of a webhook, and sending again: `/admin/v1/webhooks/{id}/deliveries…` and `…/replay`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use jiff::Timestamp;
use payments::ids::{EndpointId, EventId};
use payments::webhook::DeliveryState;
use store::acts::webhook::replay::{Replay, Replayed, replay};
use store::queries::webhook::log::{
    Filter, LoggedAttempt, LoggedDelivery, attempts, deliveries, delivery,
};
use store::{StoreError, Tx};
use wire::Problem;
use wire::admin::{
    AttemptLatency, ReplayRequest, WebhookAttempt, WebhookDeliveries, WebhookDelivery,
    WebhookDeliveryDetails,
};

use super::super::super::HttpState;
use super::super::super::answer::json;
use super::super::super::auth::Owner;
use super::super::super::body::JsonBody;
use super::super::super::query::pairs;
use super::super::super::segment::{Segment, Segments};
use super::{existing, invalid};
use crate::present;
use crate::problem::ApiError;

/// What a page holds, unless the request says otherwise.
const PAGE: i64 = 50;
/// The most that a page holds.
const MAX_PAGE: i64 = 500;

/// A page of deliveries, newest first: all, those in one state (`?state=`), or the dead letters (`?state=dead`).
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn list(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
    uri: Uri,
) -> Result<Response, ApiError> {
    let id = existing(&state, owner, &id).await?.id;
    let (mut filter, mut before, mut limit) = (Filter::All, None, PAGE);
    for (name, value) in pairs(&uri) {
        let number = || value.parse::<i64>().ok().filter(|number| *number > 0);
        match name.as_str() {
            "state" => filter = filter_of(&value)?,
            "cursor" => {
                let why = || {
                    invalid(
                        "cursor",
                        "it must be the next_cursor of another page".to_owned(),
                    )
                };
                before = Some(number().ok_or_else(why)?);
            }
            "limit" => {
                let why = || invalid("limit", format!("it must be from 1 to {MAX_PAGE}"));
                limit = number()
                    .filter(|number| *number <= MAX_PAGE)
                    .ok_or_else(why)?;
            }
            _ => {}
        }
    }
    let read = state
        .app
        .store
        .read_async(move |tx| deliveries(tx, id, filter, before, limit + 1));
    let mut found = read.await?;
    let shown_count = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > shown_count;
    found.truncate(shown_count);
    let last = found.last().filter(|_| has_more);
    let page = WebhookDeliveries {
        next_cursor: last.map(|last| last.seq.to_string()),
        data: found.iter().map(shown).collect(),
    };
    Ok(json(200, &page))
}

fn filter_of(name: &str) -> Result<Filter, ApiError> {
    if name == "dead" {
        return Ok(Filter::Dead);
    }
    let named = DeliveryState::from_name(name).map(Filter::In);
    named.ok_or_else(|| {
        let names = DeliveryState::ALL.map(DeliveryState::name).join(", ");
        invalid("state", format!("it must be dead or one of: {names}"))
    })
}

/// One delivery with its attempts.
pub async fn get(
    State(state): State<HttpState>,
    owner: Owner,
    path: Segments,
) -> Result<Response, ApiError> {
    let (id, event) = ids(&state, owner, &path).await?;
    details(&state, id, event).await
}

/// Sends an event again, with its id and its bytes; what is on its way is left as it is.
pub async fn redeliver(
    State(state): State<HttpState>,
    owner: Owner,
    path: Segments,
) -> Result<Response, ApiError> {
    let (id, event) = ids(&state, owner, &path).await?;
    run(&state, id, Replay::One(event)).await?;
    details(&state, id, event).await
}

/// Sends everything again that happened in a time and was not taken.
pub async fn replay_range(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = ReplayRequest::parse(&body)?;
    let id = existing(&state, owner, &id).await?.id;
    let time = |name, text: &str| {
        let parsed: Result<Timestamp, _> = text.parse();
        parsed.map_err(|_| {
            invalid(
                name,
                "it must be a time such as 2026-01-31T12:00:00Z".to_owned(),
            )
        })
    };
    let from = time("from", &request.from)?;
    let until = request.until.as_deref().map(|until| time("until", until));
    let until = until.transpose()?.unwrap_or(Timestamp::MAX);
    let replayed = run(&state, id, Replay::Missed { from, until }).await?;
    Ok(json(202, &wire::admin::Replayed { replayed }))
}

async fn ids(
    state: &HttpState,
    owner: Owner,
    path: &Segments,
) -> Result<(EndpointId, EventId), ApiError> {
    let Segments(id, event) = path;
    let id = existing(state, owner, id).await?.id;
    let event = event.strip_prefix("msg_").unwrap_or(event);
    Ok((
        id,
        event.parse().map_err(|_| ApiError::not_found("delivery"))?,
    ))
}

async fn run(state: &HttpState, id: EndpointId, what: Replay) -> Result<u64, ApiError> {
    let act = state.app.acting();
    let replayed = state
        .app
        .store
        .write_async(move |tx| replay(tx, &act, id, what));
    match replayed.await? {
        Replayed::Begun(count) => {
            tracing::info!(endpoint = %id, count, "webhook deliveries are sent again");
            Ok(count)
        }
        Replayed::Missing => Err(ApiError::not_found("delivery")),
        Replayed::NotActive => Err(Problem::WebhookDisabled.into()),
    }
}

async fn details(state: &HttpState, id: EndpointId, event: EventId) -> Result<Response, ApiError> {
    let read = move |tx: &mut Tx<'_>| {
        let found = delivery(tx, id, event)?;
        Ok::<_, StoreError>((found, attempts(tx, id, event)?))
    };
    let (found, log) = state.app.store.read_async(read).await?;
    let found = found.ok_or_else(|| ApiError::not_found("delivery"))?;
    let body = WebhookDeliveryDetails {
        delivery: shown(&found),
        log: log.iter().map(attempt).collect(),
    };
    Ok(json(200, &body))
}

fn shown(delivery: &LoggedDelivery) -> WebhookDelivery {
    WebhookDelivery {
        id: format!("msg_{}", delivery.event_id),
        event: delivery.event.clone(),
        occurred_at: present::micros(delivery.occurred_at),
        state: delivery.state.name(),
        attempts: delivery.attempts,
        next_at: delivery.next_at.map(present::micros),
        last_status: delivery.last_status,
        last_error: delivery.last_error.clone(),
    }
}

fn attempt(attempt: &LoggedAttempt) -> WebhookAttempt {
    let [dns, connect, tls, first_byte] = attempt.split_us;
    WebhookAttempt {
        number: attempt.number,
        started_at: present::micros(attempt.started_at),
        outcome: attempt.outcome.clone(),
        status: attempt.status,
        error: attempt.error.clone(),
        latency_us: AttemptLatency {
            dns,
            connect,
            tls,
            first_byte,
            total: attempt.total_us,
        },
        response: String::from_utf8_lossy(&attempt.response_excerpt).into_owned(),
    }
}
