//! `POST /admin/v1/resume`: a person has looked, and money may move again.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use store::StoreError;
use store::acts::halt::{hold_halt, resume};
use store::queries::reconciliation::latest_verdict;
use wire::Problem;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use crate::problem::ApiError;

#[derive(Serialize)]
struct Resumed {
    /// Why money was halted; null when it was not.
    was_halted: Option<String>,
}

/// Lets money move again, and answers why it was halted. While the books and the node differ, it stays halted.
///
/// # Errors
/// [`ApiError`].
pub async fn post(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let lifted = state
        .app
        .store
        .write_async(|tx| {
            // First the lock: a verdict that is being written is waited for.
            let reason = hold_halt(tx)?;
            let differences = latest_verdict(tx)?.map_or(0, |verdict| verdict.unexplained);
            if differences > 0 {
                return Ok(Err(Problem::BooksDiffer { differences }));
            }
            resume(tx)?;
            Ok::<_, StoreError>(Ok(reason))
        })
        .await?;
    let was_halted = lifted?;
    tracing::warn!(reason = was_halted.as_deref(), "money may move again");
    Ok(json(200, &Resumed { was_halted }))
}
