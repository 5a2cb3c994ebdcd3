//! The calls that change the chain: each returns when our wallet has seen it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, FeeRate, Network, ScriptBuf, Txid};
use devchain::{PayError, ReplaceError, Tip};
use wire::Problem;
use wire::sandbox::chain as body;
use wire::sandbox::{Mined, blocks};

use super::{SandboxState, blocking};
use crate::http::answer::json;
use crate::http::body::JsonBody;
use crate::problem::ApiError;
use crate::sandbox::error::EconomyError;

/// The counterparty pays to an address.
pub(super) async fn send(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let request = body::SendRequest::parse(&bytes)?;
    let script = script(&request.address)?;
    let rate = FeeRate::from_sat_per_vb(request.fee_rate_sat_per_vb).unwrap_or(FeeRate::MAX);
    let sent = blocking(&state, move |economy| {
        let faucet = economy.chain.faucet();
        faucet.pay(script, request.amount_sats, rate)
    });
    let txid = sent.await?.map_err(not_sent)?;
    seen(&state, txid).await
}

fn script(address: &str) -> Result<ScriptBuf, ApiError> {
    let parsed = address.trim().parse::<Address<NetworkUnchecked>>().ok();
    let ours = parsed.and_then(|address| address.require_network(Network::Regtest).ok());
    let ours = ours.ok_or_else(|| Problem::InvalidParameter {
        name: "address".into(),
        why: "it must be a Bitcoin address of regtest".into(),
    })?;
    Ok(ours.script_pubkey())
}

fn not_sent(error: PayError) -> ApiError {
    let why = match error {
        PayError::InsufficientFunds { .. } => "it must not be more than the counterparty has",
        PayError::FeeTooHigh | PayError::Rejected(_) => {
            "it must be an amount that the chain takes: dust is refused"
        }
    };
    Problem::InvalidParameter {
        name: "amount_sats".into(),
        why: why.into(),
    }
    .into()
}

/// The counterparty takes an unconfirmed payment back, by one that pays more to miners.
pub(super) async fn replace(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let wrong = |why: &'static str| Problem::InvalidParameter {
        name: "txid".into(),
        why: why.into(),
    };
    let txid: Txid = body::replaced_txid(&bytes)?
        .parse()
        .map_err(|_| wrong("it must be 64 hexadecimal digits"))?;
    let replaced = blocking(&state, move |economy| economy.chain.faucet().replace(txid));
    let txid = replaced.await?.map_err(|error| match error {
        ReplaceError::NotWaiting => wrong("it must be a transaction that waits for a block"),
        ReplaceError::NotOurs | ReplaceError::Rejected(_) => {
            wrong("it must be a payment of the counterparty that can still be replaced")
        }
    })?;
    seen(&state, txid).await
}

async fn seen(state: &SandboxState, txid: Txid) -> Result<Response, ApiError> {
    look(state).await?;
    let txid = txid.to_string();
    Ok(json(200, &body::Sent { txid }))
}

/// Blocks.
pub(super) async fn mine(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let blocks = blocks(&bytes)?;
    let mined = blocking(&state, move |economy| {
        economy.mine(blocks)?;
        Ok::<_, EconomyError>(economy.chain.tip())
    });
    let tip = mined.await?.map_err(|error| ApiError::internal(&error))?;
    grown(&state, tip).await
}

/// Another branch takes over, one block longer; what was in the old blocks waits again.
pub(super) async fn reorg(
    State(state): State<SandboxState>,
    JsonBody(bytes): JsonBody,
) -> Result<Response, ApiError> {
    let depth = body::depth(&bytes)?;
    let branched = blocking(&state, move |economy| economy.reorganise(depth)).await?;
    let tip = branched.map_err(|error| match error {
        EconomyError::TooDeep { most } => Problem::InvalidParameter {
            name: "depth".into(),
            why: format!("it must be at most the {most} blocks since the sandbox was started")
                .into(),
        }
        .into(),
        error => ApiError::internal(&error),
    })?;
    grown(&state, tip).await
}

async fn grown(state: &SandboxState, tip: Tip) -> Result<Response, ApiError> {
    look(state).await?;
    let (height, tip) = (tip.height, tip.hash.to_string());
    Ok(json(200, &Mined { height, tip }))
}

/// Returns when our wallet has seen the chain as it is.
async fn look(state: &SandboxState) -> Result<(), ApiError> {
    let watcher = Arc::clone(&state.watcher);
    tokio::task::spawn_blocking(move || watcher.look())
        .await
        .map_err(|error| ApiError::internal(&error))?
        .map_err(|error| ApiError::internal(&error))
}
