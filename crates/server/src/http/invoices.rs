//! `POST /v1/bitcoin/deposit/lightning-invoice`, and one invoice by either of its two paths.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use money::Msat;
use payments::ids::InvoiceId;
use store::queries;
use wire::Problem;
use wire::bitvora::{LightningInvoiceRequest, Success};

use super::HttpState;
use super::answer::{encode, json, stored};
use super::auth::Customer;
use super::body::JsonBody;
use super::idempotency;
use super::segment::Segment;
use crate::flows::invoice::{DEFAULT_EXPIRY_SECONDS, NewInvoice, create as create_invoice};
use crate::present;
use crate::problem::ApiError;

/// The idempotency keys of this call.
const SCOPE: &str = "rest.lightning-invoice";

/// Makes an invoice.
///
/// # Errors
/// [`ApiError`].
pub async fn create(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let parsed = LightningInvoiceRequest::parse(&body)?;
    let amount_msat =
        Msat::new(parsed.amount.bitcoin_msat()?).map_err(|_| Problem::AmountTooLarge {
            maximum_msat: money::MAX_MONEY_MSAT,
        })?;
    let new = NewInvoice {
        amount_msat,
        description: parsed.description,
        expiry_seconds: parsed.expiry_seconds.unwrap_or(DEFAULT_EXPIRY_SECONDS),
        metadata: present::stored_metadata(&parsed.metadata),
        idempotency: idempotency::key(&headers, SCOPE, &body)?,
    };
    let node_id = state.app.node.key().await?.to_string();
    let response = create_invoice(&state.app, &identity, new, move |invoice| {
        let body = present::invoice(invoice, &node_id);
        encode(&Success::created(
            "Lightning invoice created successfully",
            body,
        ))
    })
    .await?;
    Ok(stored(201, response))
}

/// One invoice.
///
/// # Errors
/// [`ApiError`].
pub async fn get(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: InvoiceId = id.parse().map_err(|_| ApiError::not_found("invoice"))?;
    let account = identity.account_id;
    let found = state
        .app
        .store
        .read_async(move |tx| queries::payment::invoice(tx, account, id))
        .await?
        .ok_or_else(|| ApiError::not_found("invoice"))?;
    let body = present::invoice(&found, &state.app.node.key().await?.to_string());
    Ok(json(200, &Success::ok("Lightning invoice retrieved", body)))
}
