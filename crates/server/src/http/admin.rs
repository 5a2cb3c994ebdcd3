//! `/admin/v1/…`: ours, for the operator.

pub mod accounts;
pub mod acts;
pub mod approvals;
pub mod audit;
pub mod console;
pub mod keys;
pub mod node;
pub mod reconciliation;
pub mod resume;
pub mod sessions;
pub mod suspense;
pub mod users;
pub mod webhooks;
pub mod withdrawals;

use payments::ids::AccountId;
use store::StoreError;
use store::queries;
use wire::Problem;

use super::HttpState;
use super::auth::Owner;
use crate::problem::ApiError;

/// The account that `owner` means with what a request names: its own, whatever that is.
async fn account_within(
    state: &HttpState,
    owner: Owner,
    named: Option<&str>,
) -> Result<AccountId, ApiError> {
    match owner.0 {
        None => account_of(state, named).await,
        Some(own) if named.is_none_or(|named| named == own.to_string()) => Ok(own),
        Some(_) => Err(ApiError::not_found("account")),
    }
}

/// The account a request names, or the only one there is.
async fn account_of(state: &HttpState, named: Option<&str>) -> Result<AccountId, ApiError> {
    let named: Option<AccountId> = named
        .map(str::parse)
        .transpose()
        .map_err(|_| ApiError::not_found("account"))?;
    let found = state
        .app
        .store
        .read_async(move |tx| {
            Ok::<_, StoreError>(match named {
                Some(id) => queries::account::by_id(tx, id)?.into_iter().collect(),
                None => queries::account::list(tx, 2)?,
            })
        })
        .await?;
    match (found.as_slice(), named) {
        ([account], _) => Ok(account.id),
        ([], Some(_)) => Err(ApiError::not_found("account")),
        _ => Err(Problem::MissingParameter {
            name: "account_id".into(),
        }
        .into()),
    }
}
