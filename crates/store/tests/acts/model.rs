//! Some hundreds of mixed acts in a seeded order against a model of a page, with the audit and
//! every balance compared after each.

use std::collections::BTreeSet;

use ledger::SystemAccount;
use money::{BasisPoints, Msat};
use payments::fee_policy::FeePolicy;
use payments::invoice::Invoice;
use payments::payment_hash::PaymentHash;
use payments::suspense::SuspenseReason;
use payments::withdrawal::retry::Setback;
use payments::withdrawal::{Withdrawal, WithdrawalState};
use store::acts::deposit::Credited;
use store::acts::dispatch::requeue_withdrawal;
use store::acts::outcome::Outcome;
use store::acts::withdrawal::{ReserveError, Reserved};

use crate::builders::{Customer, msat};
use crate::harness::{CAPITAL_MSAT, SeededEntropy, World, on_both};

on_both! {
    mixed_acts_do_what_the_model_says_from_seed_1,
    mixed_acts_do_what_the_model_says_from_seed_2,
    mixed_acts_do_what_the_model_says_from_seed_3,
}

fn mixed_acts_do_what_the_model_says_from_seed_1(world: &World) {
    run(world, 1);
}

fn mixed_acts_do_what_the_model_says_from_seed_2(world: &World) {
    run(world, 2);
}

fn mixed_acts_do_what_the_model_says_from_seed_3(world: &World) {
    run(world, 3);
}

/// A withdrawal, as the model knows it.
struct Live {
    owner: usize,
    withdrawal: Withdrawal,
    state: WithdrawalState,
    attempts: i64,
    due_at: jiff::Timestamp,
    contradicted: bool,
}

/// An invoice, as the model knows it.
struct Asked {
    owner: usize,
    invoice: Invoice,
    ended: bool,
    paid: bool,
    /// What came from outside.
    received: Vec<i64>,
}

/// The sums that the books must come to, in millisatoshi.
#[derive(Default)]
struct Sums {
    available: [i64; 3],
    held: [i64; 3],
    platform: i64,
    suspense: i64,
    loss: i64,
    float: i64,
}

/// The platform takes 30 of 10,000 of a deposit.
fn taking_a_share() -> FeePolicy {
    FeePolicy {
        deposit_fee: BasisPoints::new(30).expect("a share"),
        ..FeePolicy::default()
    }
}

/// That share, rounded up.
fn share_of(amount: i64) -> i64 {
    (amount * 30 + 9_999) / 10_000
}

struct Model<'a> {
    world: &'a World,
    dice: SeededEntropy,
    customers: Vec<Customer>,
    sums: Sums,
    asked: Vec<Asked>,
    live: Vec<Live>,
    strays: Vec<PaymentHash>,
    halted: bool,
}

fn run(world: &World, seed: u64) {
    let mut model = Model {
        world,
        dice: SeededEntropy::new(seed),
        customers: (0..3).map(|_| world.customer()).collect(),
        sums: Sums {
            float: CAPITAL_MSAT,
            ..Sums::default()
        },
        asked: Vec::new(),
        live: Vec::new(),
        strays: Vec::new(),
        halted: false,
    };
    let steps = if world.is_sqlite() { 400 } else { 150 };
    let mut done = BTreeSet::new();
    for step in 0..steps {
        let name = model.step();
        model.compare(&format!("seed {seed}, step {step}: {name}"));
        done.insert(name);
    }
    if world.is_sqlite() {
        for name in EVERY {
            assert!(done.contains(name), "no step was {name}");
        }
    }
}

/// What four hundred steps come to, whatever the seed.
const EVERY: [&str; 14] = [
    "a payment",
    "a payment again",
    "a second payment",
    "an internal payment",
    "a stray payment again",
    "a withdrawal",
    "a withdrawal of too much",
    "a hash again",
    "a dispatch",
    "a requeue",
    "a success",
    "a success again",
    "a contradiction",
    "a failure",
];

impl Model<'_> {
    fn below(&self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("small");
        usize::try_from(self.dice.below(bound)).expect("below the bound")
    }

    fn amount(&self, bound: u64) -> i64 {
        i64::try_from(self.dice.below(bound)).expect("below the bound")
    }

    fn step(&mut self) -> &'static str {
        match self.below(23) {
            0..=2 => self.ask(),
            3..=5 => self.pay(),
            6 => self.stray(),
            7 => self.end(),
            8..=11 => self.reserve(),
            12 => self.reserve_again(),
            13..=14 => self.dispatch(),
            15 => self.requeue(),
            16..=17 => self.settle(),
            18..=19 => self.fail(),
            20..=21 => self.transfer(),
            _ => self.halt_or_resume(),
        }
    }

    fn ask(&mut self) -> &'static str {
        let owner = self.below(3);
        let invoice = self.world.open_invoice(&self.customers[owner]);
        self.asked.push(Asked {
            owner,
            invoice,
            ended: false,
            paid: false,
            received: Vec::new(),
        });
        "an invoice"
    }

    /// Of any invoice: open, ended or paid before.
    fn pay(&mut self) -> &'static str {
        if self.asked.is_empty() {
            return "nothing to pay";
        }
        let number = self.below(self.asked.len());
        let came = self.asked[number].received.first().copied();
        let amount = match came {
            Some(came) if self.below(2) == 0 => came,
            _ => 1 + self.amount(500_000),
        };
        let asked = &mut self.asked[number];
        let hash = asked.invoice.payment_hash;
        let credited = self.world.credit_with(hash, msat(amount), taking_a_share());
        if asked.received.contains(&amount) {
            assert_eq!(credited, Credited::Before);
            return "a payment again";
        }
        self.sums.float += amount;
        asked.received.push(amount);
        if asked.paid {
            let reason = match came {
                Some(_) => SuspenseReason::PaidAgain,
                None => SuspenseReason::PaidInternally,
            };
            assert_eq!(credited, Credited::Suspense(reason));
            self.sums.suspense += amount;
            return "a second payment";
        }
        assert!(matches!(credited, Credited::Deposit(_)), "{credited:?}");
        asked.paid = true;
        self.sums.available[asked.owner] += amount - share_of(amount);
        self.sums.platform += share_of(amount);
        "a payment"
    }

    /// One customer pays an invoice of another, or of his own.
    fn transfer(&mut self) -> &'static str {
        let payer = self.below(3);
        let amount = 1 + self.amount(50_000);
        let halted = self.halted;
        let now = self.world.now();
        let open =
            |asked: &&mut Asked| !asked.paid && !asked.ended && asked.invoice.expires_at > now;
        let Some(asked) = self.asked.iter_mut().find(open) else {
            return "nothing to transfer";
        };
        let customer = &self.customers[payer];
        let mut request = self.world.internal(customer, &asked.invoice, msat(amount));
        request.fees = taking_a_share();
        let enough = amount <= self.sums.available[payer];
        match self.world.reserve(&request) {
            Ok(Reserved::Now(..)) if enough && !halted => {
                asked.paid = true;
                self.sums.available[payer] -= amount;
                self.sums.available[asked.owner] += amount - share_of(amount);
                self.sums.platform += share_of(amount);
                "an internal payment"
            }
            Err(ReserveError::Halted) if halted => "a withdrawal while halted",
            Err(ReserveError::InsufficientFunds { .. }) if !enough => "a withdrawal of too much",
            other => panic!("{enough} {halted}: {other:?}"),
        }
    }

    /// Money for no invoice, sometimes reported again.
    fn stray(&mut self) -> &'static str {
        if let Some(hash) = self.strays.pop() {
            assert_eq!(self.world.credit(hash, msat(5)), Credited::Before);
            return "a stray payment again";
        }
        let hash = self.world.hash();
        assert_eq!(
            self.world.credit(hash, msat(5)),
            Credited::Suspense(SuspenseReason::NoInvoice)
        );
        self.strays.push(hash);
        self.sums.suspense += 5;
        self.sums.float += 5;
        "a stray payment"
    }

    fn end(&mut self) -> &'static str {
        self.world.pass(self.amount(2_000));
        let now = self.world.now();
        let due =
            |asked: &&mut Asked| !asked.paid && !asked.ended && asked.invoice.expires_at <= now;
        let mut ended = 0;
        for asked in self.asked.iter_mut().filter(due) {
            asked.ended = true;
            ended += 1;
        }
        assert_eq!(self.world.expire(1_000), ended);
        "time passes"
    }

    fn reserve(&mut self) -> &'static str {
        let owner = self.below(3);
        let mut request = self.world.request(&self.customers[owner], 1);
        request.new.amounts.amount_msat = msat(1 + self.amount(300_000));
        request.new.amounts.fee_reserve_msat = msat(self.amount(6_000));
        request.new.amounts.platform_fee_msat = msat(self.amount(3));
        let total = request.new.amounts.total_msat().expect("in range").get();
        let enough = total <= self.sums.available[owner];
        match self.world.reserve(&request) {
            Ok(Reserved::Now(withdrawal, _)) if enough && !self.halted => {
                self.sums.available[owner] -= total;
                self.sums.held[owner] += total;
                self.live.push(Live {
                    owner,
                    withdrawal: *withdrawal,
                    state: WithdrawalState::Reserved,
                    attempts: 0,
                    due_at: self.world.now(),
                    contradicted: false,
                });
                "a withdrawal"
            }
            Err(ReserveError::Halted) if self.halted => "a withdrawal while halted",
            Err(ReserveError::InsufficientFunds { available_msat, .. }) if !enough => {
                assert_eq!(available_msat.get(), self.sums.available[owner]);
                "a withdrawal of too much"
            }
            other => panic!("{enough} {}: {other:?}", self.halted),
        }
    }

    /// A hash that was used before; one that was never sent is left alone.
    fn reserve_again(&mut self) -> &'static str {
        let used = |live: &&Live| live.state != WithdrawalState::Failed || live.attempts > 0;
        let used: Vec<_> = self.live.iter().filter(used).collect();
        if used.is_empty() || self.halted {
            return "nothing to repeat";
        }
        let live = used[self.below(used.len())];
        let mut request = self.world.request(&self.customers[self.below(3)], 1);
        request.new.payment_hash = live.withdrawal.payment_hash;
        match self.world.reserve(&request) {
            Err(ReserveError::Duplicate { state }) if live.contradicted => {
                assert_eq!(state, WithdrawalState::Settled);
            }
            Err(ReserveError::Duplicate { state }) => assert_eq!(state, live.state),
            Err(ReserveError::ResendBarred) => assert_eq!(live.state, WithdrawalState::Failed),
            other => panic!("{:?}: {other:?}", live.state),
        }
        "a hash again"
    }

    fn dispatch(&mut self) -> &'static str {
        let now = self.world.now();
        let mut claimed: Vec<_> = self.world.claim(1_000).iter().map(|one| one.id).collect();
        let mut expected = Vec::new();
        let halted = self.halted;
        for live in &mut self.live {
            if live.state == WithdrawalState::Reserved && live.due_at <= now && !halted {
                live.state = WithdrawalState::Dispatched;
                live.attempts += 1;
                expected.push(live.withdrawal.id);
            }
        }
        claimed.sort();
        expected.sort();
        assert_eq!(claimed, expected);
        "a dispatch"
    }

    fn requeue(&mut self) -> &'static str {
        if self.live.is_empty() {
            return "nothing to requeue";
        }
        let at = self.world.later(self.amount(2_000));
        let number = self.below(self.live.len());
        let live = &mut self.live[number];
        let id = live.withdrawal.id;
        let attempt = self.world.attempts(id);
        let done = self
            .world
            .write(move |tx, act| requeue_withdrawal(tx, act, id, attempt, Setback::NoRoute, at));
        assert_eq!(done, Ok(live.state == WithdrawalState::Dispatched));
        if done == Ok(true) {
            live.state = WithdrawalState::Reserved;
            live.due_at = at;
        }
        "a requeue"
    }

    /// The success of any withdrawal, for a fee that is now and then above its reserve.
    fn settle(&mut self) -> &'static str {
        if self.live.is_empty() {
            return "nothing to settle";
        }
        let number = self.below(self.live.len());
        let amounts = self.live[number].withdrawal.amounts;
        let reserve = amounts.fee_reserve_msat.get();
        let fee = self.amount(u64::try_from(reserve + reserve / 8 + 1).expect("positive"));
        let live = &mut self.live[number];
        let outcome = self.world.settle(live.withdrawal.payment_hash, msat(fee));
        let (amount, platform) = (amounts.amount_msat.get(), amounts.platform_fee_msat.get());
        match (live.state, live.contradicted) {
            (
                WithdrawalState::Unapproved
                | WithdrawalState::Reserved
                | WithdrawalState::Dispatched,
                _,
            ) => {
                assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
                let unused = (reserve - fee).max(0);
                self.sums.held[live.owner] -= amount + reserve + platform;
                self.sums.available[live.owner] += unused;
                self.sums.platform += platform;
                self.sums.loss += (fee - reserve).max(0);
                self.sums.float -= amount + fee;
                self.halted |= fee > reserve;
                live.state = WithdrawalState::Settled;
                "a success"
            }
            (WithdrawalState::Failed, false) => {
                assert!(matches!(outcome, Outcome::Contradiction(_)), "{outcome:?}");
                self.sums.loss += amount + fee;
                self.sums.float -= amount + fee;
                self.halted = true;
                live.contradicted = true;
                "a contradiction"
            }
            (WithdrawalState::Settled, _) | (WithdrawalState::Failed, true) => {
                assert_eq!(outcome, Outcome::Before);
                "a success again"
            }
        }
    }

    fn fail(&mut self) -> &'static str {
        if self.live.is_empty() {
            return "nothing to fail";
        }
        let number = self.below(self.live.len());
        let live = &mut self.live[number];
        let outcome = self.world.fail(live.withdrawal.payment_hash);
        if live.state != WithdrawalState::Dispatched {
            assert_eq!(outcome, Outcome::Before);
            return "a failure of nothing under way";
        }
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        let total = live.withdrawal.amounts.total_msat().unwrap_or(Msat::ZERO);
        self.sums.held[live.owner] -= total.get();
        self.sums.available[live.owner] += total.get();
        live.state = WithdrawalState::Failed;
        "a failure"
    }

    fn halt_or_resume(&mut self) -> &'static str {
        // Halted half as long as not, whatever halted it.
        if self.halted || self.below(3) > 0 {
            self.world.resume();
            self.halted = false;
        } else {
            self.world.halt();
            self.halted = true;
        }
        "a halt or its end"
    }

    fn compare(&self, at: &str) {
        let audit = self.world.audit();
        assert!(audit.holds(), "{at}: {:#?}", audit.checks);
        for (number, customer) in self.customers.iter().enumerate() {
            let expected = (self.sums.available[number], self.sums.held[number]);
            assert_eq!(self.world.balance(customer), expected, "{at}: {number}");
        }
        let net = |account: SystemAccount| {
            let number = account.number().get();
            audit
                .totals
                .net_credit_msat
                .get(&number)
                .copied()
                .unwrap_or(0)
        };
        assert_eq!(net(SystemAccount::PlatformFee), self.sums.platform, "{at}");
        assert_eq!(net(SystemAccount::Suspense), self.sums.suspense, "{at}");
        assert_eq!(-net(SystemAccount::OperatorLoss), self.sums.loss, "{at}");
        assert_eq!(-net(SystemAccount::LightningFloat), self.sums.float, "{at}");
        assert_eq!(self.world.halted().is_some(), self.halted, "{at}");
    }
}
