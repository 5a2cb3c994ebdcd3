//! `/scripthash/…` and `/address/…`: the same answers, for a script named in two ways.
//!
//! Lists are newest first. A script that nobody ever used has an empty history; that is no error.

use axum::Json;
use axum::extract::{MatchedPath, Path, State};
use bitcoin::address::NetworkUnchecked;
use bitcoin::hashes::sha256;
use bitcoin::{Address, Network, Txid};
use serde_json::{Value, json};

use super::json::{ScriptTotals, Tx, Utxo};
use super::{Refusal, parse};
use crate::chain::Chain;
use crate::query::TxInfo;
use crate::utxo::script_hash;

/// Confirmed transactions on a page.
const PAGE: usize = 25;
/// Unconfirmed transactions on a page.
const MEMPOOL_PAGE: usize = 50;

/// The script that a path names.
fn script_of(path: &MatchedPath, name: &str) -> Result<sha256::Hash, Refusal> {
    if !path.as_str().contains("/address/{") {
        return parse(name, "Invalid hex string");
    }
    let address: Address<NetworkUnchecked> = parse(name, "Invalid Bitcoin address")?;
    let address = address
        .require_network(Network::Regtest)
        .map_err(|_| Refusal::Malformed("Address on invalid network"))?;
    Ok(script_hash(&address.script_pubkey()))
}

fn render(chain: &Chain, txids: impl Iterator<Item = Txid>) -> Vec<Tx> {
    txids
        .filter_map(|txid| chain.transaction(&txid))
        .map(|info| Tx::new(&info))
        .collect()
}

pub(super) async fn txs(
    State(chain): State<Chain>,
    path: MatchedPath,
    Path(name): Path<String>,
) -> Result<Json<Vec<Tx>>, Refusal> {
    let history = chain.history_by_hash(&script_of(&path, &name)?);
    let unconfirmed = history.mempool.into_iter().rev().take(MEMPOOL_PAGE);
    let confirmed = history.confirmed.into_iter().rev().take(PAGE);
    Ok(Json(render(&chain, unconfirmed.chain(confirmed))))
}

pub(super) async fn mempool_txs(
    State(chain): State<Chain>,
    path: MatchedPath,
    Path(name): Path<String>,
) -> Result<Json<Vec<Tx>>, Refusal> {
    let history = chain.history_by_hash(&script_of(&path, &name)?);
    Ok(Json(render(
        &chain,
        history.mempool.into_iter().rev().take(MEMPOOL_PAGE),
    )))
}

pub(super) async fn chain_txs(
    State(chain): State<Chain>,
    path: MatchedPath,
    Path(name): Path<String>,
) -> Result<Json<Vec<Tx>>, Refusal> {
    let history = chain.history_by_hash(&script_of(&path, &name)?);
    Ok(Json(render(
        &chain,
        history.confirmed.into_iter().rev().take(PAGE),
    )))
}

/// The page after the transaction `last`; an empty one, if that is not in the list.
pub(super) async fn chain_txs_after(
    State(chain): State<Chain>,
    path: MatchedPath,
    Path((name, last)): Path<(String, String)>,
) -> Result<Json<Vec<Tx>>, Refusal> {
    let last: Txid = parse(&last, "Invalid hex string")?;
    let history = chain.history_by_hash(&script_of(&path, &name)?);
    let newest_first = history.confirmed.into_iter().rev();
    let page = newest_first
        .skip_while(|txid| *txid != last)
        .skip(1)
        .take(PAGE);
    Ok(Json(render(&chain, page)))
}

pub(super) async fn utxos(
    State(chain): State<Chain>,
    path: MatchedPath,
    Path(name): Path<String>,
) -> Result<Json<Vec<Utxo>>, Refusal> {
    let utxos = chain.utxos_by_hash(&script_of(&path, &name)?);
    Ok(Json(utxos.iter().map(Utxo::new).collect()))
}

pub(super) async fn stats(
    State(chain): State<Chain>,
    path: MatchedPath,
    Path(name): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let script = script_of(&path, &name)?;
    let history = chain.history_by_hash(&script);
    let kind = if path.as_str().contains("/address/{") {
        "address"
    } else {
        "scripthash"
    };
    Ok(Json(json!({
        kind: name,
        "chain_stats": totals(&chain, &script, history.confirmed),
        "mempool_stats": totals(&chain, &script, history.mempool),
    })))
}

fn totals(chain: &Chain, script: &sha256::Hash, txids: Vec<Txid>) -> ScriptTotals {
    let mut totals = ScriptTotals::default();
    for TxInfo { tx, spent, .. } in txids.iter().filter_map(|txid| chain.transaction(txid)) {
        totals.tx_count += 1;
        for output in tx
            .output
            .iter()
            .filter(|out| script_hash(&out.script_pubkey) == *script)
        {
            totals.funded_txo_count += 1;
            totals.funded_txo_sum += output.value.to_sat();
        }
        for output in spent
            .iter()
            .filter(|out| script_hash(&out.script_pubkey) == *script)
        {
            totals.spent_txo_count += 1;
            totals.spent_txo_sum += output.value.to_sat();
        }
    }
    totals
}
