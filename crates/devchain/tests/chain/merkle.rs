//! The chain's own index agrees with its blocks.

use bitcoin::{MerkleBlock, OutPoint};

use crate::coins::{Coins, anyone, child_of};

#[test]
fn a_merkle_block_of_every_transaction_leads_to_the_header() {
    let coins = Coins::new(6);
    for height in 1..=6 {
        coins.submit(&coins.spend(height)).unwrap();
    }
    coins.mine(1);
    let info = coins.chain.block_at(106).unwrap();
    for (position, tx) in info.block.txdata.iter().enumerate() {
        let txid = tx.compute_txid();
        assert_eq!(coins.chain.confirmation(&txid).unwrap().position, position);
        let proof = MerkleBlock::from_block_with_predicate(&info.block, |id| *id == txid);
        let (mut matches, mut indexes) = (vec![], vec![]);
        proof.extract_matches(&mut matches, &mut indexes).unwrap();
        assert_eq!(matches, vec![txid]);
    }
}

#[test]
fn a_spend_is_known_in_the_mempool_and_then_in_its_block() {
    let coins = Coins::new(1);
    let (outpoint, _) = coins.reward(1);
    assert_eq!(coins.chain.spender(&outpoint), None);
    let spend = coins.spend(1);
    let txid = coins.submit(&spend).unwrap();
    let unconfirmed = coins.chain.spender(&outpoint).unwrap();
    assert_eq!((unconfirmed.txid, unconfirmed.vin), (txid, 0));
    assert_eq!(unconfirmed.confirmation, None);
    coins.mine(1);
    let confirmed = coins.chain.spender(&outpoint).unwrap();
    assert_eq!(confirmed.confirmation.unwrap().height, 101);
    assert_eq!(coins.chain.transaction(&txid).unwrap().spent.len(), 1);
}

#[test]
fn unspent_outputs_follow_mempool_and_blocks() {
    let coins = Coins::new(1);
    let names = |coins: &Coins| -> Vec<OutPoint> {
        coins
            .chain
            .utxos(&anyone())
            .into_iter()
            .map(|utxo| utxo.outpoint)
            .collect()
    };
    assert_eq!(names(&coins).len(), 100);
    let spend = coins.spend(1);
    let made = OutPoint {
        txid: spend.compute_txid(),
        vout: 0,
    };
    coins.submit(&spend).unwrap();
    assert!(names(&coins).contains(&made) && !names(&coins).contains(&coins.reward(1).0));
    let child = child_of(&spend);
    coins.submit(&child).unwrap();
    assert!(!names(&coins).contains(&made));
    coins.mine(1);
    assert_eq!(names(&coins).len(), 101);
    assert!(names(&coins).contains(&OutPoint {
        txid: child.compute_txid(),
        vout: 0
    }));
    let history = coins.chain.history(&anyone());
    assert_eq!((history.confirmed.len(), history.mempool.len()), (103, 0));
}
