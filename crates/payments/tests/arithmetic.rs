//! A million random payments through the fee policy and the postings, with no database: not a millisatoshi is lost to
//! rounding (C6).

use std::collections::BTreeMap;

use ledger::postings::withdrawal::{Amounts, UnusedReserve};
use ledger::{
    AccountNumber, Balance, HeldTransfer, Leg, Posting, SystemAccount, TransferId, WithdrawalHold,
    postings,
};
use money::{BasisPoints, Msat};
use payments::fee_policy::FeePolicy;

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// From one millisatoshi to some millions, the small ones often.
    fn amount(&mut self) -> i64 {
        let bits = 1 + self.below(32);
        1 + i64::try_from(self.below(1 << bits)).expect("32 bits")
    }

    fn customer(&mut self) -> AccountNumber {
        let number = AccountNumber::FIRST_CUSTOMER + i64::try_from(self.below(10)).expect("ten");
        AccountNumber::customer(number).expect("a customer")
    }
}

#[derive(Default)]
struct Books(BTreeMap<AccountNumber, Balance>);

impl Books {
    fn write(&mut self, posting: &Posting) -> Vec<HeldTransfer> {
        posting.check().expect("a sound posting");
        let mut held = Vec::new();
        for leg in &posting.legs {
            for (account, side) in Balance::sides(leg) {
                let balance = self.0.entry(account).or_default();
                balance.apply(leg, side).expect("counters in range");
            }
            if let Leg::Hold {
                debit,
                credit,
                amount_msat,
            } = leg
            {
                held.push(HeldTransfer {
                    id: TransferId([u8::try_from(held.len()).expect("few"); 16]),
                    debit: *debit,
                    credit: *credit,
                    amount_msat: *amount_msat,
                });
            }
        }
        held
    }

    fn hold(&mut self, customer: AccountNumber, amounts: &Amounts) -> WithdrawalHold {
        let held = self.write(&postings::withdrawal::held([1; 16], customer, amounts));
        let towards = |account: SystemAccount| {
            held.iter()
                .copied()
                .find(|held| held.credit == account.number())
        };
        WithdrawalHold {
            amount: towards(SystemAccount::LightningOutClearing).expect("an amount"),
            routing_fee: towards(SystemAccount::RoutingFee),
            platform_fee: towards(SystemAccount::PlatformFee),
        }
    }

    fn net(&self, account: SystemAccount) -> i64 {
        self.0
            .get(&account.number())
            .map_or(0, Balance::net_credit_msat)
    }

    fn available(&self, customer: AccountNumber) -> i64 {
        self.0.get(&customer).map_or(0, Balance::available_msat)
    }
}

fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("in range")
}

/// One payment of a random kind; counts it in `made` when the customer had enough.
fn pay(books: &mut Books, dice: &mut Dice, fees: &FeePolicy, flow: &mut Flow) {
    let (customer, amount) = (dice.customer(), dice.amount());
    let kind = usize::try_from(dice.below(5)).expect("five");
    if kind == 0 {
        let fee = fees.deposit(msat(amount)).expect("in range");
        let posting = postings::deposit::settled([2; 32], customer, msat(amount), fee);
        books.write(&posting.expect("a fee of a part"));
        flow.came += amount;
        flow.made[kind] += 1;
        return;
    }
    let limit = (kind == 1).then_some(Msat::ZERO);
    let available = books.available(customer);
    let amounts = if kind == 4 {
        fees.everything(msat(available), None)
    } else {
        fees.withdrawal_within(msat(amount), limit).ok()
    };
    let fits = |amounts: &Amounts| amounts.total_msat().expect("in range").get() <= available;
    let Some(amounts) = amounts.filter(fits) else {
        return;
    };
    flow.made[kind] += 1;
    let hold = books.hold(customer, &amounts);
    match kind {
        1 => {
            books.write(&postings::withdrawal::settled_internally([1; 16], &hold));
            let (payee, share) = (dice.customer(), fees.deposit(amounts.amount_msat));
            let share = share.expect("in range");
            let got = postings::deposit::transferred([3; 32], payee, amounts.amount_msat, share);
            books.write(&got.expect("a fee of a part"));
        }
        2 => {
            books.write(&postings::withdrawal::failed([1; 16], &hold));
        }
        kind => {
            let reserve = amounts.fee_reserve_msat.unsigned();
            let fee = i64::try_from(dice.below(reserve + 1)).expect("below the reserve");
            let unused = match kind {
                3 => UnusedReserve::Returned,
                _ => UnusedReserve::Kept,
            };
            let posting = postings::withdrawal::settled([1; 16], &hold, msat(fee), unused);
            books.write(&posting);
            flow.went += amounts.amount_msat.get() + fee;
            assert!(kind == 3 || books.available(customer) == 0, "dust is left");
        }
    }
    assert!(books.available(customer) >= 0);
}

/// What came in and what went out, in millisatoshi, and how many payments there were of each kind.
#[derive(Default)]
struct Flow {
    came: i64,
    went: i64,
    made: [u32; 5],
}

#[test]
fn c6_a_million_random_payments_add_up_to_the_millisatoshi() {
    let fees = FeePolicy {
        withdrawal_fee: BasisPoints::new(37).expect("a share"),
        deposit_fee: BasisPoints::new(13).expect("a share"),
        ..FeePolicy::default()
    };
    let (mut books, mut dice, mut flow) = (Books::default(), Dice(6), Flow::default());
    for _ in 0..1_000_000 {
        pay(&mut books, &mut dice, &fees, &mut flow);
    }
    let Flow { came, went, made } = flow;
    assert!(made.iter().all(|count| *count > 10_000), "{made:?}");
    let owed: i64 = books
        .0
        .iter()
        .filter(|(account, _)| account.is_bounded())
        .map(|(_, balance)| balance.net_credit_msat())
        .sum();
    assert_eq!(owed + books.net(SystemAccount::PlatformFee), came - went);
    assert_eq!(books.net(SystemAccount::LightningFloat), went - came);
    for empty in [
        SystemAccount::LightningOutClearing,
        SystemAccount::RoutingFee,
    ] {
        assert_eq!(books.net(empty), 0);
    }
    assert_eq!(books.net(SystemAccount::OperatorLoss), 0);
    assert!(
        books
            .0
            .values()
            .all(|one| one.dr_pending == 0 && one.cr_pending == 0)
    );
}
