//! `POST`, `GET` and `DELETE /admin/v1/webhooks`. The secret is shown once, when the endpoint is made.

use axum::extract::State;
use axum::response::Response;
use payments::ids::EndpointId;
use payments::webhook::{DisableReason, EndpointState, SigningSecret, WebhookEndpoint};
use store::acts::webhook::endpoint::{create_endpoint, disable_endpoint};
use store::queries::webhook::endpoints;
use webhooks::Secret;
use wire::Problem;
use wire::admin::{CreateWebhookRequest, CreatedWebhook, Webhook};
use wire::bitvora::EventName;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::body::JsonBody;
use super::super::segment::Segment;
use super::account_of;
use crate::present;
use crate::problem::ApiError;

/// Makes an endpoint.
///
/// # Errors
/// [`ApiError`].
pub async fn create(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = CreateWebhookRequest::parse(&body)?;
    let url = state
        .egress
        .vet_url(&request.url)
        .map_err(|error| Problem::WebhookUrlForbidden {
            why: error.to_string().into(),
        })?;
    let account_id = account_of(&state, request.account_id.as_deref()).await?;
    let mut random = [0; 32];
    state.app.entropy.fill(&mut random);
    let secret = Secret::generate(random);
    let app = &state.app;
    let signing = SigningSecret::from_text(secret.reveal().to_owned());
    let events = request.events.iter().map(|event| event.as_str().to_owned());
    let endpoint = WebhookEndpoint::new(
        app.ids.fresh(),
        account_id,
        url.to_string(),
        signing,
        app.clock.now(),
    )
    .with_events(events.collect());
    let written = endpoint.clone();
    state
        .app
        .store
        .write_async(move |tx| create_endpoint(tx, &written))
        .await?;
    tracing::info!(endpoint = %endpoint.id, account = %account_id, "webhook created");
    let created = CreatedWebhook {
        webhook: shown(&endpoint),
        secret: secret.reveal().to_owned(),
        standard_secret: secret.reveal_standard(),
    };
    Ok(json(201, &created))
}

/// Lists endpoints, oldest first, without their secrets.
///
/// # Errors
/// [`ApiError`].
pub async fn list(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let found = state.app.store.read_async(|tx| endpoints(tx, None)).await?;
    Ok(json(200, &found.iter().map(shown).collect::<Vec<_>>()))
}

/// Switches an endpoint off and cancels what waits for it. Its log stays.
///
/// # Errors
/// [`ApiError`].
pub async fn delete(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: EndpointId = id.parse().map_err(|_| ApiError::not_found("webhook"))?;
    let found = state.app.store.read_async(|tx| endpoints(tx, None)).await?;
    let mut endpoint = found
        .into_iter()
        .find(|endpoint| endpoint.id == id)
        .ok_or_else(|| ApiError::not_found("webhook"))?;
    let act = state.app.acting();
    state
        .app
        .store
        .write_async(move |tx| disable_endpoint(tx, &act, id, DisableReason::Operator))
        .await?;
    endpoint.state = EndpointState::Disabled;
    tracing::info!(endpoint = %endpoint.id, "webhook disabled");
    Ok(json(200, &shown(&endpoint)))
}

fn shown(endpoint: &WebhookEndpoint) -> Webhook {
    Webhook {
        id: endpoint.id.to_string(),
        account_id: endpoint.account_id.to_string(),
        url: endpoint.url.clone(),
        events: endpoint
            .events
            .iter()
            .filter_map(|event| EventName::from_request(event).ok())
            .collect(),
        disabled: endpoint.state == EndpointState::Disabled,
        created_at: present::micros(endpoint.created_at),
    }
}
