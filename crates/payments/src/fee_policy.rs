//! [`FeePolicy`]: what the platform takes, and what is reserved for routing.
//!
//! The reserve is the limit given to the rail, never less and never more, so the operator cannot lose on a
//! route. Each fee is rounded once, up, to a whole millisatoshi.

use ledger::postings::withdrawal::Amounts;
use money::{AmountError, BasisPoints, Msat};

/// The fees of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeePolicy {
    /// The platform's share of a withdrawal, paid on top of it.
    pub withdrawal_fee: BasisPoints,
    /// The platform's share of a deposit, taken from it.
    pub deposit_fee: BasisPoints,
    /// The part of the routing reserve that grows with the amount.
    pub reserve_share: BasisPoints,
    /// The part of the routing reserve that does not.
    pub reserve_base_msat: Msat,
}

impl Default for FeePolicy {
    fn default() -> Self {
        Self {
            withdrawal_fee: BasisPoints::ZERO,
            deposit_fee: BasisPoints::ZERO,
            reserve_share: BasisPoints::new(100).expect("one percent is a share"),
            reserve_base_msat: Msat::from_sat(5).expect("5 sat is an amount"),
        }
    }
}

impl FeePolicy {
    /// What is held for a Lightning withdrawal of `amount_msat`.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] when the sum is more than all bitcoin.
    pub fn withdrawal(&self, amount_msat: Msat) -> Result<Amounts, AmountError> {
        self.withdrawal_within(amount_msat, None)
    }

    /// The same, with a routing reserve of at most `fee_limit_msat`; zero for a payment that takes no route.
    ///
    /// # Errors
    /// As [`Self::withdrawal`].
    pub fn withdrawal_within(
        &self,
        amount_msat: Msat,
        fee_limit_msat: Option<Msat>,
    ) -> Result<Amounts, AmountError> {
        let reserve_msat = match fee_limit_msat {
            Some(limit_msat) if limit_msat.is_zero() => Msat::ZERO,
            limit_msat => {
                let reserve_msat = self
                    .reserve_share
                    .ceil_of(amount_msat)?
                    .checked_add(self.reserve_base_msat)?;
                limit_msat.map_or(reserve_msat, |limit_msat| limit_msat.min(reserve_msat))
            }
        };
        let amounts = Amounts {
            amount_msat,
            fee_reserve_msat: reserve_msat,
            platform_fee_msat: self.withdrawal_fee.ceil_of(amount_msat)?,
        };
        amounts.total_msat()?;
        Ok(amounts)
    }

    /// The withdrawal that takes exactly `available_msat`: the largest amount whose fees fit beside it. What rounding
    /// leaves over, 2 msat at most, goes to the platform's fee: the amount and both its fees grow by at most 1 msat a
    /// step. `None` when not even one millisatoshi fits.
    pub fn everything(
        &self,
        available_msat: Msat,
        fee_limit_msat: Option<Msat>,
    ) -> Option<Amounts> {
        let holding = |amount_msat: i64| {
            let amount_msat = Msat::new(amount_msat).ok()?;
            let amounts = self.withdrawal_within(amount_msat, fee_limit_msat).ok()?;
            let rest_msat = available_msat
                .checked_sub(amounts.total_msat().ok()?)
                .ok()?;
            Some((amounts, rest_msat))
        };
        // Fees grow with the amount, so the amounts that fit are an interval.
        let (mut fits, mut too_much) = (0, available_msat.get().checked_add(1)?);
        while too_much - fits > 1 {
            let middle = fits + (too_much - fits) / 2;
            if holding(middle).is_some() {
                fits = middle;
            } else {
                too_much = middle;
            }
        }
        let (mut amounts, rest_msat) = holding(fits)?;
        if amounts.amount_msat.is_zero() {
            return None;
        }
        amounts.platform_fee_msat = amounts.platform_fee_msat.checked_add(rest_msat).ok()?;
        Some(amounts)
    }

    /// What the platform takes from a deposit of `amount_msat`: at most all of it.
    ///
    /// # Errors
    /// Never for an amount in range.
    pub fn deposit(&self, amount_msat: Msat) -> Result<Msat, AmountError> {
        self.deposit_fee.ceil_of(amount_msat)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_reserves_one_percent_and_five_satoshis() {
        let amounts = FeePolicy::default()
            .withdrawal(Msat::from_sat(100).expect("in range"))
            .expect("in range");
        assert_eq!(
            amounts.fee_reserve_msat,
            Msat::from_sat(6).expect("in range")
        );
        assert_eq!(amounts.platform_fee_msat, Msat::ZERO);
        assert_eq!(amounts.total_msat(), Msat::from_sat(106));
    }

    #[test]
    fn a_fee_limit_caps_the_reserve_and_never_raises_it() {
        let fees = FeePolicy::default();
        let amount = Msat::from_sat(100).expect("in range");
        for (limit, reserve) in [
            (0, 0),
            (1, 1),
            (5_999, 5_999),
            (6_000, 6_000),
            (9_000, 6_000),
        ] {
            let limit = Msat::new(limit).expect("in range");
            let amounts = fees.withdrawal_within(amount, Some(limit));
            assert_eq!(amounts.expect("in range").fee_reserve_msat.get(), reserve);
        }
    }

    #[test]
    fn what_takes_no_route_needs_no_room_for_a_reserve() {
        let fees = FeePolicy {
            reserve_share: BasisPoints::new(10_000).expect("a share"),
            ..FeePolicy::default()
        };
        let all = Msat::new(money::MAX_MONEY_MSAT).expect("in range");
        let inside = fees.withdrawal_within(all, Some(Msat::ZERO));
        assert_eq!(inside.map(|amounts| amounts.total_msat()), Ok(Ok(all)));
        assert_eq!(fees.withdrawal(all), Err(AmountError::TooLarge));
    }

    #[test]
    fn a_deposit_pays_its_share() {
        let fees = FeePolicy {
            deposit_fee: BasisPoints::new(50).expect("a share"),
            ..FeePolicy::default()
        };
        let fee = |amount| fees.deposit(Msat::new(amount).expect("in range"));
        assert_eq!(fee(1_000_000), Msat::new(5_000));
        assert_eq!(fee(1), Msat::new(1));
        assert_eq!(
            FeePolicy::default().deposit(Msat::from_sat(1).expect("in range")),
            Ok(Msat::ZERO)
        );
    }

    #[test]
    fn c5_rounding_leaves_two_millisatoshis_at_most_and_can_leave_two() {
        let doubled = FeePolicy {
            withdrawal_fee: BasisPoints::new(10_000).expect("a share"),
            deposit_fee: BasisPoints::ZERO,
            reserve_share: BasisPoints::new(10_000).expect("a share"),
            reserve_base_msat: Msat::ZERO,
        };
        let all = doubled
            .everything(Msat::new(32).expect("in range"), None)
            .expect("enough");
        assert_eq!(
            (all.amount_msat.get(), all.fee_reserve_msat.get()),
            (10, 10)
        );
        assert_eq!(all.platform_fee_msat.get(), 10 + 2);
    }

    proptest! {
        #[test]
        fn c5_everything_is_all_of_it_and_one_more_would_not_fit(
            available in 0i64..3_000_000_000, out in 0u16..=10_000, share in 0u16..=10_000,
            base in 0i64..10_000, limit in proptest::option::of(0i64..100_000),
        ) {
            let fees = FeePolicy {
                withdrawal_fee: BasisPoints::new(out).expect("a share"),
                deposit_fee: BasisPoints::ZERO,
                reserve_share: BasisPoints::new(share).expect("a share"),
                reserve_base_msat: Msat::new(base).expect("in range"),
            };
            let limit = limit.map(|limit| Msat::new(limit).expect("in range"));
            let available = Msat::new(available).expect("in range");
            let needs = |amount: i64| {
                let amount = Msat::new(amount).expect("in range");
                let amounts = fees.withdrawal_within(amount, limit).expect("in range");
                (amounts, amounts.total_msat().expect("in range"))
            };
            match fees.everything(available, limit) {
                None => prop_assert!(needs(1).1 > available),
                Some(all) => {
                    prop_assert_eq!(all.total_msat(), Ok(available));
                    let (plain, total) = needs(all.amount_msat.get());
                    prop_assert_eq!(all.fee_reserve_msat, plain.fee_reserve_msat);
                    prop_assert!(needs(all.amount_msat.get() + 1).1 > available);
                    prop_assert!(available.get() - total.get() <= 2);
                }
            }
        }
    }
}
