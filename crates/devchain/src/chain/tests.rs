//! A kept chain is the same chain after any end.
#![expect(clippy::unwrap_used, reason = "test")]

use std::fs;
use std::path::{Path, PathBuf};

use bitcoin::hashes::Hash;
use bitcoin::{FeeRate, ScriptBuf, WPubkeyHash};
use tempfile::TempDir;

use super::{Chain, MineError, OpenError};
use crate::faucet::PayError;
use crate::log::Log;
use crate::reject::Reject;
use crate::state::State;

const RATE: FeeRate = FeeRate::from_sat_per_vb_u32(2);

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.log");
    (folder, path)
}

fn open(path: &Path) -> Chain {
    Chain::open_with_clock(path, || 1_700_000_000).unwrap()
}

fn somebody() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([7; 20]))
}

fn state(chain: &Chain) -> State {
    chain.state().clone()
}

/// Each step of a chain's life: what the state was, and how long the log.
fn live(path: &Path) -> Vec<(State, u64)> {
    let chain = open(path);
    let length = || fs::metadata(path).unwrap().len();
    let mut steps = vec![(state(&chain), length())];
    let mut note = |chain: &Chain| steps.push((state(chain), length()));
    chain.faucet().mine(102).unwrap();
    note(&chain);
    chain.faucet().pay(somebody(), 70_000, RATE).unwrap();
    note(&chain);
    chain.faucet().pay(somebody(), 80_000, RATE).unwrap();
    note(&chain);
    chain.mine(1, somebody()).unwrap();
    note(&chain);
    chain.faucet().pay(somebody(), 90_000, RATE).unwrap();
    note(&chain);
    chain.mine(3, somebody()).unwrap();
    note(&chain);
    steps
}

#[test]
fn a_chain_opened_again_equals_the_one_before() {
    let (_folder, path) = folder();
    let steps = live(&path);
    let chain = open(&path);
    assert!(state(&chain) == steps.last().unwrap().0);
    assert_eq!(chain.tip(), *chain.watch_tip().borrow());
    // The faucet's key was kept: its coins can be paid out.
    chain.faucet().pay(somebody(), 70_000, RATE).unwrap();
}

#[test]
fn killed_at_any_byte_of_a_write_the_chain_is_as_before_that_write() {
    let (_folder, path) = folder();
    let steps = live(&path);
    let whole = fs::read(&path).unwrap();
    // A transaction among others, and the last record, of three blocks.
    for pair in [&steps[4..6], &steps[5..7]] {
        let [(before, from), (after, to)] = pair else {
            panic!("two steps")
        };
        for length in *from..*to {
            fs::write(&path, &whole[..usize::try_from(length).unwrap()]).unwrap();
            assert!(state(&open(&path)) == *before, "cut at {length}");
            assert_eq!(fs::metadata(&path).unwrap().len(), *from);
        }
        fs::write(&path, &whole[..usize::try_from(*to).unwrap()]).unwrap();
        assert!(state(&open(&path)) == *after);
    }
}

#[test]
fn killed_at_any_byte_of_its_making_a_chain_begins_at_the_genesis_block() {
    let (_folder, path) = folder();
    drop(open(&path));
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let chain = open(&path);
        assert_eq!(chain.height(), 0);
        drop(chain);
        assert_eq!(fs::read(&path).unwrap().len(), whole.len());
    }
}

#[test]
fn a_chain_goes_on_after_a_torn_write() {
    let (_folder, path) = folder();
    live(&path);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let chain = open(&path);
    chain.faucet().mine(5).unwrap();
    let expected = state(&chain);
    drop(chain);
    assert!(state(&open(&path)) == expected);
}

#[test]
fn a_second_opening_is_refused_while_the_first_lives() {
    let (_folder, path) = folder();
    let chain = open(&path);
    let clone = chain.clone();
    drop(chain);
    assert!(matches!(Chain::open(&path), Err(OpenError::Locked { .. })));
    drop(clone);
    open(&path);
}

#[test]
fn damage_and_foreign_files_are_told_apart() {
    let (folder, path) = folder();
    let steps = live(&path);
    let mut bytes = fs::read(&path).unwrap();
    let offset = steps[0].1;
    bytes[usize::try_from(offset).unwrap() + 100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let corrupt = Chain::open(&path).unwrap_err();
    assert!(matches!(corrupt, OpenError::Corrupt { offset: at, .. } if at == offset));
    fs::write(&path, "something else entirely").unwrap();
    assert!(matches!(Chain::open(&path), Err(OpenError::NotALog { .. })));
    let nowhere = folder.path().join("no/such/folder/chain.log");
    assert!(matches!(Chain::open(&nowhere), Err(OpenError::Io { .. })));
}

#[test]
fn records_that_contradict_each_other_are_corruption() {
    let (_folder, path) = folder();
    live(&path);
    let (mut log, frames) = Log::open(&path).unwrap();
    let end = fs::metadata(&path).unwrap().len();
    // The first blocks again: sound by themselves, impossible here.
    log.append(frames[1].kind, &frames[1].payload).unwrap();
    drop(log);
    let corrupt = Chain::open(&path).unwrap_err();
    assert!(matches!(corrupt, OpenError::Corrupt { offset, .. } if offset == end));
}

#[test]
fn what_cannot_be_written_does_not_happen() {
    let (_folder, path) = folder();
    live(&path);
    let chain = open(&path);
    let before = state(&chain);
    *chain.writer() = Some(Log::failing(&path));
    let refused = chain.faucet().pay(somebody(), 70_000, RATE).unwrap_err();
    let PayError::Rejected(reject @ Reject::NotStored { .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reject.reason(), "chain log not written");
    let refused = chain.mine(1, somebody()).unwrap_err();
    assert!(matches!(refused, MineError::NotStored { .. }));
    assert!(state(&chain) == before);
}

#[test]
fn two_runs_with_the_same_clock_are_the_same() {
    let run = || {
        let chain = Chain::in_memory_with_clock(|| 1_700_000_000);
        chain.faucet().mine(101).unwrap();
        chain.faucet().pay(somebody(), 70_000, RATE).unwrap();
        chain.mine(1, somebody()).unwrap();
        state(&chain)
    };
    assert!(run() == run());
}
