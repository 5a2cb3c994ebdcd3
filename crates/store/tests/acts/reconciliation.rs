//! What the reconciliation reads and writes.

use std::collections::BTreeSet;

use ledger::SystemAccount;
use payments::payment_hash::PaymentHash;
use payments::reconciliation::BookedPayment;
use payments::withdrawal::WithdrawalState;
use store::acts::Applied;
use store::acts::reconciliation::{
    NewVerdict, book_unasked, record_verdict, request_verdict, roll_up,
};
use store::queries::reconciliation::{
    booked, booked_since, latest_verdict, requests, running_sums, totals,
};

use crate::builders::{msat, sat};
use crate::harness::{CAPITAL_MSAT, World, on_both, together};

on_both! {
    the_running_sums_are_what_is_posted_before_and_after_a_roll_up,
    the_books_tell_of_a_hash_what_went_out_and_what_came_in,
    payments_are_found_from_a_time_on,
    b6_an_unasked_payment_is_booked_once_and_halts,
    a_verdict_with_a_difference_halts_and_one_without_does_not,
}

fn float(world: &World) -> i64 {
    let totals = world.read(totals);
    assert_eq!(totals.wallet_msat, 0);
    assert_eq!(totals.float_msat, -world.net(SystemAccount::LightningFloat));
    totals.float_msat
}

fn one(world: &World, hash: PaymentHash) -> BookedPayment {
    let (hashes, recent) = (BTreeSet::from([hash]), world.now());
    let mut found = world.read(move |tx| booked(tx, &hashes, recent));
    found.remove(&hash).expect("an entry for every hash")
}

fn the_running_sums_are_what_is_posted_before_and_after_a_roll_up(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let before = CAPITAL_MSAT + 1_000_000;
    assert_eq!(float(world), before, "a hold moves nothing at the node");
    world.settle(withdrawal.payment_hash, msat(77));
    assert_eq!(float(world), before - 100_077);
    // Roll-ups and payments at the same time lose nothing.
    together(4, |number| {
        for _ in 0..5 {
            if number % 2 == 0 {
                world.deposited(&customer, 1);
            } else {
                world.write(|tx, _| roll_up(tx, 2)).expect("a roll-up");
            }
        }
    });
    assert_eq!(float(world), before - 100_077 + 10_000);
    while world.write(|tx, _| roll_up(tx, 100)).expect("a roll-up") > 0 {}
    assert_eq!(
        world.count("SELECT CAST(COUNT(*) AS BIGINT) FROM system_change"),
        0
    );
    assert_eq!(float(world), before - 100_077 + 10_000);
    assert_eq!(world.read(running_sums).len(), 2);
}

fn the_books_tell_of_a_hash_what_went_out_and_what_came_in(world: &World) {
    let customer = world.customer_with(1_000);
    let (paid, failed) = (
        world.dispatched(&customer, 100),
        world.dispatched(&customer, 50),
    );
    let pending = world.reserved(&customer, 20);
    world.settle(paid.payment_hash, msat(77));
    world.fail(failed.payment_hash);
    let deposit = world.deposited(&customer, 5);
    let sent = |hash| one(world, hash).sent;
    assert_eq!(sent(paid.payment_hash).booked_msat, Some(msat(100_077)));
    assert!(
        !sent(paid.payment_hash).is_proven,
        "its preimage is another one's"
    );
    assert!(one(world, paid.payment_hash).is_recent);
    assert_eq!(sent(failed.payment_hash).booked_msat, None);
    assert_eq!(
        sent(failed.payment_hash).withdrawal,
        Some(WithdrawalState::Failed)
    );
    assert_eq!(
        sent(pending.payment_hash).withdrawal,
        Some(WithdrawalState::Reserved)
    );
    assert_eq!(one(world, deposit.payment_hash).received_msat, [sat(5)]);
    assert_eq!(one(world, world.hash()), BookedPayment::default());
    // Paid after all: the contradiction is what went out.
    world.settle(failed.payment_hash, msat(3));
    assert_eq!(sent(failed.payment_hash).booked_msat, Some(msat(50_003)));
    assert!(world.halted().is_some());
    world.resume();
}

fn payments_are_found_from_a_time_on(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    world.pass(60);
    let from = world.now();
    let since = |world: &World, time| world.read(move |tx| booked_since(tx, time));
    assert!(since(world, from).is_empty());
    world.settle(withdrawal.payment_hash, msat(0));
    let deposit = world.deposited(&customer, 5);
    let both = BTreeSet::from([withdrawal.payment_hash, deposit.payment_hash]);
    assert_eq!(since(world, from), both);
    world.pass(1);
    assert!(since(world, world.now()).is_empty());
    assert!(!one(world, withdrawal.payment_hash).is_recent);
}

fn b6_an_unasked_payment_is_booked_once_and_halts(world: &World) {
    let hash = world.hash();
    let book = || {
        world
            .write(move |tx, act| book_unasked(tx, act, &hash, msat(2_500)))
            .expect("the books take it")
    };
    assert_eq!(book(), Applied::Now(()));
    assert!(world.halted().is_some());
    assert_eq!(book(), Applied::Before(()));
    assert_eq!(one(world, hash).sent.booked_msat, Some(msat(2_500)));
    assert_eq!(world.net(SystemAccount::OperatorLoss), -2_500);
    assert_eq!(float(world), CAPITAL_MSAT - 2_500);
}

fn a_verdict_with_a_difference_halts_and_one_without_does_not(world: &World) {
    assert_eq!(world.read(latest_verdict), None);
    assert_eq!(world.read(requests), 0);
    let request = world.write(|tx, _| request_verdict(tx)).expect("a number");
    assert_eq!((request, world.read(requests)), (1, 1));
    let verdict = |unexplained, repaired| {
        let verdict = NewVerdict {
            body: b"{}".to_vec(),
            unexplained,
            repaired,
            checked_at: world.now(),
            answers: request,
        };
        world
            .write(move |tx, act| record_verdict(tx, act, &verdict))
            .expect("kept");
    };
    verdict(0, 2);
    assert_eq!(world.halted(), None);
    verdict(1, 1);
    assert!(world.halted().is_some());
    let kept = world.read(latest_verdict).expect("a verdict");
    assert_eq!((kept.unexplained, kept.repaired, kept.answered), (1, 3, 1));
    assert_eq!(kept.checked_at, world.now());
    // The end of the difference is not the end of the halt: a person looks.
    verdict(0, 0);
    assert!(world.halted().is_some());
    world.resume();
}
