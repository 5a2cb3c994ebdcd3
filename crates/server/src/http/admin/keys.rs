//! `POST /admin/v1/keys`: the key is shown once, here, and only its hash is kept.

use axum::extract::State;
use axum::response::Response;
use payments::api_key::KeySecret;
use store::acts::account::create_api_key;
use wire::admin::{ApiKey, CreateKeyRequest, CreatedApiKey};

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::body::JsonBody;
use super::account_of;
use crate::present;
use crate::problem::ApiError;

/// Makes an API key.
///
/// # Errors
/// [`ApiError`].
pub async fn create(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = CreateKeyRequest::parse(&body)?;
    let account_id = account_of(&state, request.account_id.as_deref()).await?;
    let secret = KeySecret::generate(state.app.entropy.as_ref());
    let hash = secret.hash();
    let act = state.app.acting();
    let created_at = present::micros(act.now);
    let key = state
        .app
        .store
        .write_async(move |tx| create_api_key(tx, &act, account_id, &request.name, hash))
        .await?;
    tracing::info!(key = key.number, account = %account_id, "API key created");
    let info = ApiKey {
        id: key.number.to_string(),
        account_id: account_id.to_string(),
        name: key.name,
        scopes: Vec::new(),
        created_at,
        revoked_at: None,
    };
    Ok(json(
        201,
        &CreatedApiKey {
            info,
            key: secret.reveal(key.number),
        },
    ))
}
