//! What goes into the next blocks: transactions of the mempool, and timestamps.
//!
//! It plans from the state and never changes it, so that the blocks can be made durable first.

use std::collections::HashSet;

use bitcoin::{Block, ScriptBuf, Transaction, Txid, Weight};

use crate::block::{assemble, coinbase, subsidy_sat};
use crate::mempool::Entry;
use crate::state::{MEDIAN_OF, State, median_time};

/// Core: `MAX_BLOCK_SIGOPS_COST`. The coinbase may use up what is left free here.
const MAX_SIGOP_COST: usize = 80_000 - 4 * 10_000;
/// The header and the longest count of transactions, in bytes.
const FRAME_SIZE: u64 = 80 + 9;

/// Plans `count` blocks onto the tip, the whole mempool in them as far as it fits.
///
/// The last block is of the time `now`, the earlier ones are a second apart, as far as the rule
/// allows that a timestamp lies above the median of the eleven before. Where it does not, time
/// runs ahead of the clock by one second for six blocks.
pub(crate) fn plan(state: &State, count: u32, script: &ScriptBuf, now: u32) -> Vec<Block> {
    let waiting = state.mempool().in_order().collect();
    plan_with(state, waiting, count, script, now)
}

/// Plans blocks with nothing in them but their rewards.
pub(crate) fn plan_empty(state: &State, count: u32, script: &ScriptBuf, now: u32) -> Vec<Block> {
    plan_with(state, Vec::new(), count, script, now)
}

fn plan_with(
    state: &State,
    mut waiting: Vec<&Entry>,
    count: u32,
    script: &ScriptBuf,
    now: u32,
) -> Vec<Block> {
    let mut times: Vec<u32> = state.recent_times().collect();
    let mut previous = state.tip().hash;
    let mut blocks = Vec::new();
    for number in 0..count {
        let height = state.next_height() + number;
        let weight = coinbase(height, 0, script.clone()).weight();
        let frame = Weight::from_non_witness_data_size(FRAME_SIZE);
        let taken = take(&mut waiting, Weight::MAX_BLOCK - weight - frame);
        let fees_sat: u64 = taken.iter().map(|entry| entry.fee_sat).sum();
        let reward = coinbase(height, subsidy_sat(height) + fees_sat, script.clone());
        let txs = taken.iter().map(|entry| Transaction::clone(&entry.tx));
        let time = next_time(&times, now.saturating_sub(count - 1 - number));
        let block = assemble(previous, time, std::iter::once(reward).chain(txs).collect());
        previous = block.block_hash();
        times.push(time);
        times.drain(..times.len().saturating_sub(MEDIAN_OF));
        blocks.push(block);
    }
    blocks
}

/// Takes as many transactions as fit, in the order of acceptance, so parents before children.
/// What waits stays waiting, and so do its children.
fn take<'a>(waiting: &mut Vec<&'a Entry>, mut room: Weight) -> Vec<&'a Entry> {
    let mut sigops_left = MAX_SIGOP_COST;
    let mut left_out: HashSet<Txid> = HashSet::new();
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for entry in waiting.drain(..) {
        let parent_waits = entry
            .tx
            .input
            .iter()
            .any(|input| left_out.contains(&input.previous_output.txid));
        if parent_waits || entry.weight > room || entry.sigop_cost > sigops_left {
            left_out.insert(entry.txid);
            left.push(entry);
        } else {
            room -= entry.weight;
            sigops_left -= entry.sigop_cost;
            taken.push(entry);
        }
    }
    *waiting = left;
    taken
}

/// The wanted time, but above the median time past and never before the previous block.
fn next_time(times: &[u32], wanted: u32) -> u32 {
    let median = median_time(times.to_vec());
    let previous = times.last().copied().unwrap_or(0);
    wanted.max(previous).max(median.saturating_add(1))
}
