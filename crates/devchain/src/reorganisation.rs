//! Another branch takes over: the newest blocks leave, longer ones come, and what is still valid waits again.
//!
//! Planning works on a copy of the state, so that the step can be made durable before it is shown.

use bitcoin::{Block, Transaction};

use crate::state::{State, Unconnectable};
use crate::validate;

/// Replaces the newest `depth` blocks of `state` by `blocks`. What was in the old ones comes back to the mempool before
/// what waits there, as far as it is valid on the new branch. After an error the state is spoilt and must be dropped.
pub(crate) fn reorganise(
    state: &mut State,
    depth: u32,
    blocks: Vec<Block>,
) -> Result<(), Unconnectable> {
    let mut returned = rewind(state, depth)?;
    for block in blocks {
        state.connect(block)?;
    }
    returned.extend(state.empty_mempool());
    for tx in returned {
        // What spent a reward of the old branch, for one, is gone for good.
        if let Ok(entry) = validate::check_but_scripts(state, tx) {
            state.accept(entry);
        }
    }
    Ok(())
}

/// Takes the newest `depth` blocks away, and gives back their transactions without the rewards, oldest first.
pub(crate) fn rewind(state: &mut State, depth: u32) -> Result<Vec<Transaction>, Unconnectable> {
    let mut blocks = Vec::new();
    for _ in 0..depth {
        blocks.push(state.disconnect().ok_or(Unconnectable)?);
    }
    let txs = blocks.iter().rev().flat_map(|block| &block.txdata);
    Ok(txs.filter(|tx| !tx.is_coinbase()).cloned().collect())
}
