//! Postings: written whole or not at all, once for each fact, never changed, and never overdrawing.

use ledger::{AccountNumber, Fact, FactKind, Leg, Posting, PostingCode, SystemAccount};
use money::Msat;
use store::acts::posting::{PostError, post};
use store::{Store, StoreError};

use crate::builders::{Customer, sat};
use crate::harness::{World, on_both, together};

on_both! {
    exactly_as_many_debits_pass_as_the_balance_covers,
    a_fact_that_is_booked_is_not_booked_again,
    a_posting_that_overdraws_leaves_no_row,
    an_unsound_posting_leaves_no_row,
    an_act_that_errs_after_a_posting_leaves_no_row,
    postings_and_transfers_are_never_changed_or_deleted,
    a_statement_has_no_gap_after_concurrent_postings,
    opposite_transfers_neither_deadlock_nor_lose_a_payment,
}

/// A posting that stands for anything that moves money.
fn moving(world: &World, legs: Vec<Leg>) -> Posting {
    Posting {
        code: PostingCode::CapitalAdded,
        fact: Fact {
            kind: FactKind::Channel,
            id: world.random().to_vec(),
        },
        legs,
    }
}

fn leg(debit: AccountNumber, credit: AccountNumber, amount_msat: Msat) -> Leg {
    Leg::Transfer {
        debit,
        credit,
        amount_msat,
    }
}

fn spend(from: &Customer, amount_sat: i64) -> Leg {
    let capital = SystemAccount::OperatorCapital.number();
    leg(from.account.ledger_account, capital, sat(amount_sat))
}

fn book(world: &World, posting: &Posting) -> Result<(), PostError> {
    let posting = posting.clone();
    world.write(move |tx, act| post(tx, act, act.ids.fresh(), &posting))
}

/// How many postings, transfers and entries there are.
fn rows(world: &World) -> [i64; 3] {
    [
        world.count("SELECT COUNT(*) FROM posting"),
        world.count("SELECT COUNT(*) FROM transfer"),
        world.count("SELECT COUNT(*) FROM entry"),
    ]
}

fn exactly_as_many_debits_pass_as_the_balance_covers(world: &World) {
    let customer = world.customer_with(1_000);
    let answers = together(32, |_| {
        book(world, &moving(world, vec![spend(&customer, 300)]))
    });
    let (passed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((passed.len(), refused.len()), (3, 29));
    for refusal in refused {
        assert!(
            matches!(
                refusal,
                Err(PostError::Overdrawn { available_msat }) if available_msat < sat(300)
            ),
            "{refusal:?}"
        );
    }
    assert_eq!(world.balance(&customer), (100_000, 0));
}

fn a_fact_that_is_booked_is_not_booked_again(world: &World) {
    let customer = world.customer_with(1_000);
    let posting = moving(world, vec![spend(&customer, 300)]);
    let answers = together(8, |_| book(world, &posting));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let before = (rows(world), world.balance(&customer));
    assert!(matches!(
        book(world, &posting),
        Err(PostError::AlreadyBooked)
    ));

    // An act may take it as done and go on: what it commits then is nothing.
    let again = posting.clone();
    let went_on = world.write(move |tx, act| -> Result<(), StoreError> {
        let answer = post(tx, act, act.ids.fresh(), &again);
        assert!(matches!(answer, Err(PostError::AlreadyBooked)));
        Ok(())
    });
    assert_eq!(went_on, Ok(()));
    assert_eq!((rows(world), world.balance(&customer)), before);
    assert_eq!(before.1, (700_000, 0));
}

fn a_posting_that_overdraws_leaves_no_row(world: &World) {
    let (rich, poor) = (world.customer_with(1_000), world.customer_with(10));
    let before = rows(world);
    let posting = moving(world, vec![spend(&rich, 300), spend(&poor, 11)]);
    let answer = book(world, &posting);
    assert!(
        matches!(answer, Err(PostError::Overdrawn { available_msat }) if available_msat == sat(10)),
        "{answer:?}"
    );
    assert_eq!(rows(world), before);
    assert_eq!(world.balance(&rich), (1_000_000, 0));
    assert_eq!(world.balance(&poor), (10_000, 0));
}

fn an_unsound_posting_leaves_no_row(world: &World) {
    let customer = world.customer_with(10);
    let before = rows(world);
    let own = customer.account.ledger_account;
    for legs in [
        vec![],
        vec![spend(&customer, 0)],
        vec![leg(own, own, sat(1))],
    ] {
        let answer = book(world, &moving(world, legs));
        assert!(matches!(answer, Err(PostError::Unsound(_))), "{answer:?}");
    }
    assert_eq!(rows(world), before);
}

fn an_act_that_errs_after_a_posting_leaves_no_row(world: &World) {
    let customer = world.customer_with(1_000);
    let before = rows(world);
    let posting = moving(world, vec![spend(&customer, 300)]);
    let answer = world.write(move |tx, act| -> Result<(), PostError> {
        post(tx, act, act.ids.fresh(), &posting)?;
        Err(PostError::AlreadyBooked)
    });
    assert!(answer.is_err());
    assert_eq!(rows(world), before);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
}

fn postings_and_transfers_are_never_changed_or_deleted(world: &World) {
    world.customer_with(1_000);
    let before = rows(world);
    for sql in [
        "UPDATE transfer SET amount_msat = amount_msat + 1",
        "UPDATE transfer SET credit = 5",
        "UPDATE posting SET created_at = 0",
        "UPDATE posting SET fact_id = id",
        // Not referred to by an entry or a transfer, so that only the trigger keeps it.
        "DELETE FROM transfer WHERE id NOT IN (SELECT transfer_id FROM entry)",
        "DELETE FROM posting",
    ] {
        let answer = change(world.store(), sql);
        let message = format!("{:?}", answer.expect_err(sql));
        assert!(message.contains("never"), "{sql}: {message}");
    }
    assert_eq!(rows(world), before);
}

fn change(store: &Store, sql: &'static str) -> Result<u64, StoreError> {
    store.write(move |tx| tx.execute(sql, &[]))
}

fn a_statement_has_no_gap_after_concurrent_postings(world: &World) {
    let customer = world.customer_with(1_000);
    together(8, |_| {
        for _ in 0..5 {
            book(world, &moving(world, vec![spend(&customer, 7)])).expect("covered");
        }
    });
    let account = customer.account.ledger_account.get();
    let lines = world.read(move |tx| {
        let sql =
            "SELECT seq, posted_msat, balance_msat FROM entry WHERE account = $1 ORDER BY seq";
        let rows = tx.query(sql, store::params![account])?;
        let line = |row: &store::Row| Ok([row.int(0)?, row.int(1)?, row.int(2)?]);
        rows.iter().map(line).collect::<Result<Vec<_>, _>>()
    });
    let mut expected = vec![[1, 1_000_000, 1_000_000]];
    expected.extend((1..=40).map(|paid| [paid + 1, -7_000, 1_000_000 - paid * 7_000]));
    assert_eq!(lines, expected);
}

fn opposite_transfers_neither_deadlock_nor_lose_a_payment(world: &World) {
    let (alice, bob) = (world.customer_with(1_000), world.customer_with(1_000));
    let there = [&alice, &bob].map(|customer| customer.account.ledger_account);
    together(8, |number| {
        let (from, to) = (there[number % 2], there[(number + 1) % 2]);
        // One direction pays twice what the other does.
        let amount = if number % 2 == 0 { sat(2) } else { sat(1) };
        for _ in 0..25 {
            let posting = moving(world, vec![leg(from, to, amount)]);
            book(world, &posting).expect("covered");
        }
    });
    assert_eq!(world.balance(&alice), (900_000, 0));
    assert_eq!(world.balance(&bob), (1_100_000, 0));
}
