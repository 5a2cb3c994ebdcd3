//! `GET /admin/v1/suspense` and `POST /admin/v1/suspense/{id}/assign`: money that a person must place.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use payments::ids::SuspendedId;
use payments::suspense::{SuspendedItem, SuspenseState};
use store::acts::suspense::assign_suspended;
use store::queries::suspense;
use wire::Problem;
use wire::admin::AssignSuspendedRequest;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::body::JsonBody;
use super::super::query::pairs;
use super::super::segment::Segment;
use super::account_of;
use crate::present;
use crate::problem::ApiError;

/// The most items one answer lists.
const MAX_LISTED: i64 = 1_000;

/// Lists items, oldest first: the open ones, or with `?state=assigned` those that were given to an account.
///
/// # Errors
/// [`ApiError`]; so for every handler.
pub async fn list(
    State(state): State<HttpState>,
    _operator: Operator,
    uri: Uri,
) -> Result<Response, ApiError> {
    let named = pairs(&uri).into_iter().find(|(name, _)| name == "state");
    let listed = match named {
        None => SuspenseState::Open,
        Some((_, value)) => {
            SuspenseState::from_name(&value).ok_or_else(|| Problem::InvalidParameter {
                name: "state".into(),
                why: "it must be open or assigned".into(),
            })?
        }
    };
    let items = state
        .app
        .store
        .read_async(move |tx| suspense::list(tx, listed, MAX_LISTED))
        .await?;
    Ok(json(200, &items.iter().map(shown).collect::<Vec<_>>()))
}

/// Gives an item to an account, whole and once.
pub async fn assign(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(id): Segment,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = AssignSuspendedRequest::parse(&body)?;
    let id: SuspendedId = id
        .parse()
        .map_err(|_| ApiError::not_found("item in suspense"))?;
    let account = account_of(&state, Some(&request.account_id)).await?;
    let act = state.app.acting();
    let item = state
        .app
        .store
        .write_async(move |tx| assign_suspended(tx, &act, id, account))
        .await?;
    tracing::warn!(item = %id, %account, amount_msat = item.amount_msat.get(), "suspended money is assigned");
    Ok(json(200, &shown(&item)))
}

fn shown(item: &SuspendedItem) -> wire::admin::SuspendedItem {
    wire::admin::SuspendedItem {
        id: item.id.to_string(),
        state: item.state.name().to_owned(),
        reason: item.reason.name().to_owned(),
        amount_msat: item.amount_msat.get(),
        payment_hash: item.payment_hash.to_string(),
        invoice_id: item.invoice_id.map(|id| id.to_string()),
        account_id: item.account_id.map(|id| id.to_string()),
        deposit_id: item.deposit_id.map(|id| id.to_string()),
        created_at: present::micros(item.created_at),
        updated_at: present::micros(item.updated_at),
    }
}
