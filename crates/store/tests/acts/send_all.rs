//! A withdrawal of all that there is, and limits on its fee.

use ledger::SystemAccount;
use ledger::postings::withdrawal::UnusedReserve;
use money::{BasisPoints, Msat};
use payments::fee_policy::FeePolicy;
use payments::withdrawal::{SendAll, WithdrawalState};
use store::acts::outcome::Outcome;
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved};

use crate::builders::{Customer, key, msat, sat};
use crate::harness::{World, on_both, together};

on_both! {
    c5_everything_goes_and_the_wallet_is_at_zero_when_it_is_paid,
    c5_everything_comes_back_when_it_is_not_paid,
    c5_a_fee_limit_caps_what_is_kept,
    c5_an_invoice_that_states_its_amount_takes_all_only_when_it_is_all,
    c5_a_wallet_with_too_little_sends_nothing,
    c5_a_repeat_of_everything_gets_the_first_answer,
    c5_eight_at_once_empty_a_wallet_once,
}

fn everything(world: &World, of: &Customer) -> ReserveWithdrawal {
    let mut request = world.request(of, 1);
    request.new.amounts = request.fees.withdrawal(msat(1)).expect("in range");
    request.new.send_all = Some(SendAll {
        stated_msat: None,
        fee_limit_msat: None,
    });
    request
}

fn c5_everything_goes_and_the_wallet_is_at_zero_when_it_is_paid(world: &World) {
    for (share, fee) in [(0, 0), (0, 2_000), (50, 0), (50, 7)] {
        let customer = world.customer_with(1_000);
        let platform = world.net(SystemAccount::PlatformFee);
        let mut request = everything(world, &customer);
        request.fees = FeePolicy {
            withdrawal_fee: BasisPoints::new(share).expect("a share"),
            ..FeePolicy::default()
        };
        let all = world.reserved_by(&request);
        assert_eq!(all.unused_reserve, UnusedReserve::Kept);
        assert_eq!(all.amounts.total_msat(), Ok(sat(1_000)));
        assert_eq!(world.balance(&customer), (0, 1_000_000));
        world.claim(10);
        let outcome = world.settle(request.new.payment_hash, msat(fee));
        let Outcome::Applied(settled) = outcome else {
            panic!("not settled: {outcome:?}");
        };
        assert_eq!(
            settled.charged_routing_fee_msat(),
            all.amounts.fee_reserve_msat
        );
        assert_eq!(settled.fee_msat, Some(msat(fee)));
        assert_eq!(world.balance(&customer), (0, 0));
        // What no route took is the platform's.
        let income = world.net(SystemAccount::PlatformFee) - platform;
        let amount = all.amounts.amount_msat.get();
        assert_eq!(income, 1_000_000 - amount - fee);
        assert_eq!(world.net(SystemAccount::RoutingFee), 0);
    }
}

fn c5_everything_comes_back_when_it_is_not_paid(world: &World) {
    let customer = world.customer_with(1_000);
    let request = everything(world, &customer);
    world.reserved_by(&request);
    world.claim(10);
    world.fail(request.new.payment_hash);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    assert_eq!(world.net(SystemAccount::PlatformFee), 0);
}

fn c5_a_fee_limit_caps_what_is_kept(world: &World) {
    for limit in [0, 1_000, 1_000_000] {
        let customer = world.customer_with(1_000);
        let mut request = everything(world, &customer);
        request.new.send_all = Some(SendAll {
            stated_msat: None,
            fee_limit_msat: Some(msat(limit)),
        });
        let amounts = world.reserved_by(&request).amounts;
        assert!(amounts.fee_reserve_msat.get() <= limit);
        assert_eq!(amounts.total_msat(), Ok(sat(1_000)));
    }
}

fn c5_an_invoice_that_states_its_amount_takes_all_only_when_it_is_all(world: &World) {
    let customer = world.customer_with(1_000);
    let most = request_amount(world, &customer);
    for stated in [1, most - 1, most + 1] {
        let mut request = everything(world, &customer);
        request.new.send_all = Some(SendAll {
            stated_msat: Some(msat(stated)),
            fee_limit_msat: None,
        });
        let refused = world.reserve(&request);
        assert!(
            matches!(refused, Err(ReserveError::NotAll { most_msat, .. }) if most_msat == msat(most)),
            "{refused:?}"
        );
        assert_eq!(world.balance(&customer), (1_000_000, 0));
    }
    let mut request = everything(world, &customer);
    request.new.send_all = Some(SendAll {
        stated_msat: Some(msat(most)),
        fee_limit_msat: None,
    });
    world.reserved_by(&request);
    assert_eq!(world.balance(&customer), (0, 1_000_000));
}

/// What all of a wallet comes to, by the policy alone.
fn request_amount(world: &World, of: &Customer) -> i64 {
    let available = Msat::new(world.balance(of).0).expect("in range");
    let all = FeePolicy::default().everything(available, None);
    all.expect("enough").amount_msat.get()
}

fn c5_a_wallet_with_too_little_sends_nothing(world: &World) {
    // Five satoshis of reserve and a little must be there.
    for available in [0, 5] {
        let customer = world.customer_with(1);
        if available > 1 {
            world.deposited(&customer, available - 1);
        }
        let refused = world.reserve(&everything(world, &customer));
        assert!(
            matches!(refused, Err(ReserveError::InsufficientFunds { .. })),
            "{refused:?}"
        );
    }
    let customer = world.customer_with(6);
    let sent = world.reserved_by(&everything(world, &customer));
    assert_eq!(sent.state, WithdrawalState::Reserved);
    assert_eq!(world.balance(&customer), (0, 6_000));
}

fn c5_a_repeat_of_everything_gets_the_first_answer(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = everything(world, &customer);
    request.idempotency = Some(key("all", 1));
    let answers = together(8, |_| world.reserve(&request));
    let bytes: std::collections::BTreeSet<_> = answers
        .into_iter()
        .map(|answer| match answer {
            Ok(Reserved::Now(_, answer) | Reserved::Replay(answer)) => answer,
            other => panic!("refused: {other:?}"),
        })
        .collect();
    assert_eq!(bytes.len(), 1);
    assert!(!bytes.contains(&Vec::new()));
    // Without the key too, whatever came in since.
    request.idempotency = None;
    world.deposited(&customer, 500);
    assert!(matches!(world.reserve(&request), Ok(Reserved::Earlier(..))));
    assert_eq!(world.balance(&customer), (500_000, 1_000_000));
}

fn c5_eight_at_once_empty_a_wallet_once(world: &World) {
    let customer = world.customer_with(1_000);
    let answers = together(8, |_| world.reserve(&everything(world, &customer)));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(world.balance(&customer), (0, 1_000_000));
}
