//! Double entry, pure: accounts, transfers, holds and the postings of each business event.
//!
//! A posting is a set of two-sided transfers, so the books balance in every state that can be written. This
//! crate must know no clock, no storage and no rail, and must never build a posting that moves more than was
//! held.

mod account;
mod balance;
mod hold;
mod posting;
pub mod postings;

pub use account::{AccountNumber, SystemAccount};
pub use balance::{Balance, BalanceError, Side};
pub use hold::{HeldTransfer, TransferId, WithdrawalHold};
pub use posting::{Fact, FactKind, Leg, Posting, PostingCode, PostingError};
