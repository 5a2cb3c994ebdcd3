//! Money that could not be placed: kept once, listed, and given to an account once.

use ledger::SystemAccount;
use payments::deposit::Deposit;
use payments::ids::{AccountId, SuspendedId};
use payments::suspense::{SuspendedItem, SuspenseReason, SuspenseState};
use store::acts::deposit::Credited;
use store::acts::suspense::{AssignError, assign_suspended};
use store::queries::{payment, suspense, transaction};

use crate::builders::{Customer, sat};
use crate::harness::{World, on_both, together};

on_both! {
    d7_a_second_payment_of_another_amount_is_kept_apart_once_and_refundable,
    d7_a_second_payment_of_the_same_amount_is_taken_for_the_same_report,
    an_item_is_listed_until_it_is_assigned_whole_and_once,
    an_item_is_assigned_once_by_eight_at_once,
    what_cannot_be_assigned_changes_nothing,
    a_deposit_out_of_suspense_names_an_invoice_only_to_its_owner,
}

fn listed(world: &World, state: SuspenseState) -> Vec<SuspendedItem> {
    world.read(move |tx| suspense::list(tx, state, 100))
}

fn assign(world: &World, id: SuspendedId, to: AccountId) -> Result<SuspendedItem, AssignError> {
    world.write(move |tx, act| assign_suspended(tx, act, id, to))
}

fn suspended(world: &World, amount_sat: i64) -> SuspendedItem {
    let hash = world.hash();
    let reason = SuspenseReason::NoInvoice;
    assert_eq!(
        world.credit(hash, sat(amount_sat)),
        Credited::Suspense(reason)
    );
    let found = listed(world, SuspenseState::Open).into_iter();
    let mut found = found.filter(|item| item.payment_hash == hash);
    found.next().expect("a listed item")
}

fn deposit(world: &World, of: &Customer, item: &SuspendedItem) -> Deposit {
    let (account, id) = (of.account.id, item.deposit_id.expect("a deposit"));
    world
        .read(move |tx| payment::deposit(tx, account, id))
        .expect("it is there")
}

fn d7_a_second_payment_of_another_amount_is_kept_apart_once_and_refundable(world: &World) {
    let (payee, payer) = (world.customer(), world.customer());
    let invoice = world.open_invoice(&payee);
    let hash = invoice.payment_hash;
    assert!(matches!(world.credit(hash, sat(100)), Credited::Deposit(_)));
    let again = Credited::Suspense(SuspenseReason::PaidAgain);
    assert_eq!(world.credit(hash, sat(101)), again);
    for amount in [100, 101, 100, 101] {
        assert_eq!(world.credit(hash, sat(amount)), Credited::Before);
    }
    assert_eq!(world.balance(&payee), (100_000, 0));
    assert_eq!(world.net(SystemAccount::Suspense), 101_000);
    let items = listed(world, SuspenseState::Open);
    assert_eq!(items.len(), 1);
    assert_eq!(
        (items[0].invoice_id, items[0].amount_msat),
        (Some(invoice.id), sat(101))
    );
    assign(world, items[0].id, payer.account.id).expect("a refund");
    assert_eq!(world.balance(&payer), (101_000, 0));
    assert_eq!(world.net(SystemAccount::Suspense), 0);
    assert_eq!(world.credit(hash, sat(101)), Credited::Before);
}

fn d7_a_second_payment_of_the_same_amount_is_taken_for_the_same_report(world: &World) {
    let payee = world.customer();
    let hash = world.open_invoice(&payee).payment_hash;
    assert!(matches!(world.credit(hash, sat(100)), Credited::Deposit(_)));
    assert_eq!(world.credit(hash, sat(100)), Credited::Before);
    assert_eq!(world.balance(&payee), (100_000, 0));
    assert_eq!(listed(world, SuspenseState::Open), []);
}

fn an_item_is_listed_until_it_is_assigned_whole_and_once(world: &World) {
    let (customer, other) = (world.customer(), world.customer());
    let item = suspended(world, 70);
    assert_eq!((item.state, item.account_id), (SuspenseState::Open, None));
    world.pass(5);
    let given = assign(world, item.id, customer.account.id).expect("assigned");
    assert_eq!(
        (given.state, given.account_id),
        (SuspenseState::Assigned, Some(customer.account.id))
    );
    assert_eq!(world.balance(&customer), (70_000, 0));
    assert_eq!(listed(world, SuspenseState::Open), []);
    assert_eq!(
        listed(world, SuspenseState::Assigned),
        std::slice::from_ref(&given)
    );
    for to in [&customer, &other] {
        let refused = assign(world, item.id, to.account.id);
        assert!(matches!(refused, Err(AssignError::Assigned)), "{refused:?}");
    }
    assert_eq!(world.balance(&other), (0, 0));
    // The customer's list adds up to its balance, and it was told.
    let got = deposit(world, &customer, &given);
    assert_eq!((got.amount_msat, got.invoice_id), (sat(70), None));
    assert_eq!(
        world.events(got.id.to_bytes()),
        ["deposit.lightning.completed"]
    );
    let account = customer.account.id;
    let page = world.read(move |tx| transaction::page(tx, account, None, 10));
    assert_eq!(page.len(), 1);
}

fn an_item_is_assigned_once_by_eight_at_once(world: &World) {
    let both = [world.customer(), world.customer()];
    for round in 1..=5 {
        let item = suspended(world, 10);
        let answers = together(8, |number| {
            assign(world, item.id, both[number % 2].account.id).is_ok()
        });
        assert_eq!(answers.iter().filter(|done| **done).count(), 1);
        let given = world.balance(&both[0]).0 + world.balance(&both[1]).0;
        assert_eq!(given, round * 10_000);
    }
}

fn what_cannot_be_assigned_changes_nothing(world: &World) {
    let customer = world.customer();
    let item = suspended(world, 10);
    let refused = assign(world, world.id(), customer.account.id);
    assert!(
        matches!(refused, Err(AssignError::UnknownItem)),
        "{refused:?}"
    );
    let refused = assign(world, item.id, world.id());
    assert!(
        matches!(refused, Err(AssignError::UnknownAccount)),
        "{refused:?}"
    );
    assert_eq!(listed(world, SuspenseState::Open), [item]);
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), 0);
}

fn a_deposit_out_of_suspense_names_an_invoice_only_to_its_owner(world: &World) {
    let (owner, other) = (world.customer(), world.customer());
    for (to, named) in [(&owner, true), (&other, false)] {
        let invoice = world.open_invoice(&owner);
        world.credit(invoice.payment_hash, sat(10));
        world.credit(invoice.payment_hash, sat(11));
        let item = listed(world, SuspenseState::Open).remove(0);
        let given = assign(world, item.id, to.account.id).expect("assigned");
        let got = deposit(world, to, &given);
        assert_eq!(got.invoice_id, named.then_some(invoice.id));
        assert_eq!(got.bolt11.is_empty(), !named);
        assert_eq!(got.metadata.is_some(), named);
    }
}
