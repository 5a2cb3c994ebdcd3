//! `GET /admin/v1/reconciliation`: the books against the node, every difference by its name.

use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use store::acts::reconciliation::request_verdict;
use store::queries::reconciliation::latest_verdict;
use wire::Problem;

use super::super::HttpState;
use super::super::answer::stored;
use super::super::auth::Operator;
use super::super::query::pairs;
use crate::problem::ApiError;

/// How long a comparison of everything may take before the caller is told to ask again.
const PATIENCE: Duration = Duration::from_secs(25);
/// How long one look for the answer waits for the next.
const LOOK: Duration = Duration::from_millis(50);

/// The latest verdict; with `?everything=true` a new one, of every payment that the node still knows.
///
/// # Errors
/// [`ApiError`]; `rail_unavailable` while no process runs the node.
pub async fn get(
    State(state): State<HttpState>,
    _operator: Operator,
    uri: Uri,
) -> Result<Response, ApiError> {
    let everything = pairs(&uri)
        .iter()
        .any(|(name, value)| name == "everything" && value == "true");
    let number = if everything {
        state.app.store.write_async(request_verdict).await?
    } else {
        0
    };
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let kept = state.app.store.read_async(latest_verdict).await?;
            if let Some(verdict) = kept.filter(|verdict| verdict.answered >= number) {
                return Ok::<_, ApiError>(verdict);
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    match waited.await {
        Ok(verdict) => Ok(stored(200, verdict?.body)),
        Err(_) => Err(Problem::RailUnavailable {
            rail: "lightning".into(),
        }
        .into()),
    }
}
