//! [`BasisPoints`], a share of an amount in hundredths of a percent.
//!
//! It must never round twice: each share of an amount is computed from the amount itself.

use crate::{AmountError, Msat};

/// Ten thousand basis points are the whole.
const WHOLE: i128 = 10_000;

/// A share in hundredths of a percent, from 0 to 10,000 (all of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// No share at all.
    pub const ZERO: Self = Self(0);

    /// A share of `points` hundredths of a percent; `None` above 10,000.
    pub const fn new(points: u16) -> Option<Self> {
        if points as i128 <= WHOLE {
            Some(Self(points))
        } else {
            None
        }
    }

    /// The number of basis points, 0 to 10,000.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// This share of `amount`, a started millisatoshi counted: what is owed for covering a cost.
    ///
    /// # Errors
    /// Never for an amount in range; the type states it all the same.
    pub fn ceil_of(self, amount: Msat) -> Result<Msat, AmountError> {
        let share = (i128::from(amount.get()) * i128::from(self.0) + (WHOLE - 1)) / WHOLE;
        i64::try_from(share).map_or(Err(AmountError::TooLarge), Msat::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::MAX_MONEY_MSAT;

    #[test]
    fn a_share_is_rounded_up_to_a_whole_millisatoshi() {
        let points = BasisPoints::new(100).expect("one percent");
        let one = Msat::new(1).expect("in range");
        assert_eq!(points.ceil_of(one), Ok(one));
        assert_eq!(
            points.ceil_of(Msat::from_sat(100).expect("in range")),
            Msat::from_sat(1)
        );
        assert_eq!(BasisPoints::ZERO.ceil_of(one), Ok(Msat::ZERO));
        assert_eq!(BasisPoints::new(10_001), None);
        assert_eq!(points.get(), 100);
    }

    proptest! {
        #[test]
        fn no_share_is_more_than_the_whole(points in 0u16..=10_000, msat in 0..=MAX_MONEY_MSAT) {
            let amount = Msat::new(msat).expect("in range");
            let share = BasisPoints::new(points).expect("in range").ceil_of(amount);
            prop_assert!(share.expect("in range") <= amount);
        }
    }
}
