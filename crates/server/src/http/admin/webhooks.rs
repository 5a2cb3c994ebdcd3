//! `/admin/v1/webhooks`, for the operator, and `/v1/webhooks`, for an account's own: made, shown, changed, paused,
//! resumed, disabled and deleted.
//!
//! Secrets are shown once, by what makes them ([`secrets`]).

pub mod deliveries;
pub mod secrets;
pub mod test_message;

use axum::extract::State;
use axum::response::Response;
use payments::ids::EndpointId;
use payments::webhook::{DisableReason, EndpointState, WebhookEndpoint};
use store::acts::ActContext;
use store::acts::webhook::endpoint::{
    change_endpoint, create_endpoint, delete_endpoint, disable_endpoint, pause_endpoint,
    resume_endpoint,
};
use store::queries::webhook::{endpoint, endpoints};
use store::{StoreError, Tx};
use webhooks::custom;
use webhooks::schedule::Schedule;
use wire::Problem;
use wire::admin::{CreateWebhookRequest, Webhook, WebhookSettings};
use wire::bitvora::EventName;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Owner;
use super::super::body::JsonBody;
use super::super::segment::Segment;
use super::account_within;
use crate::present;
use crate::problem::ApiError;

/// Makes an endpoint.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn create(
    State(state): State<HttpState>,
    owner: Owner,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = CreateWebhookRequest::parse(&body)?;
    let account_id = account_within(&state, owner, request.account_id.as_deref()).await?;
    let (app, secret) = (&state.app, secrets::fresh(&state));
    let id: EndpointId = app.ids.fresh();
    let signing = secrets::sealed(&state, id, &secret);
    let all = EventName::all()
        .iter()
        .map(|event| event.as_str().to_owned());
    let mut endpoint = WebhookEndpoint::new(id, account_id, request.url, signing, app.clock.now())
        .with_events(all.collect());
    let settings = WebhookSettings {
        url: Some(endpoint.url.clone()),
        ..request.settings
    };
    apply(&state, &mut endpoint, settings)?;
    let written = endpoint.clone();
    app.store
        .write_async(move |tx| create_endpoint(tx, &written))
        .await?;
    tracing::info!(endpoint = %endpoint.id, account = %account_id, "webhook created");
    Ok(secrets::reveal(201, &endpoint, &secret))
}

/// Lists endpoints, oldest first, without their secrets.
pub async fn list(State(state): State<HttpState>, owner: Owner) -> Result<Response, ApiError> {
    let read = state.app.store.read_async(|tx| endpoints(tx, None));
    let found = read.await?;
    let own = found.iter().filter(|one| owner.reaches(one.account_id));
    Ok(json(200, &own.map(shown).collect::<Vec<_>>()))
}

/// Shows one.
pub async fn get(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    Ok(json(200, &shown(&existing(&state, owner, &id).await?)))
}

/// Changes what the request names; what waits is sent as the endpoint is from now on.
pub async fn change(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let settings = WebhookSettings::parse(&body)?;
    let mut endpoint = existing(&state, owner, &id).await?;
    apply(&state, &mut endpoint, settings)?;
    endpoint.updated_at = state.app.clock.now();
    let written = endpoint.clone();
    let changed = state
        .app
        .store
        .write_async(move |tx| change_endpoint(tx, &written));
    if !changed.await? {
        return Err(missing());
    }
    tracing::info!(endpoint = %endpoint.id, "webhook changed");
    Ok(json(200, &shown(&endpoint)))
}

/// Stops sending; events are kept for it.
pub async fn pause(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    switched(&state, owner, &id, "webhook paused", pause_endpoint).await
}

/// Goes on with sending, also after it was disabled. What it missed while it was disabled is for a replay.
pub async fn resume(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    switched(&state, owner, &id, "webhook resumed", resume_endpoint).await
}

/// Switches an endpoint off and cancels what waits for it.
pub async fn disable(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let by_hand: Switch = |tx, act, id| disable_endpoint(tx, act, id, DisableReason::Operator);
    switched(&state, owner, &id, "webhook disabled", by_hand).await
}

/// Deletes an endpoint and cancels what waits for it. Only its log stays.
pub async fn delete(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let mut endpoint = existing(&state, owner, &id).await?;
    switch(&state, endpoint.id, delete_endpoint).await?;
    tracing::info!(endpoint = %endpoint.id, "webhook deleted");
    endpoint.state = EndpointState::Deleted;
    Ok(json(200, &shown(&endpoint)))
}

/// An act that takes an endpoint to another state; `false` where that changes nothing.
type Switch = fn(&mut Tx<'_>, &ActContext, EndpointId) -> Result<bool, StoreError>;

async fn switch(state: &HttpState, id: EndpointId, to: Switch) -> Result<bool, StoreError> {
    let (store, act) = (&state.app.store, state.app.acting());
    store.write_async(move |tx| to(tx, &act, id)).await
}

async fn switched(
    state: &HttpState,
    owner: Owner,
    id: &str,
    done: &str,
    to: Switch,
) -> Result<Response, ApiError> {
    let id = existing(state, owner, id).await?.id;
    switch(state, id, to).await?;
    now(state, id, done).await
}

async fn now(state: &HttpState, id: EndpointId, done: &str) -> Result<Response, ApiError> {
    tracing::info!(endpoint = %id, "{done}");
    let found = state.app.store.read_async(move |tx| endpoint(tx, id));
    Ok(json(200, &shown(&found.await?.ok_or_else(missing)?)))
}

fn missing() -> ApiError {
    ApiError::not_found("webhook")
}

/// The endpoint of a path.
async fn existing(state: &HttpState, owner: Owner, id: &str) -> Result<WebhookEndpoint, ApiError> {
    let id: EndpointId = id.parse().map_err(|_| missing())?;
    let found: Result<_, StoreError> = state.app.store.read_async(move |tx| endpoint(tx, id)).await;
    let found = found?.filter(|endpoint| owner.reaches(endpoint.account_id));
    found.ok_or_else(missing)
}

/// Takes over what the request names, after it was checked.
fn apply(
    state: &HttpState,
    endpoint: &mut WebhookEndpoint,
    settings: WebhookSettings,
) -> Result<(), ApiError> {
    if let Some(url) = settings.url {
        let vetted = state.egress.vet_url(&url);
        let forbidden = |error: webhooks::egress::UrlError| Problem::WebhookUrlForbidden {
            why: error.to_string().into(),
        };
        endpoint.url = vetted.map_err(forbidden)?.to_string();
    }
    if let Some(events) = settings.events {
        let names = events.iter().map(|event| event.as_str().to_owned());
        endpoint.events = names.collect();
    }
    if let Some(headers) = settings.headers {
        custom::headers(&headers).map_err(|error| invalid("headers", error.to_string()))?;
        endpoint.headers =
            serde_json::to_string(&headers).map_err(|error| ApiError::internal(&error))?;
    }
    if let Some(retry_seconds) = settings.retry_seconds {
        let own = retry_seconds.map(Schedule::own).transpose();
        let own = own.map_err(|error| invalid("retry_seconds", error.to_string()))?;
        endpoint.retry_seconds = own.and_then(|own| own.to_text());
    }
    endpoint.description = settings
        .description
        .unwrap_or(std::mem::take(&mut endpoint.description));
    endpoint.ordered = settings.ordered.unwrap_or(endpoint.ordered);
    endpoint.max_in_flight = settings.max_in_flight.unwrap_or(endpoint.max_in_flight);
    endpoint.per_second = settings.per_second.unwrap_or(endpoint.per_second);
    Ok(())
}

fn invalid(name: &'static str, why: String) -> ApiError {
    let (name, why) = (name.into(), why.into());
    Problem::InvalidParameter { name, why }.into()
}

/// An endpoint without its secrets.
fn shown(endpoint: &WebhookEndpoint) -> Webhook {
    let headers: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&endpoint.headers).unwrap_or_default();
    let delays = endpoint.retry_seconds.as_deref();
    Webhook {
        id: endpoint.id.to_string(),
        account_id: endpoint.account_id.to_string(),
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        events: endpoint
            .events
            .iter()
            .filter_map(|event| EventName::from_request(event).ok())
            .collect(),
        headers: headers.into_keys().collect(),
        state: endpoint.state.name(),
        disabled: endpoint.state == EndpointState::Disabled,
        disabled_reason: endpoint.reason.map(DisableReason::name),
        ordered: endpoint.ordered,
        retry_seconds: delays
            .map(|text| text.split(',').filter_map(|one| one.parse().ok()).collect()),
        max_in_flight: endpoint.max_in_flight,
        per_second: endpoint.per_second,
        created_at: present::micros(endpoint.created_at),
        updated_at: present::micros(endpoint.updated_at),
        disabled_at: endpoint.disabled_at.map(present::micros),
        failing_since: endpoint.failing_since.map(present::micros),
    }
}
