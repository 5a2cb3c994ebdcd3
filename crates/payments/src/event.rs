//! [`Event`]: a fact that customers are told of, by webhook and over the hub.
//!
//! An event is written in the transaction that makes it true, and never otherwise.

use jiff::Timestamp;

use crate::deposit::Deposit;
use crate::ids::{AccountId, EventId};
use crate::onchain::OnchainDeposit;
use crate::withdrawal::Withdrawal;

/// What happened. The names are those of the webhook contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A Lightning deposit was credited.
    DepositLightningCompleted,
    /// A Lightning invoice ran out unpaid.
    DepositLightningFailed,
    /// A Lightning withdrawal was accepted: its money is held.
    WithdrawalLightningPending,
    /// A Lightning withdrawal reached its payee.
    WithdrawalLightningCompleted,
    /// A Lightning withdrawal came back.
    WithdrawalLightningFailed,
    /// An on-chain deposit was seen, and is not credited yet.
    DepositOnchainPending,
    /// An on-chain deposit was credited.
    DepositOnchainCompleted,
    /// An on-chain deposit was replaced or double-spent.
    DepositOnchainFailed,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::DepositLightningCompleted,
        Self::DepositLightningFailed,
        Self::WithdrawalLightningPending,
        Self::WithdrawalLightningCompleted,
        Self::WithdrawalLightningFailed,
        Self::DepositOnchainPending,
        Self::DepositOnchainCompleted,
        Self::DepositOnchainFailed,
    ];

    /// Its name on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DepositLightningCompleted => "deposit.lightning.completed",
            Self::DepositLightningFailed => "deposit.lightning.failed",
            Self::WithdrawalLightningPending => "withdrawal.lightning.pending",
            Self::WithdrawalLightningCompleted => "withdrawal.lightning.completed",
            Self::WithdrawalLightningFailed => "withdrawal.lightning.failed",
            Self::DepositOnchainPending => "deposit.onchain.pending",
            Self::DepositOnchainCompleted => "deposit.onchain.completed",
            Self::DepositOnchainFailed => "deposit.onchain.failed",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What an event is about, as it stood when the event happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSubject {
    /// A withdrawal.
    Withdrawal(Box<Withdrawal>),
    /// A deposit.
    Deposit(Box<Deposit>),
    /// An on-chain deposit.
    OnchainDeposit(Box<OnchainDeposit>),
}

impl EventSubject {
    /// The id of what it is about: the outbox keeps the order of events with one id.
    pub fn id_bytes(&self) -> [u8; 16] {
        match self {
            Self::Withdrawal(withdrawal) => withdrawal.id.to_bytes(),
            Self::Deposit(deposit) => deposit.id.to_bytes(),
            Self::OnchainDeposit(deposit) => deposit.id.to_bytes(),
        }
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::Withdrawal(withdrawal) => withdrawal.account_id,
            Self::Deposit(deposit) => deposit.account_id,
            Self::OnchainDeposit(deposit) => deposit.account_id,
        }
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, which every delivery of it carries.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// To what.
    pub subject: EventSubject,
    /// When.
    pub occurred_at: Timestamp,
}
