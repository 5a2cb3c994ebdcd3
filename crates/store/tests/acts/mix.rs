//! Everything at once: eight workers that deposit, withdraw, transfer, refund and empty the same few wallets, while
//! the books are audited over and over.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use ledger::SystemAccount;
use money::Msat;
use payments::withdrawal::SendAll;
use store::acts::deposit::Credited;
use store::acts::outcome::Outcome;
use store::acts::withdrawal::{ReserveError, Reserved};

use crate::builders::{Customer, msat};
use crate::harness::{CAPITAL_MSAT, SeededEntropy, World, on_both, together};

on_both! {
    a5_a_random_mix_by_eight_workers_holds_at_every_commit,
    c6_random_payments_with_fees_of_a_fraction_add_up_exactly,
}

/// What came in and what went out over Lightning, in millisatoshi, as the workers saw it.
#[derive(Default)]
struct Flow {
    received: AtomicI64,
    paid: AtomicI64,
}

/// Ends the auditor, also when a worker panics.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn a5_a_random_mix_by_eight_workers_holds_at_every_commit(world: &World) {
    let customers: Vec<_> = (0..3).map(|_| world.customer_with(1_000)).collect();
    let flow = Flow::default();
    flow.received.store(3_000_000, Ordering::Relaxed);
    let steps = if world.is_sqlite() { 120 } else { 40 };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let auditor = scope.spawn(|| {
            let mut audits = 0;
            while !done.load(Ordering::Relaxed) {
                world.assert_the_books_hold();
                audits += 1;
            }
            audits
        });
        let workers = Ended(&done);
        together(8, |number| {
            let dice = SeededEntropy::new(u64::try_from(number).expect("small"));
            for _ in 0..steps {
                step(world, &dice, &customers, &flow);
            }
        });
        drop(workers);
        assert!(auditor.join().expect("books that hold") > 0);
    });
    let owned: i64 = customers
        .iter()
        .map(|one| world.balance(one))
        .map(|(a, h)| a + h)
        .sum();
    let income = world.net(SystemAccount::PlatformFee);
    let (received, paid) = (flow.received.into_inner(), flow.paid.into_inner());
    assert_eq!(owned + income, received - paid);
    assert_eq!(
        world.net(SystemAccount::LightningFloat),
        paid - received - CAPITAL_MSAT
    );
}

fn step(world: &World, dice: &SeededEntropy, customers: &[Customer], flow: &Flow) {
    let pick = |bound: usize| {
        let bound = u64::try_from(bound).expect("small");
        usize::try_from(dice.below(bound)).expect("below the bound")
    };
    let (one, two) = (&customers[pick(3)], &customers[pick(3)]);
    let amount = 1 + i64::try_from(dice.below(200_000)).expect("small");
    match pick(6) {
        0 => {
            let hash = world.open_invoice(one).payment_hash;
            let credited = world.credit(hash, msat(amount));
            assert!(matches!(credited, Credited::Deposit(_)), "{credited:?}");
            flow.received.fetch_add(amount, Ordering::Relaxed);
        }
        1 | 2 => {
            let invoice = world.own_invoice(two, Some(msat(amount)));
            enough_or_not(world.reserve(&world.internal(one, &invoice, msat(amount))));
        }
        choice => {
            let mut request = world.request(one, 1);
            request.new.amounts = request.fees.withdrawal(msat(amount)).expect("in range");
            if choice == 5 {
                request.new.send_all = Some(SendAll {
                    stated_msat: None,
                    fee_limit_msat: None,
                });
            }
            let hash = request.new.payment_hash;
            let Some(Reserved::Now(withdrawal, _)) = enough_or_not(world.reserve(&request)) else {
                return;
            };
            // Any worker may hand it over, this one at the latest.
            world.claim(1_000);
            if dice.below(2) == 0 {
                assert!(matches!(world.fail(hash), Outcome::Applied(_)));
                return;
            }
            let fee = Msat::ZERO.max(msat(amount / 1_000));
            assert!(matches!(world.settle(hash, fee), Outcome::Applied(_)));
            let out = withdrawal.amounts.amount_msat.get() + fee.get();
            flow.paid.fetch_add(out, Ordering::Relaxed);
        }
    }
}

fn enough_or_not(answer: Result<Reserved, ReserveError>) -> Option<Reserved> {
    match answer {
        Ok(reserved) => Some(reserved),
        Err(ReserveError::InsufficientFunds { .. }) => None,
        Err(other) => panic!("{other:?}"),
    }
}

fn c6_random_payments_with_fees_of_a_fraction_add_up_exactly(world: &World) {
    let (alice, bob) = (world.customer_with(100), world.customer());
    let fees = payments::fee_policy::FeePolicy {
        withdrawal_fee: money::BasisPoints::new(7).expect("a share"),
        deposit_fee: money::BasisPoints::new(3).expect("a share"),
        ..payments::fee_policy::FeePolicy::default()
    };
    let dice = SeededEntropy::new(6);
    let part = |share: i64, amount: i64| (amount * share + 9_999) / 10_000;
    let (mut of_alice, mut of_bob, mut platform) = (100_000, 0, 0);
    let steps = if world.is_sqlite() { 300 } else { 80 };
    for number in 0..steps {
        let amount = match number % 3 {
            0 => 1,
            _ => 1 + i64::try_from(dice.below(300)).expect("small"),
        };
        let invoice = world.own_invoice(&bob, Some(msat(amount)));
        let mut request = world.internal(&alice, &invoice, msat(amount));
        request.fees = fees;
        request.new.amounts = fees
            .withdrawal_within(msat(amount), Some(Msat::ZERO))
            .expect("in range");
        world.reserve(&request).expect("enough");
        of_alice -= amount + part(7, amount);
        of_bob += amount - part(3, amount);
        platform += part(7, amount) + part(3, amount);
    }
    assert_eq!(world.balance(&alice), (of_alice, 0));
    assert_eq!(world.balance(&bob), (of_bob, 0));
    assert_eq!(world.net(SystemAccount::PlatformFee), platform);
    assert_eq!(of_alice + of_bob + platform, 100_000);
}
