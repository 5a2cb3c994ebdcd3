//! Withdrawals that wait for an approval: held from the start, sent or given back by one decision, and one alone.

use money::Msat;
use payments::api_key::KeyRules;
use payments::fee_policy::FeePolicy;
use payments::ids::WithdrawalId;
use payments::withdrawal::{Withdrawal, WithdrawalFailure, WithdrawalState};
use store::acts::approval::{DecideError, Decider, Decision, decide};
use store::acts::outcome::{Outcome, fail_expired_withdrawal};
use store::queries::payment::{unapproved, unapproved_past};

use crate::builders::{Customer, sat};
use crate::harness::{World, on_both, together};

on_both! {
    what_is_above_the_limit_is_held_and_not_sent_until_it_is_approved,
    a8_of_an_approval_and_a_rejection_at_once_one_wins,
    a_rejection_gives_everything_back_and_is_told,
    an_own_invoice_is_paid_in_the_books_when_it_is_approved,
    an_own_invoice_that_was_paid_meanwhile_is_given_up_at_its_approval,
    what_nobody_approves_in_time_is_given_back,
    nothing_is_approved_while_money_is_halted,
    neither_the_key_that_asked_nor_another_account_decides,
}

impl World {
    /// A customer with `has_sat` whose key needs an approval above `above_sat`.
    fn supervised(&self, has_sat: i64, above_sat: i64) -> Customer {
        let rules = KeyRules {
            approval_above_msat: Some(sat(above_sat)),
            ..KeyRules::default()
        };
        self.ruled(&self.customer_with(has_sat), rules)
    }

    fn decide_by(
        &self,
        id: WithdrawalId,
        by: Decider,
        decision: Decision,
    ) -> Result<Withdrawal, DecideError> {
        let fees = FeePolicy::default();
        self.write(move |tx, act| decide(tx, act, &fees, id, by, decision))
    }

    fn decide(&self, id: WithdrawalId, decision: Decision) -> Result<Withdrawal, DecideError> {
        self.decide_by(id, Decider::Operator, decision)
    }
}

fn what_is_above_the_limit_is_held_and_not_sent_until_it_is_approved(world: &World) {
    let customer = world.supervised(10_000, 100);
    assert_eq!(
        world.reserved(&customer, 100).state,
        WithdrawalState::Reserved
    );
    let waits = world.reserved(&customer, 101);
    assert_eq!(waits.state, WithdrawalState::Unapproved);
    assert_eq!(world.balance(&customer).1, 106_000 + 107_010);
    assert_eq!(world.claim(10).len(), 1);
    let listed = world.read(|tx| unapproved(tx, None, 10));
    assert_eq!(listed, vec![waits.clone()]);
    let approved = world.decide(waits.id, Decision::Approve).expect("approved");
    assert_eq!(approved.state, WithdrawalState::Reserved);
    assert_eq!(world.claim(10)[0].id, waits.id);
    world.settle(waits.payment_hash, Msat::ZERO);
    let again = world.decide(waits.id, Decision::Reject);
    assert!(
        matches!(
            again,
            Err(DecideError::Decided {
                state: WithdrawalState::Settled
            })
        ),
        "{again:?}"
    );
}

fn a8_of_an_approval_and_a_rejection_at_once_one_wins(world: &World) {
    let customer = world.supervised(100_000, 0);
    for _ in 0..10 {
        let waits = world.reserved(&customer, 100);
        let decided = together(8, |number| {
            let decision = match number % 2 {
                0 => Decision::Approve,
                _ => Decision::Reject,
            };
            world.decide(waits.id, decision)
        });
        let (won, lost): (Vec<_>, Vec<_>) = decided.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{won:?}");
        for refused in lost {
            assert!(
                matches!(refused, Err(DecideError::Decided { .. })),
                "{refused:?}"
            );
        }
        let sent = world.claim(10).len();
        let winner = won[0].as_ref().expect("a decision");
        assert_eq!(sent, usize::from(winner.state == WithdrawalState::Reserved));
        if sent == 1 {
            world.settle(waits.payment_hash, Msat::ZERO);
        }
    }
    assert_eq!(world.balance(&customer).1, 0);
}

fn a_rejection_gives_everything_back_and_is_told(world: &World) {
    let customer = world.supervised(1_000, 0);
    let waits = world.reserved(&customer, 100);
    let rejected = world.decide(waits.id, Decision::Reject).expect("rejected");
    assert_eq!(rejected.state, WithdrawalState::Failed);
    assert_eq!(rejected.failure, Some(WithdrawalFailure::Disapproved));
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    let told = world.events(waits.id.to_bytes());
    assert_eq!(
        told,
        [
            "withdrawal.lightning.pending",
            "withdrawal.lightning.failed"
        ]
    );
    // Nothing of it was sent, so the invoice may be paid at once.
    let mut again = world.request(&customer, 100);
    again.new.payment_hash = waits.payment_hash;
    again.new.bolt11 = waits.bolt11;
    assert_eq!(world.reserved_by(&again).state, WithdrawalState::Unapproved);
}

fn an_own_invoice_is_paid_in_the_books_when_it_is_approved(world: &World) {
    let (payer, payee) = (world.supervised(1_000, 10), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(100)));
    let waits = world.reserved_by(&world.internal(&payer, &invoice, sat(100)));
    assert_eq!(waits.state, WithdrawalState::Unapproved);
    assert_eq!(world.balance(&payee), (0, 0));
    let paid = world.decide(waits.id, Decision::Approve).expect("approved");
    assert_eq!(paid.state, WithdrawalState::Settled);
    assert_eq!(world.balance(&payer), (900_000, 0));
    assert_eq!(world.balance(&payee), (100_000, 0));
    assert_eq!(world.claim(10), []);
}

fn an_own_invoice_that_was_paid_meanwhile_is_given_up_at_its_approval(world: &World) {
    let (payer, payee) = (world.supervised(1_000, 10), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(100)));
    let waits = world.reserved_by(&world.internal(&payer, &invoice, sat(100)));
    world.credit(invoice.payment_hash, sat(100));
    let ended = world.decide(waits.id, Decision::Approve).expect("an end");
    assert_eq!(ended.state, WithdrawalState::Failed);
    assert_eq!(world.balance(&payer), (1_000_000, 0));
    assert_eq!(world.balance(&payee), (100_000, 0));
}

fn what_nobody_approves_in_time_is_given_back(world: &World) {
    let customer = world.supervised(10_000, 0);
    let (one, other) = (
        world.reserved(&customer, 100),
        world.reserved(&customer, 100),
    );
    let now = world.now();
    assert_eq!(world.read(move |tx| unapproved_past(tx, now, 10)), []);
    world.pass(3_600);
    let now = world.now();
    let past = world.read(move |tx| unapproved_past(tx, now, 10));
    assert_eq!(past, [one.id, other.id]);
    let id = one.id;
    let given_up = world.write(move |tx, act| fail_expired_withdrawal(tx, act, id));
    assert!(matches!(given_up, Ok(Outcome::Applied(_))), "{given_up:?}");
    // Who approves it too late gives it up as well.
    let late = world.decide(other.id, Decision::Approve).expect("an end");
    assert_eq!(late.failure, Some(WithdrawalFailure::InvoiceExpired));
    assert_eq!(world.balance(&customer), (10_000_000, 0));
}

fn nothing_is_approved_while_money_is_halted(world: &World) {
    let customer = world.supervised(1_000, 0);
    let waits = world.reserved(&customer, 100);
    world.halt();
    let refused = world.decide(waits.id, Decision::Approve);
    assert!(matches!(refused, Err(DecideError::Halted)), "{refused:?}");
    world.resume();
    assert!(world.decide(waits.id, Decision::Approve).is_ok());
}

fn neither_the_key_that_asked_nor_another_account_decides(world: &World) {
    let customer = world.supervised(1_000, 0);
    let (waits, stranger) = (world.reserved(&customer, 100), world.customer());
    let by = |one: &Customer| Decider::Key(one.account.id, one.key.id);
    let decide = |by| world.decide_by(waits.id, by, Decision::Approve);
    let own = decide(by(&customer));
    assert!(matches!(own, Err(DecideError::OwnRequest)), "{own:?}");
    let strange = decide(by(&stranger));
    assert!(matches!(strange, Err(DecideError::Unknown)), "{strange:?}");
    let second = world.ruled(&customer, KeyRules::default());
    assert!(decide(by(&second)).is_ok());
}
