//! Accounts, keys, the operator's capital and the halt.

use std::collections::BTreeSet;

use ledger::{AccountNumber, SystemAccount};
use payments::account::AccountBalance;
use payments::api_key::KeyHash;
use payments::ids::AccountId;
use store::StoreError;
use store::acts::account::{CreateKeyError, create_api_key};
use store::acts::posting::PostError;
use store::acts::{Applied, capital, halt};
use store::queries::account;

use crate::builders::{Customer, msat, sat};
use crate::harness::{CAPITAL_MSAT, World, on_both, together};

on_both! {
    accounts_and_keys_made_at_once_have_numbers_of_their_own,
    an_account_and_its_key_read_back_as_they_were_made,
    a_key_of_no_account_is_refused_and_uses_no_number,
    liabilities_are_what_all_customers_have_spendable_or_held,
    a_channel_brings_capital_once,
    the_first_reason_of_a_halt_stays_until_it_is_lifted,
}

fn accounts_and_keys_made_at_once_have_numbers_of_their_own(world: &World) {
    let customers: Vec<Customer> = together(8, |_| [world.customer(), world.customer()])
        .into_iter()
        .flatten()
        .collect();
    let numbers: BTreeSet<_> = customers
        .iter()
        .map(|customer| customer.account.ledger_account)
        .collect();
    let first = AccountNumber::FIRST_CUSTOMER;
    let expected = (first..first + 16).map(|n| AccountNumber::customer(n).expect("a customer"));
    assert_eq!(numbers, expected.collect());
    let keys: BTreeSet<_> = customers
        .iter()
        .map(|customer| customer.key.number)
        .collect();
    assert_eq!(keys, (1..=16).collect());
    assert_eq!(world.read(|tx| account::list(tx, 100)).len(), 16);
    assert_eq!(world.read(|tx| account::list(tx, 3)).len(), 3);
}

fn an_account_and_its_key_read_back_as_they_were_made(world: &World) {
    let Customer { account, key } = world.customer();
    world.customer();
    let (id, number) = (account.id, key.number);
    let found = world.read(move |tx| account::by_id(tx, id));
    assert_eq!(found.as_ref(), Some(&account));
    let found = world.read(move |tx| account::ledger_account(tx, id));
    assert_eq!(found, Some(account.ledger_account));
    let found = world.read(move |tx| account::key_by_number(tx, number));
    assert_eq!(found, Some(key));
    let nothing = AccountBalance {
        available_msat: msat(0),
        held_msat: msat(0),
    };
    assert_eq!(
        world.read(move |tx| account::balance(tx, id)),
        Some(nothing)
    );

    let nobody: AccountId = world.id();
    assert_eq!(world.read(move |tx| account::by_id(tx, nobody)), None);
    assert_eq!(
        world.read(move |tx| account::ledger_account(tx, nobody)),
        None
    );
    assert_eq!(world.read(move |tx| account::balance(tx, nobody)), None);
    assert_eq!(world.read(move |tx| account::key_by_number(tx, 99)), None);
}

fn a_key_of_no_account_is_refused_and_uses_no_number(world: &World) {
    let nobody: AccountId = world.id();
    let answer =
        world.write(move |tx, act| create_api_key(tx, act, nobody, "a key", KeyHash([1; 32])));
    assert!(
        matches!(answer, Err(CreateKeyError::UnknownAccount(id)) if id == nobody),
        "{answer:?}"
    );
    assert_eq!(world.customer().key.number, 1);
}

fn liabilities_are_what_all_customers_have_spendable_or_held(world: &World) {
    let (alice, bob) = (world.customer_with(1_000), world.customer_with(500));
    world.customer();
    let owed = || world.read(account::liabilities);
    assert_eq!(owed(), sat(1_500));
    let withdrawal = world.dispatched(&alice, 100);
    world.reserved(&bob, 100);
    assert_eq!(owed(), sat(1_500));
    world.settle(withdrawal.payment_hash, sat(1));
    assert_eq!(owed(), sat(1_399));
}

fn a_channel_brings_capital_once(world: &World) {
    let add = |channel: Vec<u8>| {
        world.write(move |tx, act| -> Result<_, PostError> {
            capital::add_capital(tx, act, channel.clone(), sat(7))
        })
    };
    let answers = together(8, |_| add(vec![2]).expect("an answer"));
    let now = |answer: &&Applied<()>| **answer == Applied::Now(());
    assert_eq!(answers.iter().filter(now).count(), 1);
    assert_eq!(add(vec![2]).expect("an answer"), Applied::Before(()));
    assert_eq!(add(vec![3]).expect("an answer"), Applied::Now(()));
    let capital = world.net(SystemAccount::OperatorCapital);
    assert_eq!(capital, CAPITAL_MSAT + 14_000);
}

fn the_first_reason_of_a_halt_stays_until_it_is_lifted(world: &World) {
    assert_eq!(world.halted(), None);
    for reason in ["first", "second"] {
        let done =
            world.write(move |tx, act| -> Result<(), StoreError> { halt::halt(tx, act, reason) });
        assert_eq!(done, Ok(()));
        assert_eq!(world.halted().as_deref(), Some("first"));
    }
    world.resume();
    world.resume();
    assert_eq!(world.halted(), None);
}
