//! `GET /v1/transactions`, `…/deposits/{id}` and `…/withdrawals/{id}`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use payments::ids::{DepositId, WithdrawalId};
use store::{StoreError, queries};
use wire::Problem;
use wire::bitvora::{PageQuery, Success};

use super::HttpState;
use super::answer::json;
use super::auth::Customer;
use super::query::pairs;
use super::segment::Segment;
use crate::flows::pending::details;
use crate::present;
use crate::problem::ApiError;

/// What a request without a limit gets: existing clients send none and expect the list.
const DEFAULT_LIMIT: u16 = 1_000;

/// A page of the account's transactions, newest first.
///
/// # Errors
/// [`ApiError`]; so for every handler.
pub async fn list(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    uri: Uri,
) -> Result<Response, ApiError> {
    let pairs = pairs(&uri);
    let query = PageQuery::from_pairs(
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )?;
    let before = query.cursor.as_deref().map(cursor).transpose()?;
    let limit = i64::from(query.limit.unwrap_or(DEFAULT_LIMIT));
    let account = identity.account_id;
    let page = state
        .app
        .store
        .read_async(move |tx| queries::transaction::page(tx, account, before, limit + 1))
        .await?;
    let shown = page.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = (page.len() > shown)
        .then(|| page.get(shown.saturating_sub(1)))
        .flatten()
        .map(|last| hex::encode(last.id_bytes()));
    let network = state.app.network;
    let rows: Vec<_> = page
        .iter()
        .take(shown)
        .map(|row| present::transaction(row, network))
        .collect();
    Ok(json(
        200,
        &Success::ok("Transactions retrieved", rows).with_next_cursor(next),
    ))
}

fn cursor(text: &str) -> Result<[u8; 16], ApiError> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).map_err(|_| Problem::InvalidParameter {
        name: "cursor".into(),
        why: "it must be the next_cursor of another page".into(),
    })?;
    Ok(id)
}

/// One deposit.
///
/// # Errors
/// [`ApiError`].
pub async fn deposit(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: DepositId = id.parse().map_err(|_| ApiError::not_found("deposit"))?;
    let account = identity.account_id;
    let found = state
        .app
        .store
        .read_async(move |tx| queries::payment::deposit(tx, account, id))
        .await?
        .ok_or_else(|| ApiError::not_found("deposit"))?;
    let body = present::deposit(&found, state.app.network);
    Ok(json(200, &Success::ok("Deposit retrieved", body)))
}

/// One withdrawal, and why it is pending while it is.
///
/// # Errors
/// [`ApiError`].
pub async fn withdrawal(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: WithdrawalId = id.parse().map_err(|_| ApiError::not_found("withdrawal"))?;
    let account = identity.account_id;
    let found = state
        .app
        .store
        .read_async(move |tx| {
            let found = queries::payment::withdrawal(tx, account, id)?;
            Ok::<_, StoreError>((found, queries::reconciliation::latest_verdict(tx)?))
        })
        .await?;
    let (found, verdict) = found;
    let found = found.ok_or_else(|| ApiError::not_found("withdrawal"))?;
    let body = details(&found, verdict.as_ref(), state.app.network);
    Ok(json(200, &Success::ok("Withdrawal retrieved", body)))
}
