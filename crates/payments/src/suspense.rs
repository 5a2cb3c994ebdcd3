//! [`SuspendedItem`]: money that came in and belongs to nobody known, until a person says to whom.
//!
//! An item is never changed in its amount and never deleted. It is assigned once, as a whole.

use jiff::Timestamp;
use money::Msat;

use crate::ids::{AccountId, DepositId, InvoiceId, PostingId, SuspendedId};
use crate::payment_hash::PaymentHash;

/// Why money could not be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuspenseReason {
    /// No invoice of ours has its payment hash.
    NoInvoice,
    /// Its invoice was settled by an account of this server before the money came.
    PaidInternally,
    /// Money for its hash is booked, with another amount: this is a second payment.
    PaidAgain,
}

impl SuspenseReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::NoInvoice, Self::PaidInternally, Self::PaidAgain];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoInvoice => "no_invoice",
            Self::PaidInternally => "paid_internally",
            Self::PaidAgain => "paid_again",
        }
    }

    /// The reason with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuspenseState {
    /// It waits for a person.
    Open,
    /// It was given to an account.
    Assigned,
}

impl SuspenseState {
    /// All states.
    pub const ALL: [Self; 2] = [Self::Open, Self::Assigned];

    /// The name under which it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assigned => "assigned",
        }
    }

    /// The state with this stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What becomes of a wish to assign an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The state changes to this one.
    To(SuspenseState),
    /// It was assigned before, and stays where it is.
    Refused,
}

/// What assigning does in `state`; nothing else can happen to an item.
pub const fn assign(state: SuspenseState) -> Transition {
    match state {
        SuspenseState::Open => Transition::To(SuspenseState::Assigned),
        SuspenseState::Assigned => Transition::Refused,
    }
}

/// Money in suspense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuspendedItem {
    /// Its id.
    pub id: SuspendedId,
    /// The payment hash it came for.
    pub payment_hash: PaymentHash,
    /// The invoice of ours with that hash, if there was one when it came.
    pub invoice_id: Option<InvoiceId>,
    /// What came.
    pub amount_msat: Msat,
    /// Why it is here.
    pub reason: SuspenseReason,
    /// The posting that booked it.
    pub posting_id: PostingId,
    /// Where it stands.
    pub state: SuspenseState,
    /// To whom it was given, once it was.
    pub account_id: Option<AccountId>,
    /// The deposit by which they have it, once it was given.
    pub deposit_id: Option<DepositId>,
    /// When it came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_assigned_once() {
        let to = Transition::To(SuspenseState::Assigned);
        assert_eq!(assign(SuspenseState::Open), to);
        assert_eq!(assign(SuspenseState::Assigned), Transition::Refused);
    }

    #[test]
    fn stored_names_read_back() {
        for reason in SuspenseReason::ALL {
            assert_eq!(SuspenseReason::from_name(reason.name()), Some(reason));
        }
        for state in SuspenseState::ALL {
            assert_eq!(SuspenseState::from_name(state.name()), Some(state));
        }
    }
}
