//! Who spends what a closed channel left.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, TxOut, Witness};

use super::*;

fn spending(parent: Txid, witness: &[&[u8]], sats: u64) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint {
                txid: parent,
                vout: 0,
            },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ZERO,
            witness: Witness::from_slice(witness),
        }],
        output: vec![TxOut {
            value: Amount::from_sat(sats),
            script_pubkey: ScriptBuf::new(),
        }],
    }
}

#[test]
fn only_what_a_party_to_the_channel_can_spend_is_of_the_channel() {
    let closing = spending(Txid::all_zeros(), &[], 2_000);
    let closings = BTreeSet::from([closing.compute_txid()]);
    let htlc: &[u8] = &[0x76, 0xa9, 0x14, 0];
    let to_local: &[u8] = &[0x63, 0];
    let channel = Origin::Channel {
        fee_msat: Msat::from_sat(139).expect("in range"),
    };
    for (witness, origin) in [
        (&[&[2][..], &[], htlc], channel),
        (&[&[2][..], &[1], to_local], channel),
        // The peer takes its own part, or gives us what it took.
        (&[&[2][..], &[], to_local], Origin::Outside),
        (&[&[2][..], &[3], &[4]], Origin::Outside),
    ] {
        let ours = spending(closing.compute_txid(), witness, 1_861);
        let parents = [closing.clone()];
        assert_eq!(
            of_closings(&ours, &parents, &closings),
            origin,
            "{witness:?}"
        );
        assert_eq!(
            of_closings(&ours, &parents, &BTreeSet::new()),
            Origin::Outside
        );
    }
}

#[test]
fn a_second_transaction_of_a_revoked_state_is_of_the_channel_too() {
    let closing = spending(Txid::all_zeros(), &[], 2_000);
    let second = spending(closing.compute_txid(), &[], 1_900);
    let ours = spending(second.compute_txid(), &[&[2], &[1], &[0x63]], 1_800);
    let closings = BTreeSet::from([closing.compute_txid()]);
    let origin = of_closings(&ours, &[second], &closings);
    let fee_msat = Msat::from_sat(100).expect("in range");
    assert_eq!(origin, Origin::Channel { fee_msat });
}
