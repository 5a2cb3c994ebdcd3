//! `POST /admin/v1/webhooks/{id}/rotate` and `…/promote`. A secret is shown by the answer that makes it, and never
//! again.

use axum::extract::State;
use axum::response::Response;
use jiff::SignedDuration;
use payments::ids::EndpointId;
use payments::webhook::{SealedSecret, WebhookEndpoint};
use store::acts::webhook::secret::{MAX_OLD_SECRETS, Rotated, promote_secret, rotate_secret};
use webhooks::Secret;
use wire::admin::{CreatedWebhook, RotateRequest};

use super::super::super::HttpState;
use super::super::super::answer::json;
use super::super::super::auth::Owner;
use super::super::super::body::JsonBody;
use super::super::super::segment::Segment;
use super::{existing, invalid, missing, now, shown};
use crate::problem::ApiError;
use crate::sealing::seal;

/// A new secret.
pub(super) fn fresh(state: &HttpState) -> Secret {
    let mut random = [0; 32];
    state.app.entropy.fill(&mut random);
    Secret::generate(random)
}

/// A secret as it is stored.
pub(super) fn sealed(state: &HttpState, of: EndpointId, secret: &Secret) -> SealedSecret {
    seal(&state.sealing, state.app.entropy.as_ref(), of, secret)
}

/// The one answer that shows a secret.
pub(super) fn reveal(status: u16, endpoint: &WebhookEndpoint, secret: &Secret) -> Response {
    let created = CreatedWebhook {
        webhook: shown(endpoint),
        secret: secret.reveal().to_owned(),
        standard_secret: secret.reveal_standard(),
    };
    json(status, &created)
}

/// Makes a new secret. The old one signs for a while as well, and alone signs the Bitvora header, which has room for
/// one signature, until the new one is promoted or the old one expires.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn rotate(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = RotateRequest::parse(&body)?;
    let endpoint = existing(&state, owner, &id).await?;
    let (id, act, secret) = (endpoint.id, state.app.acting(), fresh(&state));
    let signing = sealed(&state, id, &secret);
    let keep = SignedDuration::from_secs(request.keep_old_seconds.into());
    let expires_at = act.now.checked_add(keep).unwrap_or(act.now);
    let rotated = state
        .app
        .store
        .write_async(move |tx| rotate_secret(tx, &act, id, &signing, expires_at));
    match rotated.await? {
        Rotated::Done => {}
        Rotated::Missing => return Err(missing()),
        Rotated::TooMany => {
            let why = format!("it must wait: {MAX_OLD_SECRETS} old secrets sign as well");
            return Err(invalid("keep_old_seconds", why));
        }
    }
    tracing::info!(endpoint = %id, "the secret of a webhook was replaced");
    Ok(reveal(200, &endpoint, &secret))
}

/// Lets the current secret sign the Bitvora header from now on.
pub async fn promote(
    State(state): State<HttpState>,
    owner: Owner,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id = existing(&state, owner, &id).await?.id;
    let store = &state.app.store;
    store.write_async(move |tx| promote_secret(tx, id)).await?;
    now(&state, id, "the new secret of a webhook was promoted").await
}
