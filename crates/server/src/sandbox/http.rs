//! `/sandbox/…`: the calls that produce every outcome. They take the admin token, or a session of the console.

mod chain;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::PaymentFailure;
use rail_ldk::{LdkNode, SendError};
use wire::Problem;
use wire::sandbox as body;

use super::counterparty::{Ended, ReleaseError};
use super::economy::Economy;
use super::invoice::InvoiceError;
use super::router::Route;
use super::session;
use crate::http::HttpState;
use crate::http::answer::json;
use crate::http::body::JsonBody;
use crate::http::routes::operator;
use crate::problem::{self, ApiError};
use crate::workers::onchain::ChainWatcher;

/// How long a payment of the counterparty is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct SandboxState {
    economy: Arc<Economy>,
    watcher: Arc<ChainWatcher>,
}

/// The sandbox's calls.
pub(super) fn router(
    economy: Arc<Economy>,
    watcher: Arc<ChainWatcher>,
    state: &HttpState,
) -> Router {
    let check = from_fn_with_state(state.clone(), operator);
    let console = Router::new()
        .route("/sandbox/session", post(session::begin))
        .with_state(state.clone());
    Router::new()
        .route("/sandbox", get(overview))
        .route("/sandbox/invoice", post(invoice))
        .route("/sandbox/pay", post(pay))
        .route("/sandbox/send", post(chain::send))
        .route("/sandbox/replace", post(chain::replace))
        .route("/sandbox/mine", post(chain::mine))
        .route("/sandbox/reorg", post(chain::reorg))
        .route("/sandbox/release", post(release))
        .route_layer(check)
        .with_state(SandboxState { economy, watcher })
        .merge(console)
}

/// Runs a call to a node on a thread that may block.
async fn blocking<T: Send + 'static>(
    state: &SandboxState,
    call: impl FnOnce(&Economy) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let economy = Arc::clone(&state.economy);
    tokio::task::spawn_blocking(move || call(&economy))
        .await
        .map_err(|error| ApiError::internal(&error))
}

fn msat(amount_msat: Option<i64>) -> Result<Option<Msat>, ApiError> {
    amount_msat.map(Msat::new).transpose().map_err(|_| {
        Problem::AmountTooLarge {
            maximum_msat: money::MAX_MONEY_MSAT,
        }
        .into()
    })
}

async fn invoice(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let request = body::InvoiceRequest::parse(&bytes)?;
    let amount_msat = msat(request.amount_msat)?;
    let made = blocking(&state, move |economy| {
        economy.invoice(
            request.via,
            amount_msat,
            &request.description,
            request.expiry_seconds,
            request.behaviour,
        )
    })
    .await?
    .map_err(not_made)?;
    let expires_at = made.expires_at.unwrap_or(jiff::Timestamp::MAX);
    let answer = body::Invoice {
        payment_request: made.bolt11,
        payment_hash: made.payment_hash.to_string(),
        amount_msat: request.amount_msat,
        expires_at: crate::present::micros(expires_at),
    };
    Ok(json(201, &answer))
}

fn not_made(error: InvoiceError) -> Problem {
    match error {
        InvoiceError::NotRouted => Problem::DestinationUnavailable {
            why:
                "the sandbox's router has no usable channel: mine blocks or start the sandbox again"
                    .into(),
        },
        InvoiceError::Node(error) => {
            tracing::info!(error = %problem::chain(&error), "the counterparty made no invoice");
            Problem::InvalidParameter {
                name: "description".into(),
                why: "the counterparty's node refused it or the amount".into(),
            }
        }
    }
}

async fn pay(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let request = body::PayRequest::parse(&bytes)?;
    let amount_msat = msat(request.amount_msat)?;
    let bolt11 = request.payment_request.trim().to_ascii_lowercase();
    let sent = blocking(&state, move |economy| {
        economy.counterparty.pay(&bolt11, amount_msat)
    })
    .await?;
    let (hash, ended) = sent.map_err(refused)?;
    let answer = match tokio::time::timeout(PATIENCE, ended).await {
        Ok(Ok(Ended::Settled(preimage))) => body::Paid {
            status: "settled",
            payment_hash: hash.to_string(),
            preimage: preimage.map(|preimage| preimage.reveal()),
            reason: None,
        },
        Ok(Ok(Ended::Failed(reason))) => body::Paid {
            status: "failed",
            payment_hash: hash.to_string(),
            preimage: None,
            reason: Some(failure(reason).to_owned()),
        },
        Ok(Err(_)) | Err(_) => body::Paid {
            status: "pending",
            payment_hash: hash.to_string(),
            preimage: None,
            reason: None,
        },
    };
    Ok(json(200, &answer))
}

fn refused(error: SendError) -> ApiError {
    match error {
        SendError::NotAnInvoice => Problem::InvalidInvoice {
            why: "its form, checksum or signature is wrong".into(),
        },
        SendError::WrongAmount => Problem::InvalidParameter {
            name: "amount_msat".into(),
            why: "it must be given for an invoice without an amount, and for no other".into(),
        },
        SendError::Duplicate => Problem::AlreadyPaid,
        SendError::NotSent => Problem::DestinationUnavailable {
            why: "the counterparty found no way to pay it: it expired, or is too large".into(),
        },
        SendError::Node(error) => return ApiError::internal(&error),
    }
    .into()
}

fn failure(reason: PaymentFailure) -> &'static str {
    match reason {
        PaymentFailure::RecipientRejected => "recipient_rejected",
        PaymentFailure::RouteNotFound => "route_not_found",
        PaymentFailure::RetriesExhausted => "retries_exhausted",
        PaymentFailure::Expired => "expired",
        PaymentFailure::Unexpected => "unexpected",
    }
}

async fn release(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let request = body::ReleaseRequest::parse(&bytes)?;
    let hash: PaymentHash =
        request
            .payment_hash
            .parse()
            .map_err(|_| Problem::InvalidParameter {
                name: "payment_hash".into(),
                why: "it must be 64 hexadecimal digits".into(),
            })?;
    let action = request.action;
    blocking(&state, move |economy| economy.release(&hash, action))
        .await?
        .map_err(|error| match error {
            ReleaseError::NotHeld => ApiError::from(Problem::PaymentNotHeld),
            ReleaseError::Node(error) => ApiError::internal(&error),
        })?;
    let status = match action {
        body::ReleaseAction::Settle => "settled",
        body::ReleaseAction::Fail => "failed",
    };
    Ok(json(200, &body::Released { status }))
}

async fn overview(State(state): State<SandboxState>) -> Result<Response, ApiError> {
    let overview = blocking(&state, |economy| {
        let tip = economy.chain.tip();
        let counterparty = economy.counterparty.node.node_id();
        let mut channels = economy.node.channels();
        channels.sort_by_key(|channel| channel.counterparty != counterparty);
        body::Overview {
            height: tip.height,
            tip: tip.hash.to_string(),
            node_id: economy.node.node_id().to_string(),
            counterparty_node_id: counterparty.to_string(),
            counterparty_address: economy.counterparty_address.to_string(),
            router: body::Router {
                node_id: economy.router.node.node.node_id().to_string(),
                address: economy.router.address.to_string(),
                routes: economy
                    .router
                    .routes
                    .each_ref()
                    .map(|to| route(economy, to))
                    .into(),
            },
            channels: channels.iter().map(channel).collect(),
            balances: body::Balances {
                node: balance(&economy.node),
                counterparty: balance(&economy.counterparty.node),
                router: balance(&economy.router.node.node),
            },
        }
    })
    .await?;
    Ok(json(200, &overview))
}

fn route(economy: &Economy, route: &Route) -> body::Route {
    body::Route {
        via: route.via.as_str(),
        payee_node_id: route.payee.node.node_id().to_string(),
        base_fee_msat: route.fee.base_msat,
        fee_millionths: route.fee.proportional_millionths,
        usable: economy.is_routed(route.via),
    }
}

fn channel(channel: &rail_ldk::Channel) -> body::Channel {
    body::Channel {
        channel_id: channel.channel_id.to_string(),
        peer_node_id: channel.counterparty.to_string(),
        capacity_sats: channel.capacity_sat,
        outbound_msat: channel.outbound_capacity_msat.get(),
        inbound_msat: channel.inbound_capacity_msat.get(),
        usable: channel.is_usable,
    }
}

fn balance(node: &LdkNode) -> body::NodeBalance {
    let balances = node.balances();
    body::NodeBalance {
        onchain_sats: balances.onchain_total_sat,
        lightning_sats: balances.lightning_total_sat,
    }
}
