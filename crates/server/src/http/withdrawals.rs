//! `POST /v1/bitcoin/withdraw/confirm`, to a BOLT 11 invoice.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use money::Msat;
use payments::withdrawal::Asked;
use store::acts::withdrawal::Reserved;
use wire::Problem;
use wire::bitvora::{Success, WithdrawRequest};

use super::HttpState;
use super::answer::{encode, stored};
use super::auth::Customer;
use super::body::JsonBody;
use super::idempotency;
use crate::flows::withdraw::{WithdrawalRequest, request};
use crate::present;
use crate::problem::ApiError;

/// The idempotency keys of this call.
const SCOPE: &str = "rest.withdraw";

/// Reserves a withdrawal and answers with it, pending.
///
/// # Errors
/// [`ApiError`].
pub async fn confirm(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let parsed = WithdrawRequest::parse(&body)?;
    let amount_msat = parsed
        .amount
        .map(|amount| amount.bitcoin_msat())
        .transpose()?;
    let amount_msat = amount_msat.map(amount).transpose()?;
    let fee_limit_msat = parsed.fee_limit_msat.map(amount).transpose()?;
    let withdrawal = WithdrawalRequest {
        payment_request: parsed.destination,
        asked: Asked {
            amount_msat,
            send_all: parsed.send_all,
            fee_limit_msat,
        },
        client_id: None,
        metadata: present::stored_metadata(&parsed.metadata),
        idempotency: idempotency::key(&headers, SCOPE, &body)?,
    };
    let network = state.app.network;
    let reserved = request(
        &state.app,
        &identity,
        withdrawal,
        move |withdrawal, _event| {
            let body = present::withdrawal(withdrawal, network);
            encode(&Success::created("Withdrawal created", body))
        },
    )
    .await?;
    let (Reserved::Now(_, response) | Reserved::Earlier(_, response) | Reserved::Replay(response)) =
        reserved;
    Ok(stored(201, response))
}

fn amount(msat: i64) -> Result<Msat, Problem> {
    Msat::new(msat).map_err(|_| Problem::AmountTooLarge {
        maximum_msat: money::MAX_MONEY_MSAT,
    })
}
