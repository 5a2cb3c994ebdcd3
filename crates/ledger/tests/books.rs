//! What the books refuse, and the names under which they are stored.

use std::collections::BTreeSet;

use ledger::{
    AccountNumber, Balance, Fact, FactKind, HeldTransfer, Leg, Posting, PostingCode, PostingError,
    Side, SystemAccount, TransferId,
};
use money::Msat;

fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("in range")
}

fn customer(number: i64) -> AccountNumber {
    AccountNumber::customer(number).expect("a customer")
}

fn transfer(debit: AccountNumber, credit: AccountNumber, amount: i64) -> Leg {
    Leg::Transfer {
        debit,
        credit,
        amount_msat: msat(amount),
    }
}

fn held(id: u8, amount: i64) -> HeldTransfer {
    HeldTransfer {
        id: TransferId([id; 16]),
        debit: customer(1_000),
        credit: SystemAccount::LightningOutClearing.number(),
        amount_msat: msat(amount),
    }
}

fn check(legs: Vec<Leg>) -> Result<(), PostingError> {
    let fact = Fact {
        kind: FactKind::Channel,
        id: vec![1],
    };
    let code = PostingCode::CapitalAdded;
    Posting { code, fact, legs }.check()
}

#[test]
fn a_posting_that_books_nothing_or_books_it_twice_is_refused() {
    let (alice, bob) = (customer(1_000), customer(1_001));
    let post = |id, amount, posted| Leg::Post {
        held: held(id, amount),
        amount_msat: msat(posted),
    };
    let void = |id| Leg::Void { held: held(id, 5) };
    assert_eq!(check(vec![]), Err(PostingError::Empty));
    assert_eq!(
        check(vec![transfer(alice, bob, 1), transfer(alice, bob, 0)]),
        Err(PostingError::Zero(1))
    );
    assert_eq!(
        check(vec![transfer(alice, alice, 1)]),
        Err(PostingError::SameAccount(0))
    );
    assert_eq!(
        check(vec![post(1, 5, 6)]),
        Err(PostingError::MoreThanHeld(0))
    );
    assert_eq!(check(vec![post(1, 5, 0)]), Err(PostingError::Zero(0)));
    assert_eq!(
        check(vec![post(1, 5, 5), void(1)]),
        Err(PostingError::ResolvedTwice(1))
    );
    assert_eq!(
        check(vec![post(1, 5, 5), void(2), transfer(alice, bob, 1)]),
        Ok(())
    );
}

#[test]
fn what_is_held_or_paid_cannot_be_spent() {
    let mut balance = Balance::default();
    let (alice, float) = (customer(1_000), SystemAccount::LightningFloat.number());
    let hold = Leg::Hold {
        debit: alice,
        credit: float,
        amount_msat: msat(7),
    };
    let legs = [
        (transfer(float, alice, 100), Side::Credit),
        (transfer(alice, float, 30), Side::Debit),
        (hold, Side::Debit),
    ];
    for (leg, side) in legs {
        balance.apply(&leg, side).expect("in range");
    }
    assert_eq!(
        (balance.net_credit_msat(), balance.available_msat()),
        (70, 63)
    );
}

#[test]
fn every_stored_name_is_one_and_only() {
    let accounts: BTreeSet<_> = SystemAccount::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(accounts.len(), SystemAccount::ALL.len());
    let numbers: BTreeSet<_> = SystemAccount::ALL.iter().map(|one| one.number()).collect();
    assert_eq!(numbers.len(), SystemAccount::ALL.len());
    let codes: BTreeSet<_> = PostingCode::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(codes.len(), PostingCode::ALL.len());
    for name in accounts.iter().chain(&codes) {
        assert!(name.len() > 6, "{name} says what it is");
    }
    assert_eq!(SystemAccount::Suspense.name(), "suspense");
    assert_eq!(SystemAccount::Suspense.number().to_string(), "suspense");
    assert_eq!(customer(1_000).to_string(), "customer 1000");
    assert_eq!(PostingCode::WithdrawalHeld.name(), "withdrawal_held");
    assert_eq!(FactKind::LightningReceived.name(), "lightning_received");
}
