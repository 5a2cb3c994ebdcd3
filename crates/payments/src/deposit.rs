//! [`Deposit`]: money that came in for an account, or an invoice that nobody paid.
//!
//! A Lightning deposit has no pending state: it is written when it is settled, or when its invoice ran out.

pub mod state;

use jiff::Timestamp;
use money::Msat;

use crate::ids::{AccountId, DepositId, InvoiceId, PostingId};
use crate::metadata::Metadata;
use crate::payment_hash::PaymentHash;

/// Where a deposit stands. Both states are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DepositState {
    /// Credited.
    Settled,
    /// Its invoice ran out unpaid.
    Failed,
}

impl DepositState {
    /// All states.
    pub const ALL: [Self; 2] = [Self::Settled, Self::Failed];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A Lightning deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// Its id.
    pub id: DepositId,
    /// Whom it credits.
    pub account_id: AccountId,
    /// The invoice it was for; `None` for money that a person assigned out of suspense and that was for no invoice
    /// of the account.
    pub invoice_id: Option<InvoiceId>,
    /// The payment hash the money came for.
    pub payment_hash: PaymentHash,
    /// The invoice in its encoded form; empty without one.
    pub bolt11: String,
    /// What came in; for a failed one, what was asked for (zero when the payer was to choose).
    pub amount_msat: Msat,
    /// What the platform took of it.
    pub platform_fee_msat: Msat,
    /// Where it stands.
    pub state: DepositState,
    /// The customer's notes, from the invoice.
    pub metadata: Option<Metadata>,
    /// Its posting in the books; `None` for a failed one.
    pub posting_id: Option<PostingId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
