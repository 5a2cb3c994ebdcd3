//! [`Msat`], an amount of millisatoshi between zero and all the bitcoin there can be.
//!
//! It must never be negative: a debt is a ledger account's balance, not an amount.

use std::fmt;

/// Millisatoshi in one satoshi (BOLT 2: `amount_msat`).
pub const MSAT_PER_SAT: i64 = 1_000;

/// 21 million bitcoin in millisatoshi; 2.1e18, which leaves room in an `i64`.
pub const MAX_MONEY_MSAT: i64 = 21_000_000 * 100_000_000 * MSAT_PER_SAT;

/// Why a number is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The result would be below zero.
    #[error("the amount is below zero")]
    Negative,
    /// The result would be above [`MAX_MONEY_MSAT`].
    #[error("the amount is above 21 million bitcoin")]
    TooLarge,
}

/// An amount in millisatoshi, from 0 to [`MAX_MONEY_MSAT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Msat(i64);

impl Msat {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount of `msat` millisatoshi.
    ///
    /// # Errors
    /// [`AmountError`] when the number is below zero or above [`MAX_MONEY_MSAT`].
    pub const fn new(msat: i64) -> Result<Self, AmountError> {
        if msat < 0 {
            Err(AmountError::Negative)
        } else if msat > MAX_MONEY_MSAT {
            Err(AmountError::TooLarge)
        } else {
            Ok(Self(msat))
        }
    }

    /// An amount of `sat` whole satoshis.
    ///
    /// # Errors
    /// As [`Msat::new`].
    pub const fn from_sat(sat: i64) -> Result<Self, AmountError> {
        match sat.checked_mul(MSAT_PER_SAT) {
            Some(msat) => Self::new(msat),
            None if sat < 0 => Err(AmountError::Negative),
            None => Err(AmountError::TooLarge),
        }
    }

    /// The amount a node or a BOLT 11 invoice states, which is unsigned there.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] above [`MAX_MONEY_MSAT`].
    pub fn from_unsigned(msat: u64) -> Result<Self, AmountError> {
        i64::try_from(msat).map_or(Err(AmountError::TooLarge), Self::new)
    }

    /// The number of millisatoshi, from 0 to [`MAX_MONEY_MSAT`].
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The number of millisatoshi, unsigned for the node's interfaces.
    pub const fn unsigned(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// Whole satoshis, the rest cut off: for what a customer may see or take out.
    pub const fn floor_sat(self) -> i64 {
        self.0 / MSAT_PER_SAT
    }

    /// Whole satoshis, a started one counted: for what must be covered.
    pub const fn ceil_sat(self) -> i64 {
        (self.0 + (MSAT_PER_SAT - 1)) / MSAT_PER_SAT
    }

    /// Whether the amount is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] above [`MAX_MONEY_MSAT`].
    pub const fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        match self.0.checked_add(other.0) {
            Some(sum) => Self::new(sum),
            None => Err(AmountError::TooLarge),
        }
    }

    /// The difference.
    ///
    /// # Errors
    /// [`AmountError::Negative`] when `other` is more than `self`.
    pub const fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Self::new(rest),
            None => Err(AmountError::Negative),
        }
    }
}

impl fmt::Display for Msat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} msat", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_is_never_below_zero_nor_above_all_bitcoin() {
        assert_eq!(Msat::new(-1), Err(AmountError::Negative));
        assert_eq!(Msat::new(MAX_MONEY_MSAT).map(Msat::get), Ok(MAX_MONEY_MSAT));
        assert_eq!(Msat::new(MAX_MONEY_MSAT + 1), Err(AmountError::TooLarge));
        assert_eq!(Msat::from_sat(i64::MAX), Err(AmountError::TooLarge));
        assert_eq!(Msat::from_sat(i64::MIN), Err(AmountError::Negative));
        assert_eq!(Msat::from_unsigned(u64::MAX), Err(AmountError::TooLarge));
        assert_eq!(
            MAX_MONEY_MSAT, 2_100_000_000_000_000_000,
            "21 million bitcoin"
        );
    }

    #[test]
    fn only_a_started_satoshi_is_rounded() {
        for (msat, floor, ceil) in [
            (0, 0, 0),
            (1, 0, 1),
            (999, 0, 1),
            (1_000, 1, 1),
            (1_001, 1, 2),
        ] {
            let amount = Msat::new(msat).expect("in range");
            assert_eq!(
                (amount.floor_sat(), amount.ceil_sat()),
                (floor, ceil),
                "{amount}"
            );
            assert_eq!(amount.is_zero(), msat == 0);
            assert_eq!(amount.unsigned(), msat.unsigned_abs());
            assert_eq!(amount.to_string(), format!("{msat} msat"));
        }
    }

    proptest! {
        #[test]
        fn rounding_to_satoshis_loses_or_adds_less_than_one(msat in 0..=MAX_MONEY_MSAT) {
            let amount = Msat::new(msat).expect("in range");
            prop_assert!(amount.floor_sat() * MSAT_PER_SAT <= msat);
            prop_assert!(msat - amount.floor_sat() * MSAT_PER_SAT < MSAT_PER_SAT);
            prop_assert!(amount.ceil_sat() * MSAT_PER_SAT >= msat);
            prop_assert!(amount.ceil_sat() - amount.floor_sat() <= 1);
        }

        #[test]
        fn a_sum_less_one_part_is_the_other(a in 0..=MAX_MONEY_MSAT, b in 0..=MAX_MONEY_MSAT) {
            let (a, b) = (Msat::new(a).expect("in range"), Msat::new(b).expect("in range"));
            if let Ok(sum) = a.checked_add(b) {
                prop_assert_eq!(sum.checked_sub(b), Ok(a));
            } else {
                prop_assert!(a.get().checked_add(b.get()).is_none_or(|sum| sum > MAX_MONEY_MSAT));
            }
        }
    }
}
