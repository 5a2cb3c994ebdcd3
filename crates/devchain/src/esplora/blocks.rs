//! `/blocks…` and `/block…`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use bitcoin::consensus::serialize;

use super::json::{self, hex_of};
use super::{Refusal, binary, parse};
use crate::chain::Chain;
use crate::query::BlockInfo;

const NOT_FOUND: Refusal = Refusal::NotFound("Block not found");
/// Blocks on a page of `/blocks`.
const BLOCKS_PER_PAGE: u32 = 10;
/// Transactions on a page of `/block/{hash}/txs`.
const TXS_PER_PAGE: usize = 25;

fn find(chain: &Chain, hash: &str) -> Result<BlockInfo, Refusal> {
    chain
        .block(&parse(hash, "Invalid hex string")?)
        .ok_or(NOT_FOUND)
}

pub(super) async fn newest(State(chain): State<Chain>) -> Json<Vec<json::Block>> {
    page(&chain, chain.height())
}

pub(super) async fn from_height(
    State(chain): State<Chain>,
    Path(height): Path<String>,
) -> Result<Json<Vec<json::Block>>, Refusal> {
    let height: u32 = parse(&height, "Invalid number")?;
    if height > chain.height() {
        return Err(NOT_FOUND);
    }
    Ok(page(&chain, height))
}

/// Ten blocks downwards from a height.
fn page(chain: &Chain, height: u32) -> Json<Vec<json::Block>> {
    let lowest = (height + 1).saturating_sub(BLOCKS_PER_PAGE);
    let blocks = (lowest..=height)
        .rev()
        .filter_map(|height| chain.block_at(height));
    Json(blocks.map(|info| json::Block::new(&info)).collect())
}

pub(super) async fn tip_hash(State(chain): State<Chain>) -> String {
    chain.tip().hash.to_string()
}

pub(super) async fn tip_height(State(chain): State<Chain>) -> String {
    chain.height().to_string()
}

pub(super) async fn hash_at(
    State(chain): State<Chain>,
    Path(height): Path<String>,
) -> Result<String, Refusal> {
    let height = parse(&height, "Invalid number")?;
    Ok(chain.block_at(height).ok_or(NOT_FOUND)?.hash.to_string())
}

pub(super) async fn summary(
    State(chain): State<Chain>,
    Path(hash): Path<String>,
) -> Result<Json<json::Block>, Refusal> {
    Ok(Json(json::Block::new(&find(&chain, &hash)?)))
}

pub(super) async fn header(
    State(chain): State<Chain>,
    Path(hash): Path<String>,
) -> Result<String, Refusal> {
    Ok(hex_of(&find(&chain, &hash)?.block.header))
}

pub(super) async fn raw(
    State(chain): State<Chain>,
    Path(hash): Path<String>,
) -> Result<Response, Refusal> {
    Ok(binary(serialize(&*find(&chain, &hash)?.block)))
}

/// An unknown block is not in the best chain; Esplora does not answer 404 here.
pub(super) async fn status(
    State(chain): State<Chain>,
    Path(hash): Path<String>,
) -> Result<Json<json::BlockStatus>, Refusal> {
    let info = chain.block(&parse(&hash, "Invalid hex string")?);
    Ok(Json(json::BlockStatus {
        in_best_chain: info.is_some(),
        height: info.as_ref().map(|info| info.height),
        next_best: info.and_then(|info| info.next).map(|next| next.to_string()),
    }))
}

pub(super) async fn txids(
    State(chain): State<Chain>,
    Path(hash): Path<String>,
) -> Result<Json<Vec<String>>, Refusal> {
    let info = find(&chain, &hash)?;
    Ok(Json(
        info.block
            .txdata
            .iter()
            .map(|tx| tx.compute_txid().to_string())
            .collect(),
    ))
}

pub(super) async fn txid_at(
    State(chain): State<Chain>,
    Path((hash, index)): Path<(String, String)>,
) -> Result<String, Refusal> {
    let info = find(&chain, &hash)?;
    let tx = info
        .block
        .txdata
        .get(parse::<usize>(&index, "Invalid number")?);
    Ok(tx
        .ok_or(Refusal::NotFound("tx not found"))?
        .compute_txid()
        .to_string())
}

pub(super) async fn first_txs(
    State(chain): State<Chain>,
    Path(hash): Path<String>,
) -> Result<Json<Vec<json::Tx>>, Refusal> {
    txs(&chain, &hash, 0)
}

pub(super) async fn txs_from(
    State(chain): State<Chain>,
    Path((hash, start)): Path<(String, String)>,
) -> Result<Json<Vec<json::Tx>>, Refusal> {
    let start: usize = parse(&start, "Invalid number")?;
    if !start.is_multiple_of(TXS_PER_PAGE) {
        return Err(Refusal::Malformed(
            "start index must be a multipication of 25",
        ));
    }
    txs(&chain, &hash, start)
}

fn txs(chain: &Chain, hash: &str, start: usize) -> Result<Json<Vec<json::Tx>>, Refusal> {
    let info = find(chain, hash)?;
    if start >= info.block.txdata.len() {
        return Err(Refusal::Malformed("start index out of range"));
    }
    let page = info.block.txdata.iter().skip(start).take(TXS_PER_PAGE);
    let known = page.filter_map(|tx| chain.transaction(&tx.compute_txid()));
    Ok(Json(known.map(|info| json::Tx::new(&info)).collect()))
}
