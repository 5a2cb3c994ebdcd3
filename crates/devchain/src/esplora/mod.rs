//! Esplora's HTTP API over a chain, as wallets and Lightning nodes read it.
//!
//! Paths and shapes are those of <https://github.com/Blockstream/esplora/blob/master/API.md>.
//! What is unknown is answered by 404, what is malformed or refused by 400, both in plain text. It
//! must never answer 429 or 503, nor 500 in passing: clients take them for a reason to try again.

mod blocks;
mod fees;
mod json;
mod scripts;
mod transactions;

use std::str::FromStr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::chain::Chain;

/// Twice the hex of the heaviest transaction that is relayed; more is not read.
const MAX_BODY_BYTES: usize = 1_600_000;

/// The whole API, to be served as it is or nested under a path.
pub fn router(chain: Chain) -> Router {
    Router::new()
        .merge(block_routes())
        .merge(transaction_routes())
        .merge(script_routes())
        .route("/fee-estimates", get(fees::estimates))
        .route("/mempool", get(transactions::mempool))
        .route("/mempool/txids", get(transactions::mempool_txids))
        .route("/mempool/recent", get(transactions::mempool_recent))
        .fallback(|| async { Refusal::NotFound("endpoint does not exist") })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(chain)
}

fn block_routes() -> Router<Chain> {
    Router::new()
        .route("/blocks", get(blocks::newest))
        .route("/blocks/{height}", get(blocks::from_height))
        .route("/blocks/tip/hash", get(blocks::tip_hash))
        .route("/blocks/tip/height", get(blocks::tip_height))
        .route("/block-height/{height}", get(blocks::hash_at))
        .route("/block/{hash}", get(blocks::summary))
        .route("/block/{hash}/header", get(blocks::header))
        .route("/block/{hash}/raw", get(blocks::raw))
        .route("/block/{hash}/status", get(blocks::status))
        .route("/block/{hash}/txids", get(blocks::txids))
        .route("/block/{hash}/txid/{index}", get(blocks::txid_at))
        .route("/block/{hash}/txs", get(blocks::first_txs))
        .route("/block/{hash}/txs/{start}", get(blocks::txs_from))
}

fn transaction_routes() -> Router<Chain> {
    Router::new()
        .route("/tx", post(transactions::broadcast))
        .route("/tx/{txid}", get(transactions::summary))
        .route("/tx/{txid}/status", get(transactions::status))
        .route("/tx/{txid}/hex", get(transactions::hex))
        .route("/tx/{txid}/raw", get(transactions::raw))
        .route("/tx/{txid}/merkle-proof", get(transactions::merkle_proof))
        .route(
            "/tx/{txid}/merkleblock-proof",
            get(transactions::merkle_block),
        )
        .route("/tx/{txid}/outspend/{vout}", get(transactions::outspend))
        .route("/tx/{txid}/outspends", get(transactions::outspends))
}

fn script_routes() -> Router<Chain> {
    let mut routes = Router::new();
    for kind in ["address", "scripthash"] {
        routes = routes
            .route(&format!("/{kind}/{{script}}"), get(scripts::stats))
            .route(&format!("/{kind}/{{script}}/utxo"), get(scripts::utxos))
            .route(&format!("/{kind}/{{script}}/txs"), get(scripts::txs))
            .route(
                &format!("/{kind}/{{script}}/txs/mempool"),
                get(scripts::mempool_txs),
            )
            .route(
                &format!("/{kind}/{{script}}/txs/chain"),
                get(scripts::chain_txs),
            )
            .route(
                &format!("/{kind}/{{script}}/txs/chain/{{last}}"),
                get(scripts::chain_txs_after),
            );
    }
    routes
}

/// What is answered instead of what was asked for.
#[derive(Debug)]
enum Refusal {
    NotFound(&'static str),
    Malformed(&'static str),
    /// A transaction, refused by the chain or not even one.
    Transaction {
        code: i32,
        message: String,
    },
    /// The chain can no longer write its log. This does not pass by itself.
    Broken(String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, what).into_response(),
            Self::Malformed(what) => (StatusCode::BAD_REQUEST, what).into_response(),
            Self::Transaction { code, message } => {
                // As electrs words what bitcoind's RPC answered.
                let error = serde_json::json!({ "code": code, "message": message });
                let text = format!("sendrawtransaction RPC error: {error}");
                (StatusCode::BAD_REQUEST, text).into_response()
            }
            Self::Broken(what) => (StatusCode::INTERNAL_SERVER_ERROR, what).into_response(),
        }
    }
}

/// Reads a part of the path. Esplora words every fault in one of a few ways.
fn parse<T: FromStr>(text: &str, fault: &'static str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::Malformed(fault))
}

/// A byte string as the body.
fn binary(bytes: Vec<u8>) -> Response {
    bytes.into_response()
}
