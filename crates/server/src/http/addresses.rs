//! `POST /v1/bitcoin/deposit/on-chain`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use store::acts::onchain::address::WantedAddress;
use wire::bitvora::{OnChainAddressRequest, Success};

use super::HttpState;
use super::answer::{encode, stored};
use super::auth::Customer;
use super::body::JsonBody;
use super::idempotency;
use crate::flows::deposit_address::give;
use crate::present;
use crate::problem::ApiError;

/// The idempotency keys of this call.
const SCOPE: &str = "rest.on-chain";

/// Gives out a fresh address.
///
/// # Errors
/// [`ApiError`].
pub async fn create(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let parsed = OnChainAddressRequest::parse(&body)?;
    let wanted = WantedAddress {
        account_id: Some(identity.account_id),
        metadata: present::stored_metadata(&parsed.metadata),
        idempotency: idempotency::key(&headers, SCOPE, &body)?,
    };
    let account_id = identity.account_id;
    let response = give(&state.app, wanted, move |address| {
        let body = present::deposit_address(address, account_id);
        encode(&Success::created("On-chain address created", body))
    })
    .await?;
    Ok(stored(201, response))
}
