//! `/admin/v1/…`: ours, for the operator.

pub mod accounts;
pub mod audit;
pub mod keys;
pub mod node;
pub mod reconciliation;
pub mod resume;
pub mod suspense;
pub mod webhooks;
pub mod withdrawals;

use payments::ids::AccountId;
use store::StoreError;
use store::queries;
use wire::Problem;

use super::HttpState;
use crate::problem::ApiError;

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
