//! The postings of a withdrawal as a table, and as properties over every amount and fee.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::balance::Balance;
use crate::hold::TransferId;

fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("in range")
}

fn customer() -> AccountNumber {
    AccountNumber::customer(1_000).expect("a customer")
}

/// Writes a posting into balances the plain way, and returns the holds it made.
fn write(books: &mut BTreeMap<AccountNumber, Balance>, posting: &Posting) -> Vec<HeldTransfer> {
    posting.check().expect("a sound posting");
    let mut holds = Vec::new();
    for leg in &posting.legs {
        for (account, side) in Balance::sides(leg) {
            books
                .entry(account)
                .or_default()
                .apply(leg, side)
                .expect("counters in range");
        }
        if let Leg::Hold {
            debit,
            credit,
            amount_msat,
        } = leg
        {
            let id = TransferId([u8::try_from(holds.len()).expect("few"); 16]);
            holds.push(HeldTransfer {
                id,
                debit: *debit,
                credit: *credit,
                amount_msat: *amount_msat,
            });
        }
    }
    holds
}

fn hold_of(books: &mut BTreeMap<AccountNumber, Balance>, amounts: &Amounts) -> WithdrawalHold {
    let holds = write(books, &held([1; 16], customer(), amounts));
    let find = |account: SystemAccount| {
        holds
            .iter()
            .copied()
            .find(|held| held.credit == account.number())
    };
    WithdrawalHold {
        amount: find(SystemAccount::LightningOutClearing).expect("the amount is held"),
        routing_fee: find(SystemAccount::RoutingFee),
        platform_fee: find(SystemAccount::PlatformFee),
    }
}

proptest! {
    #[test]
    fn a_settled_withdrawal_costs_the_customer_amount_fee_and_platform_fee(
        amount in 1i64..1_000_000_000, reserve in 0i64..1_000_000, platform in 0i64..1_000_000,
        fee in 0i64..2_000_000,
    ) {
        let amounts = Amounts {
            amount_msat: msat(amount),
            fee_reserve_msat: msat(reserve),
            platform_fee_msat: msat(platform),
        };
        let mut books = BTreeMap::new();
        let hold = hold_of(&mut books, &amounts);
        write(&mut books, &settled([1; 16], &hold, msat(fee), UnusedReserve::Returned));

        let net = |account: SystemAccount| {
            books.get(&account.number()).map_or(0, Balance::net_credit_msat)
        };
        let from_customer = fee.min(reserve);
        let spent = books[&customer()].dr_posted;
        prop_assert_eq!(spent, amount + from_customer + platform);
        prop_assert_eq!(net(SystemAccount::LightningFloat), amount + fee);
        prop_assert_eq!(net(SystemAccount::LightningOutClearing), 0);
        prop_assert_eq!(net(SystemAccount::RoutingFee), 0);
        prop_assert_eq!(net(SystemAccount::PlatformFee), platform);
        prop_assert_eq!(net(SystemAccount::OperatorLoss), from_customer - fee);
        prop_assert!(books.values().all(|b| b.dr_pending == 0 && b.cr_pending == 0));
    }

    #[test]
    fn c5_an_emptied_wallet_pays_its_whole_reserve_and_the_platform_keeps_the_rest(
        amount in 1i64..1_000_000_000, reserve in 0i64..1_000_000, platform in 0i64..1_000_000,
        fee in 0i64..2_000_000,
    ) {
        let amounts = Amounts {
            amount_msat: msat(amount),
            fee_reserve_msat: msat(reserve),
            platform_fee_msat: msat(platform),
        };
        let mut books = BTreeMap::new();
        let hold = hold_of(&mut books, &amounts);
        write(&mut books, &settled([1; 16], &hold, msat(fee), UnusedReserve::Kept));
        let net = |account: SystemAccount| {
            books.get(&account.number()).map_or(0, Balance::net_credit_msat)
        };
        let routed = fee.min(reserve);
        prop_assert_eq!(books[&customer()].dr_posted, amount + reserve + platform);
        prop_assert_eq!(net(SystemAccount::LightningFloat), amount + fee);
        prop_assert_eq!(net(SystemAccount::RoutingFee), 0);
        prop_assert_eq!(net(SystemAccount::PlatformFee), platform + reserve - routed);
        prop_assert_eq!(net(SystemAccount::OperatorLoss), routed - fee);
        prop_assert!(books.values().all(|b| b.dr_pending == 0 && b.cr_pending == 0));
    }

    #[test]
    fn an_internal_payment_leaves_clearing_and_the_float_as_they_were(
        amount in 1i64..1_000_000_000, out_fee in 0i64..1_000_000, in_share in 0i64..=100,
    ) {
        let payee = AccountNumber::customer(1_001).expect("a customer");
        let in_fee = amount / 100 * in_share;
        let amounts = Amounts {
            amount_msat: msat(amount),
            fee_reserve_msat: Msat::ZERO,
            platform_fee_msat: msat(out_fee),
        };
        let mut books = BTreeMap::new();
        let hold = hold_of(&mut books, &amounts);
        write(&mut books, &settled_internally([1; 16], &hold));
        let credit = super::super::deposit::transferred([2; 32], payee, msat(amount), msat(in_fee));
        write(&mut books, &credit.expect("a fee below the amount"));
        let net = |account: AccountNumber| {
            books.get(&account).map_or(0, Balance::net_credit_msat)
        };
        prop_assert_eq!(net(customer()), -amount - out_fee);
        prop_assert_eq!(net(payee), amount - in_fee);
        prop_assert_eq!(net(SystemAccount::PlatformFee.number()), out_fee + in_fee);
        for untouched in [SystemAccount::LightningOutClearing, SystemAccount::LightningFloat] {
            prop_assert_eq!(net(untouched.number()), 0);
        }
        prop_assert!(books.values().all(|b| b.dr_pending == 0 && b.cr_pending == 0));
    }

    #[test]
    fn a_failed_withdrawal_leaves_every_account_as_it_was(
        amount in 1i64..1_000_000_000, reserve in 0i64..1_000_000, platform in 0i64..1_000_000,
    ) {
        let amounts = Amounts {
            amount_msat: msat(amount),
            fee_reserve_msat: msat(reserve),
            platform_fee_msat: msat(platform),
        };
        let mut books = BTreeMap::new();
        let hold = hold_of(&mut books, &amounts);
        prop_assert_eq!(
            books[&customer()].dr_pending,
            amounts.total_msat().expect("in range").get()
        );
        write(&mut books, &failed([1; 16], &hold));
        prop_assert!(books.values().all(|balance| *balance == Balance::default()));
    }
}
