//! `GET /admin/v1/acts`: what administrators did, newest first.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use payments::ids::AdminActId;
use store::queries::admin::{AdminAct, acts};
use wire::Problem;
use wire::bitvora::{PageQuery, Success};

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::query::pairs;
use crate::present;
use crate::problem::ApiError;

/// What a page holds, unless the request says otherwise.
const PAGE: u16 = 100;

/// A page of the log.
///
/// # Errors
/// [`ApiError`].
pub async fn list(
    State(state): State<HttpState>,
    _operator: Operator,
    uri: Uri,
) -> Result<Response, ApiError> {
    let pairs = pairs(&uri);
    let named = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let query = PageQuery::from_pairs(named)?;
    let before: Option<AdminActId> =
        query
            .cursor
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| Problem::InvalidParameter {
                name: "cursor".into(),
                why: "it must be the next_cursor of another page".into(),
            })?;
    let limit = i64::from(query.limit.unwrap_or(PAGE));
    let read = state
        .app
        .store
        .read_async(move |tx| acts(tx, before, limit + 1));
    let mut found = read.await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = (found.len() > shown).then(|| {
        found.truncate(shown);
        found.last().map(|act| act.id.to_string())
    });
    let rows: Vec<_> = found.iter().map(row).collect();
    let page = Success::ok("Administrative acts", rows).with_next_cursor(next.flatten());
    Ok(json(200, &page))
}

fn row(act: &AdminAct) -> wire::admin::AdminAct {
    wire::admin::AdminAct {
        id: act.id.to_string(),
        actor: act.actor.clone(),
        address: act.address.clone(),
        method: act.method.clone(),
        path: act.path.clone(),
        request: act.request.clone(),
        asked_at: present::micros(act.asked_at),
        status: act.status,
        answered_at: act.answered_at.map(present::micros),
    }
}
