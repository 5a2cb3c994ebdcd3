//! [`Invoice`]: a BOLT 11 invoice of ours, which a payer pays into an account.
//!
//! It settles once, as [`state::transition`] says; what comes twice is in suspense and never changes the first.

pub mod state;

use jiff::Timestamp;
use money::Msat;

use crate::ids::{AccountId, InvoiceId};
use crate::metadata::Metadata;
use crate::payment_hash::PaymentHash;

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceState {
    /// It can be paid.
    Open,
    /// It was paid.
    Settled,
    /// Its time ran out unpaid.
    Expired,
}

impl InvoiceState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Settled, Self::Expired];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Expired => "expired",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// An invoice of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Whom its payment credits.
    pub account_id: AccountId,
    /// Its payment hash.
    pub payment_hash: PaymentHash,
    /// Its encoded form.
    pub bolt11: String,
    /// What it asks for; `None` leaves it to the payer.
    pub amount_msat: Option<Msat>,
    /// Its description.
    pub description: String,
    /// The customer's notes.
    pub metadata: Option<Metadata>,
    /// Where it stands.
    pub state: InvoiceState,
    /// What was paid, once it is settled.
    pub received_msat: Option<Msat>,
    /// When it was paid.
    pub settled_at: Option<Timestamp>,
    /// When its time runs out.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The longest description BOLT 11 can carry, in bytes.
pub const MAX_DESCRIPTION_BYTES: usize = 639;

/// The longest expiry that may be asked for: 30 days, as the Hercle contract says (720 hours).
pub const MAX_EXPIRY_SECONDS: u32 = 30 * 24 * 3_600;
