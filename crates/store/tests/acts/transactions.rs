//! What an account sees of its history, and that it sees nothing of another's.

use std::collections::BTreeSet;

use payments::ids::AccountId;
use store::queries::payment;
use store::queries::transaction::{Transaction, page};

use crate::builders::{Customer, sat};
use crate::harness::{World, on_both};

on_both! {
    transactions_of_both_kinds_come_newest_first,
    a_cursor_walks_every_transaction_once,
    a_cursor_walks_on_while_new_transactions_come,
    no_page_shows_a_transaction_of_another_account,
    invoices_deposits_and_withdrawals_of_another_account_are_not_there,
}

fn page_of(
    world: &World,
    account: AccountId,
    before: Option<[u8; 16]>,
    limit: i64,
) -> Vec<Transaction> {
    world.read(move |tx| page(tx, account, before, limit))
}

/// Deposits, withdrawals and an invoice that ran out, and the ids of all but the invoice in the
/// order in which they were written.
fn history(world: &World, of: &Customer) -> Vec<[u8; 16]> {
    let mut ids = Vec::new();
    for number in 0..12 {
        world.pass(1);
        ids.push(world.deposited(of, 1_000).id.to_bytes());
        world.pass(1);
        ids.push(world.reserved(of, 10 + number).id.to_bytes());
    }
    ids
}

fn ids(page: &[Transaction]) -> Vec<[u8; 16]> {
    page.iter().map(Transaction::id_bytes).collect()
}

fn transactions_of_both_kinds_come_newest_first(world: &World) {
    let customer = world.customer();
    let mut expected = history(world, &customer);
    expected.reverse();
    let all = page_of(world, customer.account.id, None, 100);
    assert_eq!(ids(&all), expected);
    let is_deposit = |transaction: &&Transaction| matches!(transaction, Transaction::Deposit(_));
    assert_eq!(all.iter().filter(is_deposit).count(), 12);
    let first = page_of(world, customer.account.id, None, 5);
    assert_eq!(ids(&first), expected[..5]);
    assert_eq!(page_of(world, customer.account.id, None, 0), []);
}

fn a_cursor_walks_every_transaction_once(world: &World) {
    let customer = world.customer();
    let mut expected = history(world, &customer);
    expected.reverse();
    for limit in [1, 2, 5, 7, 24, 25] {
        let mut seen = Vec::new();
        loop {
            let more = page_of(world, customer.account.id, seen.last().copied(), limit);
            if more.is_empty() {
                break;
            }
            assert!(more.len() <= usize::try_from(limit).expect("small"));
            seen.extend(ids(&more));
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

fn a_cursor_walks_on_while_new_transactions_come(world: &World) {
    let customer = world.customer();
    let expected: BTreeSet<_> = history(world, &customer).into_iter().collect();
    let mut seen = Vec::new();
    loop {
        let more = page_of(world, customer.account.id, seen.last().copied(), 4);
        if more.is_empty() {
            break;
        }
        seen.extend(ids(&more));
        world.pass(1);
        world.deposited(&customer, 1);
    }
    assert_eq!(seen.len(), expected.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

fn no_page_shows_a_transaction_of_another_account(world: &World) {
    let (alice, bob, carol) = (world.customer(), world.customer(), world.customer());
    let hers = history(world, &alice);
    let his = history(world, &bob);
    let expected: BTreeSet<_> = hers.iter().copied().collect();
    // Cursors of his walk her history all the same, and only hers.
    for cursor in [None, his.last().copied(), his.first().copied()] {
        for transaction in page_of(world, alice.account.id, cursor, 100) {
            assert!(expected.contains(&transaction.id_bytes()));
        }
    }
    let all = page_of(world, alice.account.id, his.last().copied(), 100);
    assert_eq!(all.len(), expected.len());
    assert_eq!(page_of(world, carol.account.id, None, 100), []);
}

fn invoices_deposits_and_withdrawals_of_another_account_are_not_there(world: &World) {
    let (alice, bob) = (world.customer(), world.customer());
    let invoice = world.open_invoice(&alice);
    let deposit = world.deposited(&alice, 1_000);
    let withdrawal = world.dispatched(&alice, 100);
    world.settle(withdrawal.payment_hash, sat(1));
    for (customer, is_there) in [(&alice, true), (&bob, false)] {
        let account = customer.account.id;
        let (id, found) = (invoice.id, is_there);
        let seen = world.read(move |tx| payment::invoice(tx, account, id));
        assert_eq!(seen.is_some(), found);
        let id = deposit.id;
        let seen = world.read(move |tx| payment::deposit(tx, account, id));
        assert_eq!(seen.is_some(), found);
        let id = withdrawal.id;
        let seen = world.read(move |tx| payment::withdrawal(tx, account, id));
        assert_eq!(seen.is_some(), found);
    }
}
