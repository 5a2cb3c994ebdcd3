//! The faucet: coins mature, payments are real and come back as change.

use bitcoin::hashes::Hash;
use bitcoin::{FeeRate, ScriptBuf, WPubkeyHash};
use devchain::{Chain, PayError, subsidy_sat};

fn somebody() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([7; 20]))
}

const RATE: FeeRate = FeeRate::from_sat_per_vb_u32(1);

#[test]
fn a_reward_can_be_paid_out_after_exactly_a_hundred_blocks() {
    let chain = Chain::in_memory();
    let faucet = chain.faucet();
    faucet.mine(1).unwrap();
    chain.mine(98, somebody()).unwrap();
    let refused = faucet.pay(somebody(), 100_000, RATE).unwrap_err();
    assert!(matches!(
        refused,
        PayError::InsufficientFunds {
            available_sat: 0,
            ..
        }
    ));
    chain.mine(1, somebody()).unwrap();
    assert_eq!(faucet.spendable_sat(), subsidy_sat(1));
    faucet.pay(somebody(), 100_000, RATE).unwrap();
}

#[test]
fn what_is_paid_arrives_and_the_rest_comes_back() {
    let chain = Chain::in_memory();
    let faucet = chain.faucet();
    faucet.mine(101).unwrap();
    let before_sat = faucet.spendable_sat();
    let txid = faucet.pay(somebody(), 100_000, RATE).unwrap();
    let fee_sat = chain.transaction(&txid).unwrap().fee_sat;
    assert_eq!(chain.utxos(&somebody())[0].output.value.to_sat(), 100_000);
    assert_eq!(faucet.spendable_sat(), before_sat - 100_000 - fee_sat);
    // The change can be spent again at once, and all of it is mined together.
    let second = faucet.pay(somebody(), 100_000, RATE).unwrap();
    chain.mine(1, somebody()).unwrap();
    assert_eq!(chain.confirmation(&second).unwrap().height, 102);
    assert!(chain.mempool().is_empty());
}

#[test]
fn an_amount_beyond_one_coin_takes_several() {
    let chain = Chain::in_memory();
    let faucet = chain.faucet();
    faucet.mine(110).unwrap();
    let amount_sat = subsidy_sat(1) * 3;
    let txid = faucet.pay(somebody(), amount_sat, RATE).unwrap();
    let info = chain.transaction(&txid).unwrap();
    assert_eq!(info.tx.input.len(), 4);
    assert!(info.fee_sat >= info.tx.vsize() as u64);
    let too_much = faucet
        .pay(somebody(), subsidy_sat(1) * 200, RATE)
        .unwrap_err();
    assert!(matches!(too_much, PayError::InsufficientFunds { .. }));
}

#[test]
fn payments_from_many_threads_never_choose_the_same_coin() {
    let chain = Chain::in_memory();
    let faucet = chain.faucet();
    faucet.mine(104).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| faucet.pay(somebody(), 50_000, RATE).unwrap());
        }
    });
    assert_eq!(chain.mempool().len(), 16);
    assert_eq!(chain.utxos(&somebody()).len(), 16);
}
