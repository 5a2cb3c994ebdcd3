//! `GET /admin/v1/audit`: every invariant of the books, and what breaks it.

use axum::extract::State;
use axum::response::Response;
use store::queries::audit::audit;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use crate::audit::Report;
use crate::problem::ApiError;

/// Audits the books: 200 when every invariant holds, 500 with the same body when one does not.
///
/// # Errors
/// [`ApiError`].
pub async fn get(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let audit = state.app.store.read_async(audit).await?;
    let status = if audit.holds() { 200 } else { 500 };
    Ok(json(status, &Report::of(&audit)))
}
