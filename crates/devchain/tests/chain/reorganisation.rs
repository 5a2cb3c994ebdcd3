//! Another branch takes over: the chain is as if the old blocks had never been.

use devchain::{Chain, ReorganiseError};

use crate::coins::{Coins, child_of};

#[test]
fn what_left_the_chain_waits_again_parents_first_and_is_mined_again() {
    let coins = Coins::new(2);
    let parent = coins.spend(1);
    let child = child_of(&parent);
    coins.submit(&parent).unwrap();
    coins.mine(1);
    coins.submit(&child).unwrap();
    coins.mine(1);
    let later = coins.spend(2);
    coins.submit(&later).unwrap();
    let before = coins.chain.tip();
    let tip = coins.chain.reorganise(2, 1).unwrap();
    assert_eq!(tip.height, before.height + 1);
    assert_ne!(tip.hash, before.hash);
    assert!(coins.chain.confirmation(&parent.compute_txid()).is_none());
    let waiting: Vec<_> = coins.chain.mempool().iter().map(|one| one.txid).collect();
    let all = [&parent, &child, &later].map(|tx| tx.compute_txid());
    assert_eq!(waiting, all);
    coins.mine(1);
    for txid in all {
        let at = coins.chain.confirmation(&txid).map(|at| at.height);
        assert_eq!(at, Some(tip.height + 1));
    }
}

#[test]
fn another_branch_from_the_same_place_is_another_one_every_time() {
    let coins = Coins::new(3);
    let mut tips = vec![coins.chain.tip().hash];
    for _ in 0..3 {
        let tip = coins.chain.reorganise(1, 1).unwrap();
        assert!(!tips.contains(&tip.hash));
        tips.push(tip.hash);
    }
}

#[test]
fn what_spent_a_reward_of_the_old_branch_is_gone() {
    let coins = Coins::new(1);
    coins.mine(1);
    let spend = coins.spend(2);
    coins.submit(&spend).unwrap();
    let height = coins.chain.height();
    coins.chain.reorganise(height - 1, 1).unwrap();
    assert!(coins.chain.mempool().is_empty());
}

#[test]
fn a_kept_chain_is_on_the_same_branch_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.log");
    let (tip, waiting) = {
        let coins = Coins::on(Chain::open(&path).unwrap(), 2);
        coins.submit(&coins.spend(1)).unwrap();
        coins.mine(2);
        coins.chain.reorganise(2, 3).unwrap();
        coins.submit(&coins.spend(2)).unwrap();
        (coins.chain.tip(), coins.chain.mempool())
    };
    let again = Chain::open(&path).unwrap();
    assert_eq!((again.tip(), again.mempool()), (tip, waiting));
}

#[test]
fn neither_nothing_nor_everything_leaves_the_chain() {
    let coins = Coins::new(1);
    let height = coins.chain.height();
    for depth in [0, height, height + 1] {
        let refused = coins.chain.reorganise(depth, 1);
        assert_eq!(refused, Err(ReorganiseError::Depth { height }));
    }
    assert_eq!(coins.chain.height(), height);
}
