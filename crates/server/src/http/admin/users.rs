//! `/admin/v1/users`: the people who may administer the server.

use axum::extract::State;
use axum::response::Response;
use store::acts::admin::{create_user, remove_user, set_password};
use store::queries::admin::users;
use wire::Problem;
use wire::admin::{AdminUser, Credentials};

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::body::JsonBody;
use super::super::segment::Segment;
use super::super::session::hashed;
use crate::present;
use crate::problem::ApiError;

/// Makes a person.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn create(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let new = Credentials::parse_new(&body)?;
    let hash = hashed(&state, new.password).await?;
    let (act, name) = (state.app.acting(), new.name.clone());
    let created_at = present::micros(act.now);
    let made = state
        .app
        .store
        .write_async(move |tx| create_user(tx, &act, &name, &hash));
    if !made.await? {
        return Err(Problem::AlreadyExists {
            what: "user".into(),
        }
        .into());
    }
    tracing::info!(user = new.name, "a person may administer the server");
    let name = new.name;
    Ok(json(201, &AdminUser { name, created_at }))
}

/// Lists people by name.
pub async fn list(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let found = state.app.store.read_async(users).await?;
    let rows = found.into_iter().map(|user| AdminUser {
        name: user.name,
        created_at: present::micros(user.created_at),
    });
    Ok(json(200, &rows.collect::<Vec<_>>()))
}

/// Removes a person, whose sessions end.
pub async fn remove(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(name): Segment,
) -> Result<Response, ApiError> {
    let act = state.app.acting();
    let removed = state
        .app
        .store
        .write_async(move |tx| remove_user(tx, &act, &name));
    changed(removed.await?, &state).await
}

/// Gives a person another password; the sessions end.
pub async fn password(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(name): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let hash = hashed(&state, Credentials::parse_password(&body)?).await?;
    let set = state
        .app
        .store
        .write_async(move |tx| set_password(tx, &name, &hash));
    changed(set.await?, &state).await
}

/// The people as they are now, when there was somebody to change.
async fn changed(was_there: bool, state: &HttpState) -> Result<Response, ApiError> {
    match was_there {
        true => list(State(state.clone()), Operator).await,
        false => Err(ApiError::not_found("user")),
    }
}
