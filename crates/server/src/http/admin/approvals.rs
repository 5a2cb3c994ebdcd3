//! Withdrawals that wait for an approval: `/admin/v1/approvals` for the operator, `/v1/approvals` for an account's own
//! keys with the scope `admin`, of which the one that asked does not count.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use payments::ids::WithdrawalId;
use store::acts::approval::{Decider, Decision, decide};
use store::queries::payment::unapproved;
use wire::bitvora::Success;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Owner;
use super::super::segment::Segment;
use crate::flows::pending::details;
use crate::identity::Identity;
use crate::problem::ApiError;

/// The most one answer lists.
const MAX_LISTED: i64 = 1_000;

/// Who asks to decide.
pub struct By(Decider);

impl FromRequestParts<HttpState> for By {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &HttpState,
    ) -> Result<Self, Self::Rejection> {
        if let Some(identity) = parts.extensions.get::<Identity>() {
            return Ok(Self(Decider::Key(identity.account_id, identity.api_key_id)));
        }
        Owner::from_request_parts(parts, state).await?;
        Ok(Self(Decider::Operator))
    }
}

/// Lists what waits, oldest first.
///
/// # Errors
/// [`ApiError`]; so for every handler here.
pub async fn list(State(state): State<HttpState>, owner: Owner) -> Result<Response, ApiError> {
    let read = state
        .app
        .store
        .read_async(move |tx| unapproved(tx, owner.0, MAX_LISTED));
    let found = read.await?;
    let network = state.app.network;
    let rows: Vec<_> = found
        .iter()
        .map(|one| details(one, None, network))
        .collect();
    Ok(json(200, &Success::ok("Withdrawals that wait", rows)))
}

/// Lets a withdrawal go, once.
pub async fn approve(
    State(state): State<HttpState>,
    by: By,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    conclude(&state, by, &id, Decision::Approve).await
}

/// Gives a withdrawal up, once.
pub async fn reject(
    State(state): State<HttpState>,
    by: By,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    conclude(&state, by, &id, Decision::Reject).await
}

async fn conclude(
    state: &HttpState,
    By(by): By,
    id: &str,
    decision: Decision,
) -> Result<Response, ApiError> {
    let id: WithdrawalId = id.parse().map_err(|_| ApiError::not_found("withdrawal"))?;
    let (act, fees) = (state.app.acting(), state.app.fees);
    let decided = state
        .app
        .store
        .write_async(move |tx| decide(tx, &act, &fees, id, by, decision));
    let withdrawal = decided.await?;
    tracing::info!(withdrawal = %id, ?decision, state = withdrawal.state.name(), "withdrawal decided");
    let body = details(&withdrawal, None, state.app.network);
    Ok(json(200, &Success::ok("Withdrawal decided", body)))
}
