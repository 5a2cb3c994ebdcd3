//! `GET /admin/v1/withdrawals/{id}`: a withdrawal of any account, and why it is pending.

use axum::extract::State;
use axum::response::Response;
use payments::ids::WithdrawalId;
use store::StoreError;
use store::queries::payment::any_withdrawal;
use store::queries::reconciliation::latest_verdict;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::segment::Segment;
use crate::flows::pending::details;
use crate::problem::ApiError;

/// One withdrawal.
///
/// # Errors
/// [`ApiError`].
pub async fn get(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: WithdrawalId = id.parse().map_err(|_| ApiError::not_found("withdrawal"))?;
    let (found, verdict) = state
        .app
        .store
        .read_async(move |tx| Ok::<_, StoreError>((any_withdrawal(tx, id)?, latest_verdict(tx)?)))
        .await?;
    let found = found.ok_or_else(|| ApiError::not_found("withdrawal"))?;
    let body = details(&found, verdict.as_ref(), state.app.network);
    Ok(json(200, &body))
}
