//! Who takes whose place in the mempool: full replace-by-fee, as in Core.

use bitcoin::{Amount, Transaction};
use devchain::Reject;

use crate::coins::{Coins, FEE_SAT, child_of, input, output, tx};

/// The same with `more_sat` of its first output as fee.
fn dearer(spend: &Transaction, more_sat: u64) -> Transaction {
    let mut dearer = spend.clone();
    dearer.output[0].value -= Amount::from_sat(more_sat);
    dearer
}

#[test]
fn what_pays_for_itself_and_for_what_it_replaces_takes_its_place_and_that_of_its_children() {
    let coins = Coins::new(1);
    let first = coins.spend(1);
    coins.submit(&first).unwrap();
    coins.submit(&child_of(&first)).unwrap();
    // It must pay for both, and for its own relay besides.
    let vsize = first.vsize() as u64;
    let too_little = dearer(&first, FEE_SAT + vsize - 1);
    assert_eq!(coins.submit(&too_little), Err(Reject::InsufficientFee));
    let enough = dearer(&first, FEE_SAT + vsize);
    let txid = coins.submit(&enough).unwrap();
    let waiting: Vec<_> = coins.chain.mempool().iter().map(|one| one.txid).collect();
    assert_eq!(waiting, [txid]);
    coins.mine(1);
    assert!(coins.chain.confirmation(&txid).is_some());
    assert!(coins.chain.confirmation(&first.compute_txid()).is_none());
}

#[test]
fn more_in_all_at_a_lower_rate_is_not_enough() {
    let coins = Coins::new(3);
    let first = coins.spend(1);
    coins.submit(&first).unwrap();
    let (other, other_sat) = coins.reward(2);
    let (own, own_sat) = coins.reward(1);
    let large = (0..60).map(|_| output(10_000)).collect::<Vec<_>>();
    let spent: u64 = 600_000 + FEE_SAT * 5;
    let mut outputs = large;
    outputs.push(output(own_sat + other_sat - spent));
    let refused = coins.submit(&tx(vec![input(own), input(other)], outputs));
    assert_eq!(refused, Err(Reject::InsufficientFee));
}

#[test]
fn a_replacement_spends_nothing_of_what_it_replaces_and_nothing_new_that_is_unconfirmed() {
    let coins = Coins::new(3);
    let (first, second) = (coins.spend(1), coins.spend(2));
    coins.submit(&first).unwrap();
    let (own, own_sat) = coins.reward(1);
    let child = child_of(&first).input[0].previous_output;
    let both = tx(vec![input(own), input(child)], vec![output(own_sat)]);
    assert_eq!(coins.submit(&both), Err(Reject::SpendsConflicting));
    coins.submit(&second).unwrap();
    let unconfirmed = child_of(&second).input[0].previous_output;
    let adds = tx(vec![input(own), input(unconfirmed)], vec![output(own_sat)]);
    assert_eq!(coins.submit(&adds), Err(Reject::AddsUnconfirmed));
}
