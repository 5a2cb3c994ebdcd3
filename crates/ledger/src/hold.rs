//! Money that is held: pending transfers, and the hold of one Lightning withdrawal.
//!
//! A hold resolves once, by a posting of [`crate::postings::withdrawal`]. No timer may resolve one.

use money::Msat;

use crate::account::AccountNumber;

/// The id of a transfer (a UUIDv7, as its 16 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub [u8; 16]);

/// A pending transfer that stands in the books and is not resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldTransfer {
    /// Which transfer.
    pub id: TransferId,
    /// Who pays, if it is posted.
    pub debit: AccountNumber,
    /// Who receives, if it is posted.
    pub credit: AccountNumber,
    /// What is held: the most that can be posted.
    pub amount_msat: Msat,
}

/// All that is held for one Lightning withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WithdrawalHold {
    /// What the payee gets.
    pub amount: HeldTransfer,
    /// The reserve for routing fees; `None` when the policy reserves nothing.
    pub routing_fee: Option<HeldTransfer>,
    /// The platform's fee; `None` when there is none.
    pub platform_fee: Option<HeldTransfer>,
}
