//! `/admin/v1/accounts`: made, listed and closed.

use axum::extract::State;
use axum::response::Response;
use payments::account::Account;
use payments::ids::AccountId;
use store::acts::account::{close_account, create_account};
use store::queries;
use wire::admin::CreateAccountRequest;

use super::super::HttpState;
use super::super::answer::json;
use super::super::auth::Operator;
use super::super::body::JsonBody;
use super::super::segment::Segment;
use crate::present;
use crate::problem::ApiError;

/// The most accounts one answer lists.
const MAX_LISTED: i64 = 1_000;

/// Makes an account.
///
/// # Errors
/// [`ApiError`].
pub async fn create(
    State(state): State<HttpState>,
    _operator: Operator,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let request = CreateAccountRequest::parse(&body)?;
    let act = state.app.acting();
    let account = state
        .app
        .store
        .write_async(move |tx| create_account(tx, &act, &request.name))
        .await?;
    tracing::info!(account = %account.id, "account created");
    Ok(json(201, &shown(&account)))
}

/// Lists accounts, oldest first.
///
/// # Errors
/// [`ApiError`].
pub async fn list(
    State(state): State<HttpState>,
    _operator: Operator,
) -> Result<Response, ApiError> {
    let read = state.app.store.read_async(|tx| {
        let accounts = queries::account::list(tx, MAX_LISTED)?;
        let balances = queries::account::balances(tx, &accounts)?;
        Ok::<_, store::StoreError>((accounts, balances))
    });
    let (accounts, balances) = read.await?;
    let rows = accounts.iter().zip(balances);
    let rows = rows.map(|(account, balance)| wire::admin::AccountWithBalance {
        account: shown(account),
        balance_msat: balance.available_msat.get(),
        held_msat: balance.held_msat.get(),
    });
    Ok(json(200, &rows.collect::<Vec<_>>()))
}

/// Closes an account that has nothing, and revokes its keys.
///
/// # Errors
/// [`ApiError`].
pub async fn close(
    State(state): State<HttpState>,
    _operator: Operator,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: AccountId = id.parse().map_err(|_| ApiError::not_found("account"))?;
    let (act, store) = (state.app.acting(), &state.app.store);
    let closed = store.write_async(move |tx| close_account(tx, &act, id));
    closed.await?;
    tracing::info!(account = %id, "account closed");
    let found = store
        .read_async(move |tx| queries::account::by_id(tx, id))
        .await?;
    let found = found.ok_or_else(|| ApiError::not_found("account"))?;
    Ok(json(200, &shown(&found)))
}

fn shown(account: &Account) -> wire::admin::Account {
    wire::admin::Account {
        id: account.id.to_string(),
        name: account.name.clone(),
        created_at: present::micros(account.created_at),
        closed_at: account.closed_at.map(present::micros),
    }
}
