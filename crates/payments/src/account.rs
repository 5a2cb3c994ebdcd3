//! [`Account`]: a customer of the server.
//!
//! It owns one bounded ledger account; tenants must never see each other.

use jiff::Timestamp;
use ledger::AccountNumber;
use money::Msat;

use crate::ids::AccountId;

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id, which the contract calls `company_id`.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// Its account in the books.
    pub ledger_account: AccountNumber,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was closed: no key of it opens anything since.
    pub closed_at: Option<Timestamp>,
}

/// What an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountBalance {
    /// What can be spent now.
    pub available_msat: Msat,
    /// What is held for withdrawals under way.
    pub held_msat: Msat,
}
