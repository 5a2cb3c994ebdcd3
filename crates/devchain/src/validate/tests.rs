//! The arithmetic of fees, beyond what a chain can bring about.

use bitcoin::{Amount, ScriptBuf, TxOut, Weight};

use super::{fee_sat, min_relay_fee_sat, vsize};
use crate::reject::Reject;

fn output(value: Amount) -> TxOut {
    TxOut {
        value,
        script_pubkey: ScriptBuf::new(),
    }
}

#[test]
fn inputs_above_all_money_are_out_of_range() {
    let spent = [output(Amount::MAX_MONEY), output(Amount::from_sat(1))];
    let reject = fee_sat(&[output(Amount::from_sat(1))], &spent);
    assert_eq!(reject, Err(Reject::InputValuesOutOfRange));
    assert_eq!(
        Reject::InputValuesOutOfRange.reason(),
        "bad-txns-inputvalues-outofrange"
    );
    assert_eq!(
        fee_sat(&[], &[output(Amount::MAX)]),
        Err(Reject::InputValuesOutOfRange)
    );
    assert_eq!(
        fee_sat(&spent[1..], &spent[..1]),
        Ok(Amount::MAX_MONEY.to_sat() - 1)
    );
}

#[test]
fn a_lightning_commitment_at_ldks_lowest_fee_is_relayed() {
    // LDK pays 253 sat per 1,000 weight units, rounded down, so that a rounded-up virtual size is
    // covered too. A commitment with anchors weighs 1,124 units and 172 for each HTLC (BOLT 3).
    for htlcs in 0..=966 {
        let weight = 1_124 + 172 * htlcs;
        let paid_sat = weight * 253 / 1_000;
        let required_sat = min_relay_fee_sat(vsize(Weight::from_wu(weight), 4));
        assert!(
            paid_sat >= required_sat,
            "{paid_sat} < {required_sat} with {htlcs} HTLCs"
        );
    }
}

#[test]
fn sizes_and_fees_are_rounded_up() {
    assert_eq!(vsize(Weight::from_wu(561), 0), 141);
    assert_eq!(vsize(Weight::from_wu(560), 28), 140);
    assert_eq!(vsize(Weight::from_wu(560), 29), 145);
    assert_eq!(min_relay_fee_sat(141), 141);
    assert_eq!(min_relay_fee_sat(u64::MAX), u64::MAX / 1_000 + 1);
}
