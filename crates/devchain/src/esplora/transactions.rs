//! `/tx…` and `/mempool…`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{Block, MerkleBlock, OutPoint, Transaction, Txid};

use super::json::{self, hex_of};
use super::{Refusal, binary, parse};
use crate::chain::Chain;
use crate::query::{Confirmation, TxInfo};
use crate::reject::Reject;

const NOT_FOUND: Refusal = Refusal::NotFound("Transaction not found");
/// Transactions in `/mempool/recent`.
const RECENT: usize = 10;

fn find(chain: &Chain, txid: &str) -> Result<TxInfo, Refusal> {
    chain
        .transaction(&parse(txid, "Invalid hex string")?)
        .ok_or(NOT_FOUND)
}

/// `POST /tx`. What is in the mempool already is welcome again, as in Core.
pub(super) async fn broadcast(State(chain): State<Chain>, body: String) -> Result<String, Refusal> {
    let tx = decode(&body)?;
    let txid = tx.compute_txid();
    // Checking scripts and syncing the log may take milliseconds.
    let submitted = tokio::task::spawn_blocking(move || chain.submit(tx)).await;
    match submitted.map_err(|panic| Refusal::Broken(panic.to_string()))? {
        Ok(_) | Err(Reject::AlreadyInMempool | Reject::SameNonWitnessDataInMempool) => {
            Ok(txid.to_string())
        }
        Err(stored @ Reject::NotStored { .. }) => Err(Refusal::Broken(stored.to_string())),
        Err(reject) => Err(Refusal::Transaction {
            code: reject.rpc_code(),
            message: match reject {
                Reject::AlreadyKnown => "Transaction outputs already in utxo set".to_owned(),
                reject => reject.to_string(),
            },
        }),
    }
}

fn decode(body: &str) -> Result<Transaction, Refusal> {
    let bytes = hex::decode(body.trim()).ok();
    bytes
        .and_then(|bytes| deserialize(&bytes).ok())
        .ok_or_else(|| Refusal::Transaction {
            code: -22,
            message: "TX decode failed. Make sure the tx has at least one input.".to_owned(),
        })
}

pub(super) async fn summary(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<Json<json::Tx>, Refusal> {
    Ok(Json(json::Tx::new(&find(&chain, &txid)?)))
}

pub(super) async fn status(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<Json<json::Status>, Refusal> {
    Ok(Json(json::Status::new(find(&chain, &txid)?.confirmation)))
}

pub(super) async fn hex(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<String, Refusal> {
    Ok(hex_of(&find(&chain, &txid)?.tx))
}

pub(super) async fn raw(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<Response, Refusal> {
    Ok(binary(serialize(&find(&chain, &txid)?.tx)))
}

fn confirmed(chain: &Chain, txid: &str) -> Result<(Txid, Confirmation, crate::BlockInfo), Refusal> {
    const UNCONFIRMED: Refusal = Refusal::NotFound("Transaction not found or is unconfirmed");
    let txid = parse(txid, "Invalid hex string")?;
    let at = chain.confirmation(&txid).ok_or(UNCONFIRMED)?;
    let block = chain.block(&at.block_hash).ok_or(UNCONFIRMED)?;
    Ok((txid, at, block))
}

pub(super) async fn merkle_proof(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<Json<json::MerkleProof>, Refusal> {
    let (_, at, info) = confirmed(&chain, &txid)?;
    Ok(Json(json::MerkleProof {
        block_height: at.height,
        merkle: merkle_path(&info.block, at.position),
        pos: at.position,
    }))
}

/// The neighbours on the way from a transaction up to the root.
fn merkle_path(block: &Block, mut position: usize) -> Vec<String> {
    let txids = block
        .txdata
        .iter()
        .map(|tx| tx.compute_txid().to_raw_hash());
    let mut level: Vec<sha256d::Hash> = txids.collect();
    let mut path = Vec::new();
    while level.len() > 1 {
        // A node without neighbour is its own.
        path.push(level[(position ^ 1).min(level.len() - 1)].to_string());
        level = level
            .chunks(2)
            .map(|pair| {
                let right = pair.get(1).unwrap_or(&pair[0]);
                sha256d::Hash::hash(&[pair[0].to_byte_array(), right.to_byte_array()].concat())
            })
            .collect();
        position /= 2;
    }
    path
}

pub(super) async fn merkle_block(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<String, Refusal> {
    let (txid, _, info) = confirmed(&chain, &txid)?;
    let proof = MerkleBlock::from_block_with_predicate(&info.block, |id| *id == txid);
    Ok(hex_of(&proof))
}

/// Nobody spends an output of an unknown transaction; Esplora does not answer 404 here.
pub(super) async fn outspend(
    State(chain): State<Chain>,
    Path((txid, vout)): Path<(String, String)>,
) -> Result<Json<json::Outspend>, Refusal> {
    let txid = parse(&txid, "Invalid hex string")?;
    let vout = parse(&vout, "Invalid number")?;
    Ok(Json(json::Outspend::new(
        chain.spender(&OutPoint { txid, vout }),
    )))
}

pub(super) async fn outspends(
    State(chain): State<Chain>,
    Path(txid): Path<String>,
) -> Result<Json<Vec<json::Outspend>>, Refusal> {
    let info = find(&chain, &txid)?;
    let outpoints = (0u32..).zip(&info.tx.output);
    let spenders = outpoints.map(|(vout, _)| {
        chain.spender(&OutPoint {
            txid: info.txid,
            vout,
        })
    });
    Ok(Json(spenders.map(json::Outspend::new).collect()))
}

pub(super) async fn mempool(State(chain): State<Chain>) -> Json<json::Mempool> {
    let totals = chain.mempool_totals();
    let mut fee_histogram: Vec<(f64, u64)> = Vec::new();
    for info in chain.mempool() {
        let vsize = info.tx.vsize() as u64;
        fee_histogram.push((info.fee_sat as f64 / vsize as f64, vsize));
    }
    fee_histogram.sort_by(|a, b| b.0.total_cmp(&a.0));
    Json(json::Mempool {
        count: totals.count,
        vsize: totals.vsize,
        total_fee: totals.fee_sat,
        fee_histogram,
    })
}

pub(super) async fn mempool_txids(State(chain): State<Chain>) -> Json<Vec<String>> {
    Json(chain.mempool_txids().iter().map(Txid::to_string).collect())
}

pub(super) async fn mempool_recent(State(chain): State<Chain>) -> Json<Vec<json::RecentTx>> {
    let newest_first = chain.mempool().into_iter().rev().take(RECENT);
    Json(
        newest_first
            .map(|info| json::RecentTx::new(&info))
            .collect(),
    )
}
