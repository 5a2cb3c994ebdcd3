//! Blocks are valid, paid for rightly, and in time.

use std::time::{Duration, Instant};

use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::{Amount, ScriptBuf, Sequence, TxOut, Weight};
use devchain::{BlockInfo, Chain, HALVING_INTERVAL, MineError, subsidy_sat};

use crate::coins::{Coins, FEE_SAT, anyone, child_of};

const NOW: u32 = 1_700_000_000;

fn blocks(chain: &Chain) -> Vec<BlockInfo> {
    (1..=chain.height())
        .map(|height| chain.block_at(height).unwrap())
        .collect()
}

fn assert_valid(info: &BlockInfo, previous: &BlockInfo) {
    let block = &info.block;
    assert_eq!(block.header.prev_blockhash, previous.hash);
    block.header.validate_pow(block.header.target()).unwrap();
    assert!(block.check_merkle_root());
    assert!(block.check_witness_commitment());
    assert!(block.weight() <= Weight::MAX_BLOCK);
    let height = Builder::new()
        .push_int(i64::from(info.height))
        .into_script();
    assert!(
        block.txdata[0].input[0]
            .script_sig
            .as_bytes()
            .starts_with(height.as_bytes())
    );
    // rust-bitcoin does not read the heights that are a single opcode.
    if info.height > 16 {
        assert_eq!(block.bip34_block_height().unwrap(), u64::from(info.height));
    }
    assert!(block.header.time > previous.median_time);
}

#[test]
fn every_block_is_valid_and_timed_above_the_median_of_the_eleven_before() {
    let chain = Chain::in_memory_with_clock(|| NOW);
    chain.mine(300, anyone()).unwrap();
    chain.mine(1, anyone()).unwrap();
    chain.mine(100, anyone()).unwrap();
    let mut previous = chain.block_at(0).unwrap();
    for info in blocks(&chain) {
        assert_valid(&info, &previous);
        previous = info;
    }
}

#[test]
fn four_hundred_blocks_in_a_burst_end_at_the_clock_and_take_moments() {
    let chain = Chain::in_memory_with_clock(|| NOW);
    let started = Instant::now();
    let hashes = chain.mine(400, anyone()).unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(hashes.len(), 400);
    assert_eq!(hashes.last().copied(), Some(chain.tip().hash));
    let times: Vec<u32> = blocks(&chain)
        .iter()
        .map(|info| info.block.header.time)
        .collect();
    assert!(times.is_sorted());
    assert_eq!(times.last().copied(), Some(NOW));
    // Without room below the clock, time runs ahead of it by a second for six blocks.
    chain.mine(400, anyone()).unwrap();
    let ahead = chain.block_at(800).unwrap().block.header.time - NOW;
    assert!(ahead <= 400 / 5, "{ahead} s ahead");
}

#[test]
fn the_reward_halves_every_150_blocks_and_carries_the_fees() {
    assert_eq!(subsidy_sat(1), 50 * 100_000_000);
    assert_eq!(subsidy_sat(HALVING_INTERVAL - 1), 50 * 100_000_000);
    assert_eq!(subsidy_sat(HALVING_INTERVAL), 25 * 100_000_000);
    assert_eq!(subsidy_sat(33 * HALVING_INTERVAL), 0);
    assert_eq!(subsidy_sat(u32::MAX), 0);
    let coins = Coins::new(2);
    coins.submit(&coins.spend(1)).unwrap();
    coins.submit(&coins.spend(2)).unwrap();
    coins.mine(1);
    let (_, reward_sat) = coins.reward(coins.chain.height());
    assert_eq!(reward_sat, subsidy_sat(102) + 2 * FEE_SAT);
}

#[test]
fn what_does_not_fit_waits_with_its_children_for_the_next_block() {
    let coins = Coins::new(12);
    let push = PushBytesBuf::try_from(vec![0u8; 97_000]).unwrap();
    let ballast = TxOut {
        value: Amount::ZERO,
        script_pubkey: ScriptBuf::new_op_return(push),
    };
    for height in 1..=12 {
        let mut heavy = coins.spend(height);
        heavy.output[0].value -= Amount::from_sat(100_000);
        heavy.output.push(ballast.clone());
        coins.submit(&heavy).unwrap();
        coins.submit(&child_of(&heavy)).unwrap();
    }
    let accepted = coins.chain.mempool_txids();
    coins.mine(1);
    let waiting = coins.chain.mempool_txids();
    assert_eq!(waiting.len(), 4);
    assert!(accepted.ends_with(&waiting));
    coins.mine(1);
    assert!(coins.chain.mempool().is_empty());
    for height in [112, 113] {
        assert_valid(
            &coins.chain.block_at(height).unwrap(),
            &coins.chain.block_at(height - 1).unwrap(),
        );
    }
}

#[test]
fn a_long_family_is_mined_parents_first() {
    let coins = Coins::new(1);
    let mut newest = coins.spend(1);
    for _ in 0..60 {
        newest.input[0].sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
        coins.submit(&newest).unwrap();
        newest = child_of(&newest);
    }
    let accepted = coins.chain.mempool_txids();
    coins.mine(1);
    let info = coins.chain.block_at(101).unwrap();
    let mined: Vec<_> = info.block.txdata[1..]
        .iter()
        .map(|tx| tx.compute_txid())
        .collect();
    assert_eq!(mined, accepted);
}

#[test]
fn an_unspendable_script_gets_no_reward() {
    let chain = Chain::in_memory();
    let script = ScriptBuf::from_bytes(vec![0x51; 10_001]);
    assert_eq!(
        chain.mine(1, script),
        Err(MineError::ScriptTooLong { bytes: 10_001 })
    );
    assert_eq!(chain.mine(0, anyone()), Ok(vec![]));
    assert_eq!(chain.height(), 0);
}

#[tokio::test]
async fn whoever_watches_the_tip_is_woken_by_a_block() {
    let chain = Chain::in_memory();
    let mut tips = chain.watch_tip();
    let miner = chain.clone();
    std::thread::spawn(move || miner.mine(3, anyone()).unwrap());
    tips.wait_for(|tip| tip.height == 3).await.unwrap();
    assert_eq!(*tips.borrow(), chain.tip());
}
