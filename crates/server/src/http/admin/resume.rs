//! `POST /admin/v1/resume`: a person has looked, and money may move again.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use store::StoreError;
use store::acts::halt::{halted, resume};

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use crate::problem::ApiError;

#[derive(Serialize)]
struct Resumed {
    /// Why money was halted; null when it was not.
    was_halted: Option<String>,
}

/// Lets money move again, and answers why it was halted.
///
/// # Errors
/// [`ApiError`].
pub async fn post(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let was_halted = state
        .app
        .store
        .write_async(|tx| {
            let reason = halted(tx)?;
            resume(tx)?;
            Ok::<_, StoreError>(reason)
        })
        .await?;
    tracing::warn!(reason = was_halted.as_deref(), "money may move again");
    Ok(json(200, &Resumed { was_halted }))
}
