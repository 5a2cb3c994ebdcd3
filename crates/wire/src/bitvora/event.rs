//! The names of webhook events (contract section 4.2).
//!
//! The set is closed: there is no `deposit.lightning.pending`, and `withdrawal.chain.*` was only a
//! draft.

use super::names::{RailType, TransactionStatus, TransactionType};
use crate::Problem;
use crate::string_enum::string_enum;

string_enum! {
    /// The name of a webhook event.
    EventName, "event name", {
        /// A Lightning deposit has been credited.
        DepositLightningCompleted = "deposit.lightning.completed",
        /// An invoice expired unpaid, or its payment failed.
        DepositLightningFailed = "deposit.lightning.failed",
        /// An on-chain deposit was seen and is not yet credited.
        DepositOnchainPending = "deposit.onchain.pending",
        /// An on-chain deposit has been credited.
        DepositOnchainCompleted = "deposit.onchain.completed",
        /// An on-chain deposit was replaced, double-spent or reorganised away.
        DepositOnchainFailed = "deposit.onchain.failed",
        /// A Lightning withdrawal has been accepted.
        WithdrawalLightningPending = "withdrawal.lightning.pending",
        /// A Lightning withdrawal has been paid.
        WithdrawalLightningCompleted = "withdrawal.lightning.completed",
        /// A Lightning withdrawal has failed and its money is back.
        WithdrawalLightningFailed = "withdrawal.lightning.failed",
        /// An on-chain withdrawal has been accepted.
        WithdrawalOnchainPending = "withdrawal.onchain.pending",
        /// An on-chain withdrawal is confirmed.
        WithdrawalOnchainCompleted = "withdrawal.onchain.completed",
        /// An on-chain withdrawal has failed and its money is back.
        WithdrawalOnchainFailed = "withdrawal.onchain.failed",
    }
}

impl EventName {
    /// The event that tells of a transaction in a state; `None` for the one that does not exist,
    /// a pending Lightning deposit.
    #[must_use]
    pub const fn of(
        kind: TransactionType,
        rail: RailType,
        status: TransactionStatus,
    ) -> Option<Self> {
        use RailType::{Lightning, Onchain};
        use TransactionStatus::{Failed, Pending, Settled};
        use TransactionType::{Deposit, Withdrawal};
        Some(match (kind, rail, status) {
            (Deposit, Lightning, Pending) => return None,
            (Deposit, Lightning, Settled) => Self::DepositLightningCompleted,
            (Deposit, Lightning, Failed) => Self::DepositLightningFailed,
            (Deposit, Onchain, Pending) => Self::DepositOnchainPending,
            (Deposit, Onchain, Settled) => Self::DepositOnchainCompleted,
            (Deposit, Onchain, Failed) => Self::DepositOnchainFailed,
            (Withdrawal, Lightning, Pending) => Self::WithdrawalLightningPending,
            (Withdrawal, Lightning, Settled) => Self::WithdrawalLightningCompleted,
            (Withdrawal, Lightning, Failed) => Self::WithdrawalLightningFailed,
            (Withdrawal, Onchain, Pending) => Self::WithdrawalOnchainPending,
            (Withdrawal, Onchain, Settled) => Self::WithdrawalOnchainCompleted,
            (Withdrawal, Onchain, Failed) => Self::WithdrawalOnchainFailed,
        })
    }

    /// Reads an event filter as clients send it.
    ///
    /// # Errors
    ///
    /// [`Problem::UnknownEvent`] for a name outside the set.
    pub fn from_request(name: &str) -> Result<Self, Problem> {
        name.parse().map_err(|_| Problem::UnknownEvent {
            name: name.to_owned(),
        })
    }
}
