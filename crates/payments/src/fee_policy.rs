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
        let amounts = Amounts {
            amount_msat,
            fee_reserve_msat: self
                .reserve_share
                .ceil_of(amount_msat)?
                .checked_add(self.reserve_base_msat)?,
            platform_fee_msat: self.withdrawal_fee.ceil_of(amount_msat)?,
        };
        amounts.total_msat()?;
        Ok(amounts)
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
}
