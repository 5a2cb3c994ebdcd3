//! `/admin/v1/session`: a person comes in, looks who it is, and leaves.
//!
//! Coming in is written into the log whether it succeeds or not. A wrong password and an unknown name are one answer.

use axum::extract::State;
use axum::http::{Extensions, HeaderMap, header};
use axum::response::Response;
use store::acts::admin::{
    Attempt, NewAdminAct, begin_session, count_attempt, end_session, record_act, record_outcome,
};
use wire::Problem;
use wire::admin::{AdminSession, Credentials};

use super::super::answer::json;
use super::super::body::JsonBody;
use super::super::session::{
    LIFETIME, SessionToken, has_csrf_token, holder, is_password, no_cookie,
};
use super::super::{HttpState, client_address};
use crate::present;
use crate::problem::ApiError;

/// Begins a session.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn begin(
    State(state): State<HttpState>,
    headers: HeaderMap,
    extensions: Extensions,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let credentials = Credentials::parse(&body)?;
    let shown: String = credentials.name.chars().take(64).collect();
    let asked = NewAdminAct {
        actor: format!("user {shown}"),
        address: client_address::of(&extensions).map(|address| address.to_string()),
        method: "POST".to_owned(),
        path: "/admin/v1/session".to_owned(),
        request: String::new(),
    };
    let (act, name) = (state.app.acting(), credentials.name.clone());
    let store = &state.app.store;
    let counted = store.write_async(move |tx| {
        let id = record_act(tx, &act, &asked)?;
        Ok::<_, store::StoreError>((id, count_attempt(tx, &act, &name)?))
    });
    let (id, attempt) = counted.await?;
    let answer = admit(&state, &headers, attempt, credentials).await;
    let status = match &answer {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.problem.status(),
    };
    let act = state.app.acting();
    store
        .write_async(move |tx| record_outcome(tx, &act, id, status))
        .await?;
    answer
}

async fn admit(
    state: &HttpState,
    headers: &HeaderMap,
    attempt: Attempt,
    credentials: Credentials,
) -> Result<Response, ApiError> {
    let (user, hash) = match attempt {
        Attempt::Check(user, hash) => (Some(user), Some(hash)),
        Attempt::Unknown => (None, None),
        Attempt::Locked(until) => {
            let left = until.duration_since(state.app.clock.now()).as_secs();
            return Err(Problem::RateLimited {
                retry_after_seconds: u64::try_from(left).unwrap_or(0) + 1,
            }
            .into());
        }
    };
    let is_right = is_password(hash, credentials.password).await?;
    let Some(user) = user.filter(|_| is_right) else {
        return Err(Problem::InvalidLogin.into());
    };
    let (token, act) = (SessionToken::fresh(state), state.app.acting());
    let (hash, expires_at) = (token.hash(), act.now + LIFETIME);
    let begun = state
        .app
        .store
        .write_async(move |tx| begin_session(tx, &act, user, hash, expires_at));
    begun.await?;
    tracing::info!(user = credentials.name, "a session begins");
    let mut response = json(
        201,
        &AdminSession {
            name: credentials.name,
            csrf_token: token.csrf(),
            expires_at: present::micros(expires_at),
        },
    );
    let cookie = token.cookie(headers)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Whose session it is.
pub async fn get(State(state): State<HttpState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let token = SessionToken::of(&headers).ok_or(Problem::AuthenticationRequired)?;
    let (name, expires_at) = holder(&state, &token).await?;
    let body = AdminSession {
        name,
        csrf_token: token.csrf(),
        expires_at: present::micros(expires_at),
    };
    Ok(json(200, &body))
}

/// Ends a session.
pub async fn end(State(state): State<HttpState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let token = SessionToken::of(&headers).ok_or(Problem::AuthenticationRequired)?;
    let (name, expires_at) = holder(&state, &token).await?;
    if !has_csrf_token(&headers, &token) {
        return Err(Problem::CsrfTokenRequired.into());
    }
    let hash = token.hash();
    let ended = state.app.store.write_async(move |tx| end_session(tx, hash));
    ended.await?;
    let body = AdminSession {
        name,
        csrf_token: String::new(),
        expires_at: present::micros(expires_at),
    };
    let mut response = json(200, &body);
    let gone = no_cookie(&headers)?;
    response.headers_mut().insert(header::SET_COOKIE, gone);
    Ok(response)
}
