//! The on-chain rail: addresses that were given out, and the coins that came to them.
//!
//! A deposit is one output of one transaction: its outpoint is its key, never its transaction or its address. What the
//! chain can still take back is `pending`, and nobody can spend it.

pub mod confirmations;
pub mod state;

use bitcoin::OutPoint;
use jiff::Timestamp;
use money::Msat;

pub use self::confirmations::ConfirmationPolicy;
pub use self::state::{Input, OnchainDepositState, Transition};
use crate::ids::{AccountId, DepositAddressId, DepositId, PostingId};
use crate::metadata::Metadata;

/// The smallest output that counts, in satoshi: spending less costs more than it brings, and sending dust to many
/// addresses is a way to see who owns them. Smaller outputs are in no book and are never spent.
pub const DUST_SAT: i64 = 546;

/// An address of the on-chain wallet that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepositAddress {
    /// Its id.
    pub id: DepositAddressId,
    /// Whom its coins credit; `None` for the operator's own.
    pub account_id: Option<AccountId>,
    /// Its number in the wallet's keys.
    pub index: u32,
    /// The address, as people write it.
    pub address: String,
    /// The customer's notes.
    pub metadata: Option<Metadata>,
    /// When it was given out.
    pub created_at: Timestamp,
}

/// An on-chain deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnchainDeposit {
    /// Its id.
    pub id: DepositId,
    /// Whom it credits.
    pub account_id: AccountId,
    /// The address it came to.
    pub address: String,
    /// Which output it is.
    pub outpoint: OutPoint,
    /// What came, in whole satoshi.
    pub amount_msat: Msat,
    /// What the platform takes of it.
    pub platform_fee_msat: Msat,
    /// Where it stands.
    pub state: OnchainDepositState,
    /// How often it was credited: twice only when it was taken back between.
    pub credits: u32,
    /// The outputs that its transaction spends: whatever else spends one of them replaces it.
    pub inputs: Vec<OutPoint>,
    /// The customer's notes, from the address.
    pub metadata: Option<Metadata>,
    /// Its latest posting in the books; `None` while there was none.
    pub posting_id: Option<PostingId>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl OnchainDeposit {
    /// What the customer has of it once it is credited.
    pub fn credited_msat(&self) -> Msat {
        self.amount_msat
            .checked_sub(self.platform_fee_msat)
            .unwrap_or(Msat::ZERO)
    }
}
