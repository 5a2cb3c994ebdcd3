//! What is tried again: when its failure is final, when there is room, and never because an answer was lost.

use payments::ids::{ClaimId, WithdrawalId};
use payments::withdrawal::retry::{MOST_ROUTES_NOT_FOUND, Setback};
use payments::withdrawal::{Withdrawal, WithdrawalFailure, WithdrawalState};
use store::acts::dispatch::{claim_due_withdrawals, lift_resend_bar, requeue_withdrawal};
use store::acts::outcome::{Outcome, fail_expired_withdrawal};
use store::acts::withdrawal::{ReserveError, Reserved};
use store::queries::payment::{barred, claimed, next_dispatch_at};

use crate::builders::sat;
use crate::harness::{World, on_both, together};

on_both! {
    b7_a_failed_invoice_is_paid_again_once_its_failure_is_final,
    b7_an_old_failure_neither_hides_nor_fails_the_new_attempt,
    b7_of_many_who_ask_while_a_bar_is_lifted_one_gets_the_invoice,
    b7_a_bar_is_lifted_for_its_own_attempt_only,
    what_comes_back_without_a_route_waits_for_its_next_try_and_stays_held,
    what_comes_back_again_and_again_fails_in_the_end,
    what_runs_out_behind_its_bar_is_given_back,
    the_end_of_a_payment_makes_the_one_that_waits_longest_due,
    waiting_for_room_is_not_searching_for_a_route,
    a_claim_is_found_by_its_own_id_and_only_while_it_is_under_way,
}

fn bars(world: &World) -> Vec<WithdrawalId> {
    world.read(barred).iter().map(|barred| barred.id).collect()
}

fn comes_again(outcome: Outcome) -> Withdrawal {
    match outcome {
        Outcome::ComesAgain(withdrawal) => *withdrawal,
        other => panic!("it does not come again: {other:?}"),
    }
}

fn requeue(world: &World, withdrawal: &Withdrawal, setback: Setback, wait_seconds: i64) {
    let (id, attempt) = (withdrawal.id, withdrawal.attempts);
    let at = world.later(wait_seconds);
    let done = world.write(move |tx, act| requeue_withdrawal(tx, act, id, attempt, setback, at));
    assert_eq!(done, Ok(true));
}

fn b7_a_failed_invoice_is_paid_again_once_its_failure_is_final(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 100);
    let first = world.reserved_by(&request);
    world.claim(1);
    world.fail(request.new.payment_hash);
    assert_eq!(bars(world), [first.id]);
    let refused = world.reserve(&request);
    assert!(
        matches!(refused, Err(ReserveError::ResendBarred)),
        "{refused:?}"
    );
    assert_eq!(world.lift_bars(), 1);
    assert_eq!(bars(world), []);
    let second = world.reserved_by(&request);
    assert_eq!(world.claim(10)[0].id, second.id);
    assert!(matches!(
        world.settle(request.new.payment_hash, sat(1)),
        Outcome::Applied(_)
    ));
    assert_eq!(world.balance(&customer), (899_000, 0));
    // Whoever asks once more is told of the payment that succeeded.
    match world.reserve(&request) {
        Ok(Reserved::Earlier(paid, _)) => assert_eq!(paid.id, second.id),
        other => panic!("paid again: {other:?}"),
    }
}

fn b7_an_old_failure_neither_hides_nor_fails_the_new_attempt(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 100);
    let hash = request.new.payment_hash;
    world.reserved_by(&request);
    world.claim(1);
    world.fail(hash);
    // The report comes a second time while it is not final, and once more after the new attempt was asked for.
    assert_eq!(world.fail(hash), Outcome::Before);
    assert_eq!(world.lift_bars(), 1);
    let second = world.reserved_by(&request);
    assert_eq!(world.fail(hash), Outcome::Before);
    assert_eq!(world.balance(&customer), (894_000, 106_000));
    assert_eq!(world.claim(1)[0].id, second.id);
    match world.settle(hash, sat(1)) {
        Outcome::Applied(settled) => assert_eq!(settled.id, second.id),
        other => panic!("an old attempt hides the new one: {other:?}"),
    }
    assert_eq!(world.halted(), None);
}

fn b7_of_many_who_ask_while_a_bar_is_lifted_one_gets_the_invoice(world: &World) {
    let customer = world.customer_with(10_000);
    let request = world.request(&customer, 100);
    let first = world.reserved_by(&request);
    world.claim(1);
    world.fail(request.new.payment_hash);
    let answers = together(16, |number| {
        if number == 0 {
            world.lift_bars();
        }
        world.reserve(&request)
    });
    let is_new = |answer: &&Result<Reserved, _>| matches!(answer, Ok(Reserved::Now(..)));
    assert!(answers.iter().filter(is_new).count() <= 1, "{answers:?}");
    world.reserve(&request).expect("there is no bar any more");
    let claimed = world.claim(10);
    assert_eq!(claimed.len(), 1);
    let second = claimed[0].id;
    assert_ne!(second, first.id);
    assert_eq!(world.balance(&customer).1, 106_000);
}

fn b7_a_bar_is_lifted_for_its_own_attempt_only(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let id = withdrawal.id;
    comes_again(world.come_back(withdrawal.payment_hash, WithdrawalFailure::NoRoute));
    let lift = |attempt| world.write(move |tx, _| lift_resend_bar(tx, id, attempt));
    assert_eq!(lift(0), Ok(false));
    assert_eq!(lift(2), Ok(false));
    assert_eq!(lift(1), Ok(true));
    assert_eq!(lift(1), Ok(false));
    world.pass(1);
    assert_eq!(world.claim(1)[0].attempts, 2);
    comes_again(world.come_back(withdrawal.payment_hash, WithdrawalFailure::TimedOut));
    assert_eq!(
        lift(1),
        Ok(false),
        "the look that saw the first failure is late"
    );
    assert_eq!(bars(world), [id]);
}

fn what_comes_back_without_a_route_waits_for_its_next_try_and_stays_held(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let hash = withdrawal.payment_hash;
    let waiting = comes_again(world.come_back(hash, WithdrawalFailure::NoRoute));
    assert_eq!(waiting.state, WithdrawalState::Reserved);
    assert_eq!((waiting.resend_barred, waiting.routes_not_found), (true, 1));
    assert_eq!(world.balance(&customer), (894_000, 106_000));
    assert_eq!(
        world.come_back(hash, WithdrawalFailure::NoRoute),
        Outcome::Before
    );

    // The bar alone keeps it back.
    world.pass(60);
    assert_eq!(world.read(next_dispatch_at), None);
    assert_eq!(world.claim(10), []);
    assert_eq!(world.lift_bars(), 1);
    let again = world.claim(10);
    assert_eq!((again.len(), again[0].attempts), (1, 2));
    assert!(matches!(world.settle(hash, sat(1)), Outcome::Applied(_)));
    let told = world.events(withdrawal.id.to_bytes());
    assert_eq!(
        told,
        [
            "withdrawal.lightning.pending",
            "withdrawal.lightning.completed"
        ]
    );
}

fn what_comes_back_again_and_again_fails_in_the_end(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let hash = withdrawal.payment_hash;
    for _ in 1..MOST_ROUTES_NOT_FOUND {
        comes_again(world.come_back(hash, WithdrawalFailure::TimedOut));
        assert_eq!(world.lift_bars(), 1);
        world.pass(2);
        assert_eq!(world.claim(1).len(), 1);
    }
    match world.come_back(hash, WithdrawalFailure::TimedOut) {
        Outcome::Applied(failed) => assert_eq!(failed.failure, Some(WithdrawalFailure::TimedOut)),
        other => panic!("it did not fail: {other:?}"),
    }
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    assert_eq!(bars(world), [withdrawal.id]);
}

fn what_runs_out_behind_its_bar_is_given_back(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let id = withdrawal.id;
    let expire = || {
        world
            .write(move |tx, act| fail_expired_withdrawal(tx, act, id))
            .expect("an answer")
    };
    world.pass(3_599);
    world.pass(-10);
    comes_again(world.come_back(withdrawal.payment_hash, WithdrawalFailure::NoRoute));
    world.pass(10);
    assert_eq!(expire(), Outcome::Before);
    world.pass(1);
    assert!(matches!(expire(), Outcome::Applied(_)));
    assert_eq!(expire(), Outcome::Before);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    // The earlier attempt can still come back, so the bar stands.
    assert_eq!(bars(world), [id]);

    let in_flight = world.dispatched(&customer, 100).id;
    world.pass(7_200);
    let outcome = world.write(move |tx, act| fail_expired_withdrawal(tx, act, in_flight));
    assert_eq!(
        outcome.expect("an answer"),
        Outcome::Before,
        "no timer gives it back"
    );
}

fn the_end_of_a_payment_makes_the_one_that_waits_longest_due(world: &World) {
    let customer = world.customer_with(10_000);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(world.reserved(&customer, 100));
        world.pass(1);
    }
    let ended = [
        world.reserved(&customer, 100),
        world.reserved(&customer, 100),
    ];
    for withdrawal in world.claim(10) {
        if waiting.iter().any(|waits| waits.id == withdrawal.id) {
            requeue(world, &withdrawal, Setback::NoRoom, 600);
        }
    }
    let young = world.reserved(&customer, 100);
    assert_eq!(world.claim(1)[0].id, young.id);
    assert_eq!(world.claim(10), []);

    let younger = world.reserved(&customer, 100);
    world.settle(ended[0].payment_hash, sat(0));
    assert_eq!(world.claim(1)[0].id, waiting[0].id, "the oldest goes first");
    assert_eq!(world.claim(1)[0].id, younger.id);
    assert_eq!(world.claim(10), []);
    world.fail(ended[1].payment_hash);
    assert_eq!(world.claim(10)[0].id, waiting[1].id);
    world.pass(600);
    assert_eq!(
        world.claim(10)[0].id,
        waiting[2].id,
        "without an end its own wait is over"
    );
}

fn waiting_for_room_is_not_searching_for_a_route(world: &World) {
    let customer = world.customer_with(1_000);
    world.reserved(&customer, 100);
    for setback in [
        Setback::NoRoom,
        Setback::NotReady,
        Setback::NoRoute,
        Setback::NoRoom,
    ] {
        let claimed = world.claim(1);
        requeue(world, &claimed[0], setback, 0);
    }
    let last = world.claim(1).remove(0);
    assert_eq!((last.attempts, last.routes_not_found), (5, 1));
    assert!(!last.waits_for_room);
}

fn a_claim_is_found_by_its_own_id_and_only_while_it_is_under_way(world: &World) {
    let customer = world.customer_with(10_000);
    let reserved: Vec<_> = (0..3).map(|_| world.reserved(&customer, 100).id).collect();
    let (mine, other): (ClaimId, ClaimId) = (world.id(), world.id());
    let claim = |claim_id, limit| {
        world
            .write(move |tx, act| claim_due_withdrawals(tx, act, claim_id, limit))
            .expect("a claim")
    };
    // The answer of this one is lost.
    let taken = claim(mine, 2);
    let others = claim(other, 2);
    let found = world.read(move |tx| claimed(tx, mine));
    assert_eq!(found.len(), 2);
    assert!(
        found
            .iter()
            .all(|found| taken.contains(found) && !others.contains(found))
    );
    assert_eq!(others.len() + found.len(), reserved.len());
    world.settle(found[0].payment_hash, sat(0));
    requeue(world, &found[1], Setback::NotReady, 0);
    assert_eq!(world.read(move |tx| claimed(tx, mine)), []);
}
