//! Whether the locks of a transaction have run out at the next block.
//!
//! Absolute locks by height or by median time past (BIP 113), relative ones by BIP 68. Time means
//! the chain's median time past here, never the clock.

use bitcoin::{Sequence, Transaction, absolute};

use super::Spendable;
use crate::state::State;

/// Core: `IsFinalTx`.
pub(super) fn is_final(tx: &Transaction, next_height: u32, median_time: u32) -> bool {
    let reached = match tx.lock_time {
        absolute::LockTime::Blocks(height) => height.to_consensus_u32() < next_height,
        absolute::LockTime::Seconds(time) => time.to_consensus_u32() < median_time,
    };
    tx.lock_time == absolute::LockTime::ZERO
        || reached
        || tx.input.iter().all(|input| input.sequence == Sequence::MAX)
}

/// Core: `CalculateSequenceLocks` and `EvaluateSequenceLocks`.
pub(super) fn relative_locks_are_over(
    state: &State,
    tx: &Transaction,
    spends: &[Spendable],
) -> bool {
    // Core compares the version as an unsigned number.
    if tx.version.0.cast_unsigned() < 2 {
        return true;
    }
    tx.input
        .iter()
        .zip(spends)
        .all(|(input, spend)| lock_is_over(state, input.sequence, spend))
}

fn lock_is_over(state: &State, sequence: Sequence, spend: &Spendable) -> bool {
    const DISABLED: u32 = 1 << 31;
    const BY_TIME: u32 = 1 << 22;
    const SECONDS_SHIFT: u32 = 9;
    let sequence = sequence.to_consensus_u32();
    if sequence & DISABLED != 0 {
        return true;
    }
    let length = sequence & 0xffff;
    if sequence & BY_TIME != 0 {
        // Time runs from the median time past of the block before the coin's.
        let since = state.median_time_at(spend.height.saturating_sub(1));
        let until = u64::from(since) + (u64::from(length) << SECONDS_SHIFT);
        until <= u64::from(state.tip().median_time)
    } else {
        u64::from(spend.height) + u64::from(length) <= u64::from(state.next_height())
    }
}
