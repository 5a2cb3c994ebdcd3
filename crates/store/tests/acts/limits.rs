//! What an API key may spend: at once, over time, and to whom. It stands under concurrency, midnight, refunds and
//! restarts.

use payments::api_key::{Budget, KeyHash, KeyRules, Scope, Scopes};
use payments::withdrawal::WithdrawalState;
use store::acts::account::{
    CloseAccountError, CreateKeyError, change_key_rules, close_account, create_api_key,
    create_ruled_key, revoke_key,
};
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved};
use store::params;

use crate::builders::{Customer, msat, sat};
use crate::harness::{World, on_both, together};

on_both! {
    i2_a_budget_stands_under_concurrency,
    i2_a_budget_is_a_window_that_knows_no_midnight,
    i2_what_comes_back_may_be_spent_again_once,
    i2_a_settled_payment_counts_with_what_it_cost,
    i2_a_change_of_the_budget_keeps_what_was_spent,
    i2_a_key_without_the_scope_pays_nothing,
    a_payment_above_the_keys_maximum_is_refused,
    a_key_bound_to_destinations_pays_no_other,
    an_internal_payment_counts_against_the_budget,
    everything_of_an_account_is_within_the_budget_or_refused,
    i4_a_revoked_or_expired_key_pays_nothing_and_its_payments_go_on,
    i4_an_account_with_money_or_payments_is_not_closed,
}

const DAY: u32 = 86_400;

fn budget(window_seconds: u32, limit_sat: i64) -> Budget {
    Budget {
        window_seconds,
        limit_msat: sat(limit_sat),
    }
}

impl World {
    /// Another key of `of`, with rules.
    pub fn ruled(&self, of: &Customer, rules: KeyRules) -> Customer {
        let account = of.account.id;
        let made = self.write(move |tx, act| {
            create_ruled_key(tx, act, account, "a key", KeyHash([2; 32]), rules.clone())
        });
        let made: Result<_, CreateKeyError> = made;
        Customer {
            key: made.expect("a key"),
            ..of.clone()
        }
    }

    fn budgeted(&self, has_sat: i64, budgets: &[Budget]) -> Customer {
        let rules = KeyRules {
            budgets: budgets.to_vec(),
            ..KeyRules::default()
        };
        self.ruled(&self.customer_with(has_sat), rules)
    }

    /// What a budget of `of` has used, in millisatoshi.
    fn used(&self, of: &Customer, window_seconds: u32) -> i64 {
        let key = of.key.id.to_bytes();
        let row = self.read(move |tx| {
            let sql =
                "SELECT used_msat FROM key_budget WHERE api_key_id = $1 AND window_seconds = $2";
            tx.query_opt(sql, params![key, i64::from(window_seconds)])
        });
        row.expect("a budget").int(0).expect("an amount")
    }

    fn spent(&self, request: &ReserveWithdrawal) -> bool {
        match self.reserve(request) {
            Ok(Reserved::Now(..)) => true,
            Err(ReserveError::BudgetSpent { .. }) => false,
            other => panic!("neither paid nor limited: {other:?}"),
        }
    }
}

fn i2_a_budget_stands_under_concurrency(world: &World) {
    let customer = world.budgeted(100_000, &[budget(DAY, 10_000)]);
    // 1,000 sat with 1 % and 5 sat is 1,015 sat: nine fit.
    let requests: Vec<_> = (0..20).map(|_| world.request(&customer, 1_000)).collect();
    let paid = together(20, |number| world.spent(&requests[number]));
    assert_eq!(paid.iter().filter(|paid| **paid).count(), 9);
    assert_eq!(world.used(&customer, DAY), 9 * 1_015_000);
    assert_eq!(world.balance(&customer).1, 9 * 1_015_000);
}

fn i2_a_budget_is_a_window_that_knows_no_midnight(world: &World) {
    let customer = world.budgeted(100_000, &[budget(DAY, 2_100)]);
    assert!(world.spent(&world.request(&customer, 1_000)));
    world.pass(i64::from(DAY) / 2);
    assert!(world.spent(&world.request(&customer, 1_000)));
    // However many midnights lie between them, both are within a day.
    world.pass(i64::from(DAY) / 2 - 1);
    assert!(!world.spent(&world.request(&customer, 1_000)));
    world.pass(1);
    assert!(world.spent(&world.request(&customer, 1_000)));
    assert!(!world.spent(&world.request(&customer, 1_000)));
    assert_eq!(world.used(&customer, DAY), 2 * 1_015_000);
}

fn i2_what_comes_back_may_be_spent_again_once(world: &World) {
    let customer = world.budgeted(100_000, &[budget(DAY, 1_015), budget(7 * DAY, 2_030)]);
    let first = world.dispatched(&customer, 1_000);
    assert!(!world.spent(&world.request(&customer, 1)));
    world.fail(first.payment_hash);
    world.fail(first.payment_hash);
    assert_eq!(
        (world.used(&customer, DAY), world.used(&customer, 7 * DAY)),
        (0, 0)
    );
    let second = world.dispatched(&customer, 1_000);
    // What has left the window is not given back twice when it fails after all.
    world.pass(i64::from(DAY) + 1);
    assert!(world.spent(&world.request(&customer, 1_000)));
    world.fail(second.payment_hash);
    assert_eq!(world.used(&customer, DAY), 1_015_000);
    assert_eq!(world.used(&customer, 7 * DAY), 1_015_000);
}

fn i2_a_settled_payment_counts_with_what_it_cost(world: &World) {
    let customer = world.budgeted(100_000, &[budget(DAY, 2_000)]);
    let paid = world.dispatched(&customer, 1_000);
    assert_eq!(world.used(&customer, DAY), 1_015_000);
    world.settle(paid.payment_hash, sat(2));
    world.settle(paid.payment_hash, sat(2));
    assert_eq!(world.used(&customer, DAY), 1_002_000);
    assert!(!world.spent(&world.request(&customer, 1_000)));
}

fn i2_a_change_of_the_budget_keeps_what_was_spent(world: &World) {
    let customer = world.budgeted(100_000, &[budget(DAY, 2_100)]);
    assert!(world.spent(&world.request(&customer, 1_000)));
    let change = |budgets: Vec<Budget>| {
        let (id, rules) = (
            customer.key.id,
            KeyRules {
                budgets,
                ..KeyRules::default()
            },
        );
        let changed = world.write(move |tx, _| change_key_rules(tx, id, &rules));
        assert_eq!(changed, Ok(true));
    };
    change(vec![budget(DAY, 500)]);
    assert!(!world.spent(&world.request(&customer, 1)));
    change(vec![budget(DAY, 2_100), budget(60, 100)]);
    assert!(!world.spent(&world.request(&customer, 1_000)), "a minute's");
    change(vec![budget(DAY, 2_100)]);
    assert!(world.spent(&world.request(&customer, 1_000)));
    assert!(!world.spent(&world.request(&customer, 1_000)));
    change(Vec::new());
    assert!(world.spent(&world.request(&customer, 1_000)));
}

fn i2_a_key_without_the_scope_pays_nothing(world: &World) {
    let rules = KeyRules {
        scopes: Scopes::from_iter([Scope::Read, Scope::Receive]),
        ..KeyRules::default()
    };
    let customer = world.ruled(&world.customer_with(1_000), rules);
    let refused = world.reserve(&world.request(&customer, 10));
    assert!(
        matches!(refused, Err(ReserveError::MayNotSend)),
        "{refused:?}"
    );
    assert_eq!(world.balance(&customer), (1_000_000, 0));
}

fn a_payment_above_the_keys_maximum_is_refused(world: &World) {
    let rules = KeyRules {
        max_payment_msat: Some(sat(100)),
        ..KeyRules::default()
    };
    let customer = world.ruled(&world.customer_with(1_000), rules);
    let refused = world.reserve(&world.request(&customer, 101));
    assert!(
        matches!(refused, Err(ReserveError::AboveKeyMaximum { maximum_msat }) if maximum_msat == sat(100)),
        "{refused:?}"
    );
    world.reserved(&customer, 100);
}

fn a_key_bound_to_destinations_pays_no_other(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 10);
    let bound_to = |destination: String| {
        let rules = KeyRules {
            destinations: vec![destination],
            ..KeyRules::default()
        };
        let bound = world.ruled(&customer, rules);
        world.reserve(&world.request(&bound, 10))
    };
    let other = bound_to(format!("02{}", "11".repeat(32)));
    assert!(
        matches!(other, Err(ReserveError::DestinationForbidden)),
        "{other:?}"
    );
    let its_own = bound_to(request.new.destination.to_string());
    assert!(matches!(its_own, Ok(Reserved::Now(..))), "{its_own:?}");
}

fn an_internal_payment_counts_against_the_budget(world: &World) {
    let (payer, payee) = (world.budgeted(1_000, &[budget(DAY, 100)]), world.customer());
    let first = world.own_invoice(&payee, Some(sat(60)));
    let second = world.own_invoice(&payee, Some(sat(60)));
    assert!(world.spent(&world.internal(&payer, &first, sat(60))));
    assert_eq!(world.used(&payer, DAY), 60_000);
    assert!(!world.spent(&world.internal(&payer, &second, sat(60))));
}

fn everything_of_an_account_is_within_the_budget_or_refused(world: &World) {
    let customer = world.budgeted(1_000, &[budget(DAY, 999)]);
    let mut request = world.request(&customer, 1);
    request.new.send_all = Some(payments::withdrawal::SendAll {
        stated_msat: None,
        fee_limit_msat: None,
    });
    assert!(!world.spent(&request));
    let roomy = world.ruled(
        &customer,
        KeyRules {
            budgets: vec![budget(DAY, 1_000)],
            ..KeyRules::default()
        },
    );
    request.api_key_id = roomy.key.id;
    assert!(world.spent(&request));
    assert_eq!(world.balance(&customer).0, 0);
}

fn i4_a_revoked_or_expired_key_pays_nothing_and_its_payments_go_on(world: &World) {
    let rules = KeyRules {
        expires_at: Some(world.later(60)),
        ..KeyRules::default()
    };
    let customer = world.customer_with(1_000);
    let (revoked, expiring) = (world.customer_with(1_000), world.ruled(&customer, rules));
    let under_way = world.dispatched(&revoked, 100);
    world.reserved(&expiring, 100);
    let id = revoked.key.id;
    let revoke = || world.write(move |tx, act| revoke_key(tx, act, id));
    assert_eq!((revoke(), revoke()), (Ok(true), Ok(false)));
    world.pass(60);
    for key in [&revoked, &expiring] {
        let refused = world.reserve(&world.request(key, 1));
        assert!(
            matches!(refused, Err(ReserveError::KeyEnded)),
            "{refused:?}"
        );
    }
    world.settle(under_way.payment_hash, msat(0));
    assert_eq!(world.balance(&revoked), (900_000, 0));
    assert_eq!(world.events(under_way.id.to_bytes()).len(), 2);
}

fn i4_an_account_with_money_or_payments_is_not_closed(world: &World) {
    let customer = world.customer_with(100);
    let account = customer.account.id;
    let close = || world.write(move |tx, act| close_account(tx, act, account));
    assert!(matches!(close(), Err(CloseAccountError::NotEmpty)));
    let mut everything = world.request(&customer, 1);
    everything.new.send_all = Some(payments::withdrawal::SendAll {
        stated_msat: None,
        fee_limit_msat: None,
    });
    let withdrawal = world.reserved_by(&everything);
    assert_eq!(withdrawal.state, WithdrawalState::Reserved);
    assert_eq!(world.balance(&customer).0, 0);
    assert!(
        matches!(close(), Err(CloseAccountError::NotEmpty)),
        "it is under way"
    );
    world.claim(10);
    world.settle(withdrawal.payment_hash, msat(0));
    // Money that comes for an invoice from before is kept.
    let late = world.open_invoice(&customer);
    assert!(close().is_ok());
    assert!(close().is_ok(), "closed is closed");
    let refused = world.reserve(&world.request(&customer, 1));
    assert!(
        matches!(refused, Err(ReserveError::KeyEnded)),
        "{refused:?}"
    );
    let key =
        world.write(move |tx, act| create_api_key(tx, act, account, "late", KeyHash([3; 32])));
    assert!(matches!(key, Err(CreateKeyError::Closed)), "{key:?}");
    world.credit(late.payment_hash, sat(7));
    assert_eq!(world.balance(&customer), (7_000, 0));
}
