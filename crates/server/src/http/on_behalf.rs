//! A person at the console who acts for an account: the customer's own API, with a session and the account's id
//! instead of a key.
//!
//! It must never work with a key or the admin token, and everything that changes something is written down with the
//! person's name.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use payments::api_key::KeyRules;
use payments::ids::AccountId;
use store::acts::account::CreateKeyError;
use store::acts::console::{found, make};
use wire::Problem;

use super::auth::Actor;
use super::{HttpState, acting, session};
use crate::identity::Identity;
use crate::problem::ApiError;

/// The account that a person acts for.
pub const ACCOUNT: HeaderName = HeaderName::from_static("x-leyden-account");

/// The account that a request without a key names.
#[must_use]
pub fn account(headers: &HeaderMap) -> Option<String> {
    if headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let named = headers.get(ACCOUNT)?;
    Some(named.to_str().unwrap_or_default().to_owned())
}

/// Lets a person in that acts for `account`.
pub async fn of(state: &HttpState, account: String, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    match admitted(state, &account, &method, &headers).await {
        Ok((actor, identity)) => {
            let mut request = request;
            request.extensions_mut().insert(identity);
            acting::written_down(state, actor.to_string(), request, next).await
        }
        Err(error) => error.into_response(),
    }
}

async fn admitted(
    state: &HttpState,
    account: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(Actor, Identity), ApiError> {
    let actor = session::actor(state, method, headers).await?;
    let account: AccountId = account
        .parse()
        .map_err(|_| ApiError::not_found("account"))?;
    Ok((actor, identity(state, account).await?))
}

/// The console's key of the account, which is made when it is first needed.
async fn identity(state: &HttpState, account_id: AccountId) -> Result<Identity, ApiError> {
    let store = &state.app.store;
    let known = store.read_async(move |tx| found(tx, account_id)).await?;
    let (api_key_id, key_number) = match known {
        Some(known) => known,
        None => {
            let act = state.app.acting();
            let made = store
                .write_async(move |tx| make(tx, &act, account_id))
                .await;
            let made = made.map_err(|error| match error {
                CreateKeyError::UnknownAccount(_) => ApiError::not_found("account"),
                CreateKeyError::Closed => Problem::AccountClosed.into(),
                CreateKeyError::Store(error) => error.into(),
            })?;
            (made.id, made.number)
        }
    };
    Ok(Identity {
        account_id,
        api_key_id,
        key_number,
        scopes: KeyRules::default().scopes,
    })
}
