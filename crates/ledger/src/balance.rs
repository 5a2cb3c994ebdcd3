//! [`Balance`]: the four counters of an account, as a fold over transfers.
//!
//! The database keeps these counters for bounded accounts; this fold is the second opinion that the audit and
//! the tests compare them with.

use crate::account::AccountNumber;
use crate::posting::Leg;

/// Which side of a leg an account stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It pays.
    Debit,
    /// It receives.
    Credit,
}

/// A counter ran out of its range: the books are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a counter of the account would leave its range")]
pub struct BalanceError;

/// The gross counters of one account, in millisatoshi, each from 0 to `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Held, to be paid.
    pub dr_pending: i64,
    /// Paid.
    pub dr_posted: i64,
    /// Held, to be received.
    pub cr_pending: i64,
    /// Received.
    pub cr_posted: i64,
}

impl Balance {
    /// The two sides of a leg.
    pub fn sides(leg: &Leg) -> [(AccountNumber, Side); 2] {
        let (debit, credit) = match leg {
            Leg::Transfer { debit, credit, .. } | Leg::Hold { debit, credit, .. } => {
                (*debit, *credit)
            }
            Leg::Post { held, .. } | Leg::Void { held } => (held.debit, held.credit),
        };
        [(debit, Side::Debit), (credit, Side::Credit)]
    }

    /// What the account has received more than it paid; below zero when it paid more.
    pub fn net_credit_msat(&self) -> i64 {
        self.cr_posted - self.dr_posted
    }

    /// What a bounded account can spend: received, less paid, less held.
    pub fn available_msat(&self) -> i64 {
        self.cr_posted - self.dr_posted - self.dr_pending
    }

    /// Adds one side of a leg.
    ///
    /// # Errors
    /// [`BalanceError`] when a counter would leave its range.
    pub fn apply(&mut self, leg: &Leg, side: Side) -> Result<(), BalanceError> {
        let (posted, pending) = Self::change(leg);
        let (posted_counter, pending_counter) = match side {
            Side::Debit => (&mut self.dr_posted, &mut self.dr_pending),
            Side::Credit => (&mut self.cr_posted, &mut self.cr_pending),
        };
        *posted_counter = in_range(posted_counter.checked_add(posted))?;
        *pending_counter = in_range(pending_counter.checked_add(pending))?;
        Ok(())
    }

    /// What a leg adds to the posted and to the pending counter of either side, in millisatoshi.
    pub fn change(leg: &Leg) -> (i64, i64) {
        match leg {
            Leg::Transfer { amount_msat, .. } => (amount_msat.get(), 0),
            Leg::Hold { amount_msat, .. } => (0, amount_msat.get()),
            Leg::Post { held, amount_msat } => (amount_msat.get(), -held.amount_msat.get()),
            Leg::Void { held } => (0, -held.amount_msat.get()),
        }
    }
}

fn in_range(counter: Option<i64>) -> Result<i64, BalanceError> {
    counter.filter(|value| *value >= 0).ok_or(BalanceError)
}

#[cfg(test)]
mod tests {
    use money::Msat;

    use super::*;
    use crate::account::SystemAccount;

    #[test]
    fn a_counter_never_goes_below_zero() {
        let held = crate::HeldTransfer {
            id: crate::TransferId([0; 16]),
            debit: AccountNumber::customer(1_000).expect("a customer"),
            credit: SystemAccount::RoutingFee.number(),
            amount_msat: Msat::new(5).expect("in range"),
        };
        let mut balance = Balance::default();
        assert_eq!(
            balance.apply(&Leg::Void { held }, Side::Debit),
            Err(BalanceError)
        );
    }
}
