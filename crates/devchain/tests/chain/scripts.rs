//! Signatures are checked by consensus rules, taproot's with all spent outputs.

use bitcoin::key::{Keypair, TapTweak};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Witness};
use devchain::Reject;

use crate::coins::{Coins, FEE_SAT, input, output, tx};

/// Pays a reward to a taproot key, then spends that together with a coin of another kind.
fn taproot_spend(coins: &Coins) -> Transaction {
    let secp = Secp256k1::new();
    let pair = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[3; 32]).unwrap());
    let script = ScriptBuf::new_p2tr(&secp, pair.x_only_public_key().0, None);
    let mut funding = coins.spend(1);
    funding.output[0].script_pubkey = script;
    coins.submit(&funding).unwrap();
    let (other, other_sat) = coins.reward(2);
    let spent = [funding.output[0].clone(), output(other_sat)];
    let total_sat = spent.iter().map(|txout| txout.value.to_sat()).sum::<u64>();
    let outpoint = OutPoint {
        txid: funding.compute_txid(),
        vout: 0,
    };
    let inputs = vec![input(outpoint), input(other)];
    let mut spend = tx(inputs, vec![output(total_sat - FEE_SAT)]);
    let hash = SighashCache::new(&spend)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&spent), TapSighashType::Default)
        .unwrap();
    let tweaked = pair.tap_tweak(&secp, None).to_keypair();
    let signature = secp.sign_schnorr_no_aux_rand(&Message::from(hash), &tweaked);
    spend.input[0].witness = Witness::from_slice(&[signature.as_ref()]);
    spend
}

#[test]
fn a_taproot_key_spend_beside_another_input_is_taken() {
    let coins = Coins::new(2);
    let spend = taproot_spend(&coins);
    coins.submit(&spend).unwrap();
}

#[test]
fn a_taproot_signature_holds_for_nothing_but_what_it_signed() {
    let coins = Coins::new(2);
    let spend = taproot_spend(&coins);
    let mut less = spend.clone();
    less.output[0].value -= Amount::from_sat(1);
    assert_eq!(coins.submit(&less), Err(Reject::Script { vin: 0 }));
    let mut unsigned = spend;
    unsigned.input[0].witness = Witness::new();
    assert_eq!(coins.submit(&unsigned), Err(Reject::Script { vin: 0 }));
}

#[test]
fn the_second_input_is_checked_as_the_first() {
    let coins = Coins::new(2);
    let ((first, a), (second, b)) = (coins.reward(1), coins.reward(2));
    let mut spend = tx(
        vec![input(first), input(second)],
        vec![output(a + b - FEE_SAT)],
    );
    spend.input[1].witness.clear();
    assert_eq!(coins.submit(&spend), Err(Reject::Script { vin: 1 }));
}

#[test]
fn a_bare_script_that_says_true_is_let_through() {
    let coins = Coins::new(1);
    let mut funding = coins.spend(1);
    let value = funding.output[0].value - Amount::from_sat(10_000);
    funding.output = vec![
        TxOut {
            value,
            script_pubkey: ScriptBuf::from_bytes(vec![0x51]),
        },
        output(9_000),
    ];
    coins.submit(&funding).unwrap();
    let mut spend = tx(
        vec![input(OutPoint {
            txid: funding.compute_txid(),
            vout: 0,
        })],
        vec![output(value.to_sat() - FEE_SAT)],
    );
    spend.input[0].witness.clear();
    coins.submit(&spend).unwrap();
}
