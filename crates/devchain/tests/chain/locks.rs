//! Absolute and relative locks hold to the very block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bitcoin::{Sequence, Txid, absolute, transaction};
use devchain::{Chain, Reject};

use crate::coins::{Coins, child_of};

#[test]
fn a_lock_by_height_holds_until_the_next_block_is_above_it() {
    let coins = Coins::new(1);
    let mut spend = coins.spend(1);
    spend.input[0].sequence = Sequence::ENABLE_LOCKTIME_NO_RBF;
    spend.lock_time = absolute::LockTime::from_height(101).unwrap();
    assert_eq!(coins.submit(&spend).unwrap_err(), Reject::NonFinal);
    coins.mine(1);
    assert_eq!(coins.chain.height(), 101);
    coins.submit(&spend).unwrap();
}

#[test]
fn a_lock_binds_only_when_an_input_says_so() {
    let coins = Coins::new(1);
    let mut spend = coins.spend(1);
    spend.lock_time = absolute::LockTime::from_height(5_000).unwrap();
    assert_eq!(spend.input[0].sequence, Sequence::MAX);
    coins.submit(&spend).unwrap();
}

#[test]
fn a_lock_by_time_holds_until_the_median_time_is_above_it() {
    let coins = Coins::new(1);
    let median = coins.chain.block_at(100).unwrap().median_time;
    let mut spend = coins.spend(1);
    spend.input[0].sequence = Sequence::ENABLE_LOCKTIME_NO_RBF;
    spend.lock_time = absolute::LockTime::from_time(median).unwrap();
    assert_eq!(coins.submit(&spend).unwrap_err(), Reject::NonFinal);
    spend.lock_time = absolute::LockTime::from_time(median - 1).unwrap();
    coins.submit(&spend).unwrap();
}

#[test]
fn a_relative_lock_by_height_holds_for_so_many_blocks() {
    let coins = Coins::new(1);
    let parent = coins.spend(1);
    coins.submit(&parent).unwrap();
    let mut child = child_of(&parent);
    child.input[0].sequence = Sequence::from_height(3);
    assert_eq!(coins.submit(&child).unwrap_err(), Reject::NonBip68Final);
    coins.mine(1);
    assert_eq!(coins.submit(&child).unwrap_err(), Reject::NonBip68Final);
    coins.mine(1);
    assert_eq!(coins.submit(&child).unwrap_err(), Reject::NonBip68Final);
    coins.mine(1);
    coins.submit(&child).unwrap();
}

/// A lock of 1,024 s on a coin of height 101, tried when the chain's median time has moved on.
fn try_when_median_moved_by(seconds: u32) -> Result<Txid, Reject> {
    const START: u32 = 1_700_000_000;
    let now = Arc::new(AtomicU32::new(START));
    let clock = Arc::clone(&now);
    let coins = Coins::on(
        Chain::in_memory_with_clock(move || clock.load(Ordering::Relaxed)),
        1,
    );
    let parent = coins.spend(1);
    coins.submit(&parent).unwrap();
    let since = coins.chain.block_at(100).unwrap().median_time;
    let mut child = child_of(&parent);
    child.input[0].sequence = Sequence::from_512_second_intervals(2);
    now.store(since + seconds, Ordering::Relaxed);
    // Five blocks of the later time are the minority among eleven: the clock alone does nothing.
    for _ in 0..5 {
        assert_eq!(coins.submit(&child).unwrap_err(), Reject::NonBip68Final);
        coins.mine(1);
    }
    coins.mine(1);
    assert_eq!(
        coins.chain.block_at(106).unwrap().median_time,
        since + seconds
    );
    coins.submit(&child)
}

#[test]
fn a_relative_lock_by_time_follows_the_median_time_and_not_the_clock() {
    assert_eq!(try_when_median_moved_by(1_023), Err(Reject::NonBip68Final));
    try_when_median_moved_by(1_024).unwrap();
}

#[test]
fn relative_locks_bind_from_version_two_on_and_unless_disabled() {
    let coins = Coins::new(2);
    let mut old = coins.spend(1);
    old.version = transaction::Version::ONE;
    old.input[0].sequence = Sequence::from_height(5_000);
    coins.submit(&old).unwrap();
    let mut disabled = coins.spend(2);
    disabled.input[0].sequence = Sequence::from_consensus(5_000 | 1 << 31);
    coins.submit(&disabled).unwrap();
}
