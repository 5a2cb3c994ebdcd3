//! The books against the node: views in, differences out.
//!
//! Two comparisons: payment by payment, by payment hash, in both directions ([`compare`]), and in total
//! ([`compare_totals`]). The two views are never taken at one moment, so a difference counts only once it was seen
//! again and again ([`Suspicions`]). Everything here is decided from its arguments; nothing here moves money.

mod payments;
mod suspicions;
mod totals;

use money::Msat;

pub use self::payments::{BookedPayment, BookedSent, compare};
pub use self::suspicions::{Judged, LOOKS, Suspicions};
pub use self::totals::{BookedTotals, Slack, Totals, compare_totals};
use crate::payment_hash::PaymentHash;
use crate::ports::NodePaymentState;
use crate::withdrawal::WithdrawalState;

/// One thing that the books and the node do not say alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The node paid, and the books do not say so.
    SentNotBooked {
        /// Which payment.
        payment_hash: PaymentHash,
        /// What left, with the routing fee; `None` when the node's record does not tell.
        node_msat: Option<Msat>,
        /// Where the withdrawal stands; `None` when nobody asked for this payment.
        withdrawal: Option<WithdrawalState>,
    },
    /// The node paid another amount than the books say.
    SentBookedOtherwise {
        /// Which payment.
        payment_hash: PaymentHash,
        /// What left, with the routing fee.
        node_msat: Msat,
        /// What the books say.
        booked_msat: Msat,
    },
    /// The books say that it was paid; the node does not, and there is no proof of payment.
    BookedNotSent {
        /// Which payment.
        payment_hash: PaymentHash,
        /// What the books say, with the routing fee.
        booked_msat: Msat,
        /// What the node's record says; `None` when it has none.
        node: Option<NodePaymentState>,
    },
    /// The node was paid, and the books do not say so.
    ReceivedNotBooked {
        /// Which payment.
        payment_hash: PaymentHash,
        /// What came; `None` when the node's record does not tell.
        node_msat: Option<Msat>,
    },
    /// The node was paid another amount than the books say.
    ReceivedBookedOtherwise {
        /// Which payment.
        payment_hash: PaymentHash,
        /// What came.
        node_msat: Msat,
        /// What the books say.
        booked_msat: Msat,
    },
    /// The books say that money came; the node does not.
    BookedNotReceived {
        /// Which payment.
        payment_hash: PaymentHash,
        /// What the books say.
        booked_msat: Msat,
        /// What the node's record says; `None` when it has none.
        node: Option<NodePaymentState>,
    },
    /// All payments considered, the books hold more than the node, or less.
    Total {
        /// What the books hold, with the payments that are not booked yet.
        books_msat: i64,
        /// The least that the node has.
        node_min_msat: i64,
        /// The most that the node has.
        node_max_msat: i64,
    },
}

/// What makes two differences the same one at two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DifferenceKey(&'static str, Option<PaymentHash>);

impl Difference {
    /// The name of its kind, as the verdict and the metrics print it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SentNotBooked { .. } => "sent_not_booked",
            Self::SentBookedOtherwise { .. } => "sent_booked_otherwise",
            Self::BookedNotSent { .. } => "booked_not_sent",
            Self::ReceivedNotBooked { .. } => "received_not_booked",
            Self::ReceivedBookedOtherwise { .. } => "received_booked_otherwise",
            Self::BookedNotReceived { .. } => "booked_not_received",
            Self::Total { .. } => "total",
        }
    }

    /// The payment it is about; `None` for a total.
    pub const fn payment_hash(&self) -> Option<PaymentHash> {
        match self {
            Self::SentNotBooked { payment_hash, .. }
            | Self::SentBookedOtherwise { payment_hash, .. }
            | Self::BookedNotSent { payment_hash, .. }
            | Self::ReceivedNotBooked { payment_hash, .. }
            | Self::ReceivedBookedOtherwise { payment_hash, .. }
            | Self::BookedNotReceived { payment_hash, .. } => Some(*payment_hash),
            Self::Total { .. } => None,
        }
    }

    /// What it is recognised by at the next look. A total that is short and one that is over are two.
    pub fn key(&self) -> DifferenceKey {
        let name = match self {
            Self::Total {
                books_msat,
                node_max_msat,
                ..
            } if books_msat > node_max_msat => "total_short",
            _ => self.name(),
        };
        DifferenceKey(name, self.payment_hash())
    }

    /// What the books will hold more (or less, below zero) once the difference is booked as the node tells it; zero
    /// where only a person can tell.
    pub fn to_be_booked_msat(&self) -> i64 {
        let amount = |amount: Option<Msat>| amount.map_or(0, Msat::get);
        match *self {
            Self::SentNotBooked { node_msat, .. } => -amount(node_msat),
            Self::ReceivedNotBooked { node_msat, .. } => amount(node_msat),
            Self::SentBookedOtherwise {
                node_msat,
                booked_msat,
                ..
            } => booked_msat.get() - node_msat.get(),
            Self::ReceivedBookedOtherwise {
                node_msat,
                booked_msat,
                ..
            } => node_msat.get() - booked_msat.get(),
            Self::BookedNotSent { .. } | Self::BookedNotReceived { .. } | Self::Total { .. } => 0,
        }
    }
}

#[cfg(test)]
mod tests;
