//! Handing withdrawals to dispatchers: each to one of them, when it is due, and never while money
//! is halted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use money::Msat;
use payments::ids::WithdrawalId;
use payments::withdrawal::WithdrawalFailure;
use payments::withdrawal::WithdrawalState;
use payments::withdrawal::retry::Setback;
use store::acts::dispatch::requeue_withdrawal;
use store::acts::outcome::{Outcome, fail_unsent_withdrawal};
use store::queries::payment::{dispatched, next_dispatch_at};
use store::rows::micros;

use crate::harness::{World, on_both, together};

on_both! {
    no_two_dispatchers_get_the_same_withdrawal,
    a_claim_takes_at_most_its_limit_and_the_longest_due_first,
    only_what_is_due_is_claimed,
    nothing_is_claimed_while_money_is_halted,
    only_a_dispatched_withdrawal_goes_back_to_reserved,
    a_dispatcher_that_was_overtaken_changes_nothing,
}

fn requeue(world: &World, id: WithdrawalId, at: Timestamp) -> bool {
    let attempt = world.attempts(id);
    world
        .write(move |tx, act| requeue_withdrawal(tx, act, id, attempt, Setback::NoRoute, at))
        .expect("an answer")
}

fn next_at(world: &World) -> Option<i64> {
    world.read(next_dispatch_at)
}

fn no_two_dispatchers_get_the_same_withdrawal(world: &World) {
    let customer = world.customer_with(10_000);
    let reserved: BTreeSet<_> = (0..40).map(|_| world.reserved(&customer, 10).id).collect();
    let claimed = together(8, |_| {
        let mut mine = Vec::new();
        loop {
            let more = world.claim(3);
            if more.is_empty() {
                return mine;
            }
            mine.extend(more);
        }
    });
    let claimed: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 40);
    for withdrawal in &claimed {
        assert_eq!(withdrawal.state, WithdrawalState::Dispatched);
        assert_eq!(withdrawal.attempts, 1);
    }
    let ids: BTreeSet<_> = claimed.iter().map(|withdrawal| withdrawal.id).collect();
    assert_eq!(ids, reserved);
    let in_doubt = world.read(dispatched);
    let in_doubt: BTreeSet<_> = in_doubt.iter().map(|withdrawal| withdrawal.id).collect();
    assert_eq!(in_doubt, reserved);
}

fn a_claim_takes_at_most_its_limit_and_the_longest_due_first(world: &World) {
    let customer = world.customer_with(10_000);
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(world.reserved(&customer, 10).id);
        world.pass(1);
    }
    assert_eq!(world.claim(0).len(), 0);
    for two in order.chunks(2) {
        let claimed: BTreeSet<_> = world.claim(2).iter().map(|claimed| claimed.id).collect();
        assert_eq!(claimed, two.iter().copied().collect());
    }
    assert_eq!(world.claim(2), []);
}

fn only_what_is_due_is_claimed(world: &World) {
    let customer = world.customer_with(1_000);
    assert_eq!(next_at(world), None);
    let reserved = world.reserved(&customer, 100);
    assert_eq!(next_at(world), Some(micros(world.now())));
    assert_eq!(world.claim(10)[0].id, reserved.id);
    assert_eq!(next_at(world), None);
    assert!(requeue(world, reserved.id, world.later(30)));
    assert_eq!(next_at(world), Some(micros(world.later(30))));
    world.pass(29);
    assert_eq!(world.claim(10), []);
    world.pass(1);
    let again = world.claim(10);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].attempts, 2);
    assert_eq!(world.balance(&customer), (894_000, 106_000));
}

fn nothing_is_claimed_while_money_is_halted(world: &World) {
    let customer = world.customer_with(1_000);
    world.reserved(&customer, 100);
    world.halt();
    assert_eq!(world.claim(10), []);
    world.resume();
    assert_eq!(world.claim(10).len(), 1);
}

fn only_a_dispatched_withdrawal_goes_back_to_reserved(world: &World) {
    let customer = world.customer_with(1_000);
    let now = world.now();
    let reserved = world.reserved(&customer, 100);
    assert!(!requeue(world, reserved.id, now));
    let requeued = together(8, |_| {
        world.claim(1);
        requeue(world, reserved.id, now)
    });
    assert!(requeued.contains(&true));
    world.claim(1);
    world.settle(reserved.payment_hash, Msat::ZERO);
    assert!(!requeue(world, reserved.id, now));
    let failed = world.dispatched(&customer, 100);
    world.fail(failed.payment_hash);
    assert!(!requeue(world, failed.id, now));
    assert!(!requeue(world, world.id(), now));
    assert_eq!(world.claim(10), []);
}

fn a_dispatcher_that_was_overtaken_changes_nothing(world: &World) {
    let customer = world.customer_with(1_000);
    let id = world.reserved(&customer, 100).id;
    let first = world.claim(1).pop().expect("the first attempt");
    assert!(requeue(world, id, world.now()));
    let second = world.claim(1).pop().expect("the second attempt");
    assert_eq!((first.attempts, second.attempts), (1, 2));

    // The first dispatcher wakes up: the second attempt may be in flight.
    let at = world.now();
    let requeued =
        world.write(move |tx, act| requeue_withdrawal(tx, act, id, 1, Setback::NoRoute, at));
    assert_eq!(requeued, Ok(false));
    let unsent = |attempt| {
        let reason = WithdrawalFailure::NoRoute;
        world
            .write(move |tx, act| fail_unsent_withdrawal(tx, act, id, attempt, reason))
            .expect("an answer")
    };
    assert_eq!(unsent(1), Outcome::Before);
    assert!(matches!(unsent(2), Outcome::Applied(_)));
    assert_eq!(unsent(2), Outcome::Before);
}
