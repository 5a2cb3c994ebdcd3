//! Every reason to refuse a transaction, provoked; a refused one leaves no trace.

use bitcoin::hashes::Hash;
use bitcoin::opcodes::all::OP_CHECKMULTISIG;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use devchain::Reject;

use crate::coins::{Coins, FEE_SAT, child_of, input, output, tx, witness};

/// Submits what must be refused, and sees that the mempool stays as it was.
fn refuse(coins: &Coins, tx: &Transaction) -> Reject {
    let before = coins.chain.mempool();
    let reject = coins.submit(tx).unwrap_err();
    assert_eq!(coins.chain.mempool(), before);
    assert!(reject.to_string().starts_with(reject.reason()));
    reject
}

/// A spend of the first reward, changed so that it must be refused.
fn refuse_changed(change: impl FnOnce(&mut Transaction)) -> Reject {
    let coins = Coins::new(2);
    let mut spend = coins.spend(1);
    change(&mut spend);
    refuse(&coins, &spend)
}

fn op_return(bytes: usize) -> TxOut {
    let push = PushBytesBuf::try_from(vec![0u8; bytes]).unwrap();
    TxOut {
        value: Amount::ZERO,
        script_pubkey: ScriptBuf::new_op_return(push),
    }
}

#[test]
fn without_inputs_or_outputs() {
    assert_eq!(
        refuse_changed(|tx| tx.input.clear()).reason(),
        "bad-txns-vin-empty"
    );
    assert_eq!(
        refuse_changed(|tx| tx.output.clear()).reason(),
        "bad-txns-vout-empty"
    );
}

#[test]
fn too_heavy_for_a_block_or_for_relay_or_too_small() {
    let oversize = refuse_changed(|tx| tx.output.push(op_return(1_000_001)));
    assert_eq!(oversize.reason(), "bad-txns-oversize");
    let heavy = refuse_changed(|tx| tx.output.push(op_return(100_000)));
    assert_eq!(heavy.reason(), "tx-size");
    let small = refuse_changed(|tx| {
        tx.output[0].script_pubkey = ScriptBuf::from_hex("51024e73").unwrap();
    });
    assert_eq!(small.reason(), "tx-size-small");
}

#[test]
fn amounts_out_of_range() {
    let negative = refuse_changed(|tx| tx.output[0].value = Amount::from_sat(1 << 63));
    assert_eq!(negative.reason(), "bad-txns-vout-negative");
    let above = Amount::MAX_MONEY + Amount::from_sat(1);
    let large = refuse_changed(|tx| tx.output[0].value = above);
    assert_eq!(large.reason(), "bad-txns-vout-toolarge");
    let total = refuse_changed(|tx| tx.output.push(output(Amount::MAX_MONEY.to_sat())));
    assert_eq!(total.reason(), "bad-txns-txouttotal-toolarge");
}

#[test]
fn the_same_output_spent_twice_within_a_transaction() {
    let reject = refuse_changed(|tx| tx.input.push(tx.input[0].clone()));
    assert_eq!(reject.reason(), "bad-txns-inputs-duplicate");
}

#[test]
fn coinbases_and_null_inputs() {
    let coins = Coins::new(1);
    let mut coinbase = coins.chain.block_at(1).unwrap().block.txdata[0].clone();
    assert_eq!(refuse(&coins, &coinbase).reason(), "coinbase");
    coinbase.input[0].script_sig = ScriptBuf::new();
    assert_eq!(refuse(&coins, &coinbase).reason(), "bad-cb-length");
    let null = refuse_changed(|tx| tx.input.push(input(OutPoint::null())));
    assert_eq!(null.reason(), "bad-txns-prevout-null");
}

#[test]
fn an_output_below_the_dust_limit_of_its_kind_and_none_above() {
    let dust = |sat| move |tx: &mut Transaction| tx.output.push(output(sat));
    assert_eq!(refuse_changed(dust(329)).reason(), "dust");
    let coins = Coins::new(1);
    let mut spend = coins.spend(1);
    spend.output[0].value -= Amount::from_sat(330);
    dust(330)(&mut spend);
    coins.submit(&spend).unwrap();
}

#[test]
fn what_is_in_the_mempool_already() {
    let coins = Coins::new(1);
    let first = coins.spend(1);
    coins.submit(&first).unwrap();
    assert_eq!(refuse(&coins, &first).reason(), "txn-already-in-mempool");
    let mut resigned = first.clone();
    resigned.input[0].witness = witness(b"other");
    assert_eq!(
        refuse(&coins, &resigned).reason(),
        "txn-same-nonwitness-data-in-mempool"
    );
    let mut double = first.clone();
    double.output[0].value -= Amount::from_sat(1);
    assert_eq!(refuse(&coins, &double), Reject::InsufficientFee);
}

#[test]
fn what_a_block_holds_already() {
    let coins = Coins::new(1);
    let spend = coins.spend(1);
    coins.submit(&spend).unwrap();
    coins.mine(1);
    assert_eq!(refuse(&coins, &spend).reason(), "txn-already-known");
}

#[test]
fn inputs_that_are_unknown_or_spent_or_never_were() {
    let coins = Coins::new(1);
    let spend = coins.spend(1);
    coins.submit(&spend).unwrap();
    coins.mine(1);
    let mut double = spend.clone();
    double.output[0].value -= Amount::from_sat(FEE_SAT);
    assert_eq!(
        refuse(&coins, &double).reason(),
        "bad-txns-inputs-missingorspent"
    );

    let unknown = OutPoint {
        txid: Txid::from_byte_array([9; 32]),
        vout: 0,
    };
    let no_such_vout = OutPoint {
        txid: spend.compute_txid(),
        vout: 1,
    };
    let genesis = coins.reward(0).0;
    for outpoint in [unknown, no_such_vout, genesis] {
        let reject = refuse(&coins, &tx(vec![input(outpoint)], vec![output(10_000)]));
        assert_eq!(reject, Reject::InputsMissingOrSpent { outpoint });
    }
}

#[test]
fn a_reward_before_its_hundredth_block() {
    let coins = Coins::new(1);
    assert_eq!(
        refuse(&coins, &coins.spend(2)).reason(),
        "bad-txns-premature-spend-of-coinbase"
    );
    coins.mine(1);
    coins.submit(&coins.spend(2)).unwrap();
}

#[test]
fn more_out_than_in() {
    let reject = refuse_changed(|tx| tx.output[0].value += Amount::from_sat(FEE_SAT + 1));
    assert_eq!(reject.reason(), "bad-txns-in-belowout");
}

#[test]
fn more_signature_operations_than_are_relayed() {
    let mut script = Builder::new();
    for _ in 0..201 {
        script = script.push_opcode(OP_CHECKMULTISIG);
    }
    let script_pubkey = script.into_script();
    let reject = refuse_changed(|tx| tx.output[0].script_pubkey = script_pubkey);
    assert_eq!(reject.reason(), "bad-txns-too-many-sigops");
}

#[test]
fn a_fee_below_one_sat_per_virtual_byte_and_none_at_it() {
    let coins = Coins::new(1);
    let mut spend = coins.spend(1);
    let vsize = spend.vsize() as u64;
    let (_, reward_sat) = coins.reward(1);
    spend.output[0].value = Amount::from_sat(reward_sat - vsize + 1);
    let expected = Reject::MinRelayFeeNotMet {
        fee_sat: vsize - 1,
        required_sat: vsize,
    };
    assert_eq!(refuse(&coins, &spend), expected);
    assert_eq!(expected.reason(), "min relay fee not met");
    spend.output[0].value -= Amount::from_sat(1);
    coins.submit(&spend).unwrap();
}

#[test]
fn a_script_that_fails() {
    let reject = refuse_changed(|tx| tx.input[0].witness.clear());
    assert_eq!(reject, Reject::Script { vin: 0 });
    assert_eq!(
        reject.reason(),
        "mandatory-script-verify-flag-failed (unknown error)"
    );
}

#[test]
fn a_child_is_taken_on_the_outputs_of_its_unconfirmed_parent() {
    let coins = Coins::new(1);
    let parent = coins.spend(1);
    let child = child_of(&parent);
    assert_eq!(
        refuse(&coins, &child).reason(),
        "bad-txns-inputs-missingorspent"
    );
    coins.submit(&parent).unwrap();
    coins.submit(&child).unwrap();
}
