//! `GET /v1/transactions/balance`.

use axum::extract::State;
use axum::response::Response;
use store::queries;
use wire::bitvora::Success;

use super::HttpState;
use super::answer::json;
use super::auth::Customer;
use crate::present;
use crate::problem::ApiError;

/// The balance of the caller's account: what it can spend.
///
/// # Errors
/// [`ApiError`]; so for every handler.
pub async fn get(
    State(state): State<HttpState>,
    Customer(identity): Customer,
) -> Result<Response, ApiError> {
    let account = identity.account_id;
    let balance = state
        .app
        .store
        .read_async(move |tx| queries::account::balance(tx, account))
        .await?
        .ok_or_else(|| ApiError::not_found("account"))?;
    Ok(json(
        200,
        &Success::ok("Balance retrieved", present::balance(&balance)),
    ))
}
