//! The outcome of a withdrawal: booked once, to the millisatoshi, and told once.

use ledger::SystemAccount;
use money::Msat;
use payments::withdrawal::{Withdrawal, WithdrawalFailure, WithdrawalState};
use store::acts::outcome::Outcome;
use store::queries::payment;

use crate::builders::{Customer, msat, sat};
use crate::harness::{CAPITAL_MSAT, World, on_both, together};

on_both! {
    a_settled_withdrawal_costs_amount_actual_fee_and_platform_fee,
    a_free_route_gives_the_whole_reserve_back,
    a_withdrawal_without_any_fee_settles,
    a_withdrawal_is_settled_once,
    a_failed_withdrawal_gives_the_whole_hold_back,
    a_withdrawal_fails_once,
    b2_a_failure_after_the_success_changes_nothing,
    b3_a_success_after_the_failure_is_the_operators_loss_and_halts,
    c4_a_fee_above_its_reserve_is_the_operators_loss_and_halts,
    a_payment_that_is_not_ours_changes_nothing,
    a_withdrawal_that_was_never_dispatched_can_settle_and_cannot_come_back,
    of_a_success_and_a_failure_at_the_same_moment_one_wins,
}

fn applied(outcome: Outcome) -> Withdrawal {
    match outcome {
        Outcome::Applied(withdrawal) => *withdrawal,
        other => panic!("nothing was applied: {other:?}"),
    }
}

fn stored(world: &World, of: &Customer, withdrawal: &Withdrawal) -> Withdrawal {
    let (account, id) = (of.account.id, withdrawal.id);
    world
        .read(move |tx| payment::withdrawal(tx, account, id))
        .expect("it is there")
}

fn told(world: &World, withdrawal: &Withdrawal) -> Vec<String> {
    world.events(withdrawal.id.to_bytes())
}

const PENDING: &str = "withdrawal.lightning.pending";
const COMPLETED: &str = "withdrawal.lightning.completed";
const FAILED: &str = "withdrawal.lightning.failed";

fn a_settled_withdrawal_costs_amount_actual_fee_and_platform_fee(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    request.new.amounts.platform_fee_msat = msat(1_501);
    let reserved = world.reserved_by(&request);
    world.claim(1);
    world.pass(5);
    let settled = applied(world.settle(reserved.payment_hash, msat(2_003)));
    assert_eq!(
        world.balance(&customer),
        (1_000_000 - 100_000 - 2_003 - 1_501, 0)
    );
    assert_eq!(world.net(SystemAccount::PlatformFee), 1_501);
    let float = CAPITAL_MSAT + 1_000_000 - 100_000 - 2_003;
    assert_eq!(world.net(SystemAccount::LightningFloat), -float);
    assert_eq!(settled.state, WithdrawalState::Settled);
    assert_eq!(settled.fee_msat, Some(msat(2_003)));
    assert_eq!(settled.updated_at, world.now());
    assert!(settled.preimage.is_some());
    assert_eq!(stored(world, &customer, &reserved), settled);
    assert_eq!(told(world, &reserved), [PENDING, COMPLETED]);
}

fn a_free_route_gives_the_whole_reserve_back(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    applied(world.settle(withdrawal.payment_hash, Msat::ZERO));
    assert_eq!(world.balance(&customer), (900_000, 0));
}

fn a_withdrawal_without_any_fee_settles(world: &World) {
    let customer = world.customer_with(100);
    let mut request = world.request(&customer, 100);
    request.new.amounts.fee_reserve_msat = Msat::ZERO;
    world.reserved_by(&request);
    assert_eq!(world.balance(&customer), (0, 100_000));
    world.claim(1);
    applied(world.settle(request.new.payment_hash, Msat::ZERO));
    assert_eq!(world.balance(&customer), (0, 0));
}

fn a_withdrawal_is_settled_once(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let hash = withdrawal.payment_hash;
    let outcomes = together(8, |_| world.settle(hash, sat(1)));
    let before = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Before);
    assert_eq!(before.count(), 7);
    assert_eq!(world.settle(hash, sat(2)), Outcome::Before);
    assert_eq!(world.balance(&customer), (899_000, 0));
    let fee_msat = stored(world, &customer, &withdrawal).fee_msat;
    assert_eq!(fee_msat, Some(sat(1)));
    assert_eq!(told(world, &withdrawal), [PENDING, COMPLETED]);
}

fn a_failed_withdrawal_gives_the_whole_hold_back(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    request.new.amounts.platform_fee_msat = msat(1_501);
    let reserved = world.reserved_by(&request);
    world.claim(1);
    let failed = applied(world.fail(reserved.payment_hash));
    assert_eq!(failed.state, WithdrawalState::Failed);
    assert_eq!(failed.failure, Some(WithdrawalFailure::RecipientRejected));
    assert!(failed.resend_barred);
    assert_eq!(stored(world, &customer, &reserved), failed);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    assert_eq!(world.net(SystemAccount::PlatformFee), 0);
    assert_eq!(told(world, &reserved), [PENDING, FAILED]);
}

fn a_withdrawal_fails_once(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let outcomes = together(8, |_| world.fail(withdrawal.payment_hash));
    let before = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Before);
    assert_eq!(before.count(), 7);
    assert_eq!(world.fail(withdrawal.payment_hash), Outcome::Before);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    assert_eq!(told(world, &withdrawal), [PENDING, FAILED]);
}

fn b2_a_failure_after_the_success_changes_nothing(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let settled = applied(world.settle(withdrawal.payment_hash, sat(1)));
    assert_eq!(world.fail(withdrawal.payment_hash), Outcome::Before);
    assert_eq!(stored(world, &customer, &withdrawal), settled);
    assert_eq!(world.balance(&customer), (899_000, 0));
    assert_eq!(world.halted(), None);
    assert_eq!(told(world, &withdrawal), [PENDING, COMPLETED]);
}

fn b3_a_success_after_the_failure_is_the_operators_loss_and_halts(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    let hash = withdrawal.payment_hash;
    let failed = applied(world.fail(hash));
    let outcome = world.settle(hash, msat(2_003));
    assert_eq!(outcome, Outcome::Contradiction(Box::new(failed.clone())));
    assert_eq!(world.net(SystemAccount::OperatorLoss), -102_003);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    assert_eq!(stored(world, &customer, &withdrawal), failed);
    assert!(world.halted().is_some());
    // The node repeats itself: the loss is booked once.
    assert_eq!(world.settle(hash, msat(2_003)), Outcome::Before);
    assert_eq!(world.net(SystemAccount::OperatorLoss), -102_003);
    assert_eq!(told(world, &withdrawal), [PENDING, FAILED]);
}

fn c4_a_fee_above_its_reserve_is_the_operators_loss_and_halts(world: &World) {
    let customer = world.customer_with(1_000);
    let withdrawal = world.dispatched(&customer, 100);
    applied(world.settle(withdrawal.payment_hash, msat(6_001)));
    assert_eq!(world.balance(&customer), (894_000, 0));
    assert_eq!(world.net(SystemAccount::OperatorLoss), -1);
    assert!(world.halted().is_some());
    assert_eq!(told(world, &withdrawal), [PENDING, COMPLETED]);
}

fn a_payment_that_is_not_ours_changes_nothing(world: &World) {
    let before = world.count("SELECT COUNT(*) FROM posting");
    assert_eq!(world.settle(world.hash(), sat(1)), Outcome::NotOurs);
    assert_eq!(world.fail(world.hash()), Outcome::NotOurs);
    assert_eq!(world.count("SELECT COUNT(*) FROM posting"), before);
}

fn a_withdrawal_that_was_never_dispatched_can_settle_and_cannot_come_back(world: &World) {
    let customer = world.customer_with(1_000);
    let (paid, waiting) = (
        world.reserved(&customer, 100),
        world.reserved(&customer, 100),
    );
    applied(world.settle(paid.payment_hash, sat(1)));
    for reason in WithdrawalFailure::ALL {
        let outcome = world.come_back(waiting.payment_hash, reason);
        assert_eq!(outcome, Outcome::Before);
    }
    assert_eq!(world.balance(&customer), (793_000, 106_000));
    assert_eq!(world.claim(10)[0].id, waiting.id);
}

fn of_a_success_and_a_failure_at_the_same_moment_one_wins(world: &World) {
    let customer = world.customer_with(10_000);
    let mut expected_msat = 10_000_000;
    for _ in 0..20 {
        let withdrawal = world.dispatched(&customer, 100);
        let hash = withdrawal.payment_hash;
        let outcomes = together(2, |number| match number {
            0 => world.settle(hash, sat(1)),
            _ => world.fail(hash),
        });
        match (&outcomes[0], &outcomes[1]) {
            (Outcome::Applied(_), Outcome::Before) => {
                expected_msat -= 101_000;
                assert_eq!(told(world, &withdrawal), [PENDING, COMPLETED]);
            }
            (Outcome::Contradiction(_), Outcome::Applied(_)) => {
                assert!(world.halted().is_some());
                world.resume();
                assert_eq!(told(world, &withdrawal), [PENDING, FAILED]);
            }
            other => panic!("both or neither: {other:?}"),
        }
        assert_eq!(world.balance(&customer), (expected_msat, 0));
    }
}
