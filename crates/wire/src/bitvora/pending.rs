//! Why a withdrawal is pending: an extension object on one withdrawal, which no published client reads.
//!
//! It is there only while the withdrawal is pending; the fields of the contract stand unchanged before it.

use serde::Serialize;

use super::transaction::Withdrawal;
use crate::schema::describe;
use crate::time::Micros;

/// A withdrawal, and why it is pending while it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithdrawalDetails {
    /// The withdrawal, as the contract has it.
    #[serde(flatten)]
    pub withdrawal: Withdrawal,
    /// Why it is pending; left out once it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// Why a withdrawal is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// What it waits for, for programs.
    pub reason: &'static str,
    /// The same, for people.
    pub says: &'static str,
    /// How often it was given to the node.
    pub attempts: u64,
    /// When it is tried again; null while it is with the node.
    pub next_attempt_at: Option<Micros>,
    /// When its invoice runs out: it is not sent any more after that.
    pub invoice_expires_at: Micros,
    /// What is held for it.
    pub held: Held,
    /// What the node knows of the payment; null while it stands on no commitment transaction as an output of its own.
    pub htlc: Option<PendingHtlc>,
    /// When it can be over at the latest. No hold is released by it.
    pub resolves_by: Micros,
    /// The block height of that, when the node knows the payment.
    pub resolves_by_height: Option<u32>,
    /// What a restart of the server would do to it.
    pub after_restart: &'static str,
}

/// What is held for a withdrawal, in millisatoshis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Held {
    /// What the recipient gets.
    pub amount_msat: i64,
    /// The most that may go to routing nodes.
    pub fee_reserve_msat: i64,
    /// What the platform takes.
    pub platform_fee_msat: i64,
}

/// A payment on a commitment transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PendingHtlc {
    /// What it carries, fees of later hops included.
    pub amount_msat: i64,
    /// The block height at which it runs out.
    pub expires_height: u32,
    /// The newest block the node had seen.
    pub block_height: u32,
    /// When that was.
    pub as_of: Micros,
}

describe! { WithdrawalDetails, "WithdrawalDetails", flat [withdrawal],
    pending => "pending",
}

describe! { Pending, "Pending", flat [],
    reason => "reason",
    says => "says",
    attempts => "attempts",
    next_attempt_at => "next_attempt_at",
    invoice_expires_at => "invoice_expires_at",
    held => "held",
    htlc => "htlc",
    resolves_by => "resolves_by",
    resolves_by_height => "resolves_by_height",
    after_restart => "after_restart",
}

describe! { Held, "Held", flat [],
    amount_msat => "amount_msat",
    fee_reserve_msat => "fee_reserve_msat",
    platform_fee_msat => "platform_fee_msat",
}

describe! { PendingHtlc, "PendingHtlc", flat [],
    amount_msat => "amount_msat",
    expires_height => "expires_height",
    block_height => "block_height",
    as_of => "as_of",
}
