//! The verdict of the reconciliation, for people and for programs.
//!
//! It is written as JSON once, by the process that runs the node, and read by every other.

use jiff::Timestamp;
use money::Msat;
use payments::ports::{NodeFunds, NodePaymentState};
use payments::reconciliation::{Difference, Judged, Totals};
use serde::{Deserialize, Serialize};

/// What a look at both sides came to. Amounts are millisatoshi.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether nothing is unexplained.
    pub clean: bool,
    /// When both sides were looked at (RFC 3339).
    pub checked_at: String,
    /// When every payment was compared that the node still knows; a look compares those of the last time only.
    pub everything_at: Option<String>,
    /// How many payments were compared.
    pub payments_compared: usize,
    /// The books' side.
    pub books: BooksSide,
    /// The node's side.
    pub node: NodeSide,
    /// Differences that stay: money is halted by them.
    pub unexplained: Vec<Named>,
    /// Differences that stayed and that the node's own record proves: booked as the node tells them. The newest ones
    /// since the node's process began.
    pub repaired: Vec<Named>,
    /// Differences that were not there long enough to count: an event may be on its way.
    pub on_its_way: Vec<Named>,
    /// Outbound payments that stand on a commitment transaction.
    pub in_flight: Vec<InFlight>,
}

/// What the books hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BooksSide {
    /// In channels.
    pub lightning_float_msat: i64,
    /// In the node's own wallet.
    pub node_wallet_msat: i64,
    /// By the node's records of payments, not booked yet.
    pub to_be_booked_msat: i64,
}

/// What the node has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSide {
    /// The least of it.
    pub at_least_msat: i64,
    /// The most of it, if all that is in flight turns out to be ours.
    pub at_most_msat: i64,
    /// In flight in open channels.
    pub in_flight_msat: i64,
    /// In closed channels, and on the way from them to the wallet.
    pub closing_msat: i64,
    /// In the wallet.
    pub wallet_msat: i64,
    /// How many channels are open.
    pub channels: usize,
    /// How many are closed and not fetched yet.
    pub closing_channels: usize,
    /// The newest block it has seen.
    pub block_height: u32,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name of its kind.
    pub name: String,
    /// What it is, for a person.
    pub says: String,
    /// The payment it is about.
    pub payment_hash: Option<String>,
    /// The amount by the node.
    pub node_msat: Option<i64>,
    /// The amount by the books.
    pub booked_msat: Option<i64>,
}

/// A payment on a commitment transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Of which payment.
    pub payment_hash: String,
    /// What it carries.
    pub amount_msat: i64,
    /// The block height at which it runs out.
    pub expires_height: u32,
}

impl Verdict {
    /// The verdict of a look that compared this many payments; everything was compared at that time.
    #[must_use]
    pub fn of(
        checked_at: Timestamp,
        (everything_at, payments_compared): (Option<Timestamp>, usize),
        totals: &Totals,
        judged: &Judged,
        repaired: &[Difference],
        funds: &NodeFunds,
    ) -> Self {
        let named = |differences: &[Difference]| differences.iter().map(Named::of).collect();
        Self {
            clean: judged.unexplained.is_empty(),
            checked_at: checked_at.to_string(),
            everything_at: everything_at.map(|at| at.to_string()),
            payments_compared,
            books: BooksSide {
                lightning_float_msat: totals.booked.float_msat,
                node_wallet_msat: totals.booked.wallet_msat,
                to_be_booked_msat: totals.to_be_booked_msat,
            },
            node: NodeSide {
                at_least_msat: totals.node_min_msat,
                at_most_msat: totals.node_max_msat,
                in_flight_msat: totals.in_flight_msat,
                closing_msat: totals.closing_msat,
                wallet_msat: totals.wallet_msat,
                channels: funds.channels.len(),
                closing_channels: funds.closing.len(),
                block_height: funds.block_height,
            },
            unexplained: named(&judged.unexplained),
            repaired: named(repaired),
            on_its_way: named(&judged.on_its_way),
            in_flight: funds
                .outbound
                .iter()
                .map(|htlc| InFlight {
                    payment_hash: htlc.payment_hash.to_string(),
                    amount_msat: htlc.amount_msat.get(),
                    expires_height: htlc.expires_height,
                })
                .collect(),
        }
    }

    /// As JSON.
    ///
    /// # Panics
    /// Never: texts and integers always serialise.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and integers always serialise")
    }

    /// A kept verdict; `None` for bytes that another version wrote.
    #[must_use]
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The verdict in lines for a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (books, node) = (&self.books, &self.node);
        let row = |name: &str, msat: i64| format!("     {name:<28} {msat:>20} msat");
        let mut lines = vec![
            row("books: lightning_float", books.lightning_float_msat),
            row("books: node_wallet", books.node_wallet_msat),
            row("books: to be booked", books.to_be_booked_msat),
            row("node: at least", node.at_least_msat),
            row("node: at most", node.at_most_msat),
            row("node: in flight", node.in_flight_msat),
            row("node: closing", node.closing_msat),
            row("node: wallet", node.wallet_msat),
        ];
        let marked = [
            ("FAIL", &self.unexplained),
            ("done", &self.repaired),
            ("wait", &self.on_its_way),
        ];
        for (mark, differences) in marked {
            for difference in differences {
                let hash = difference.payment_hash.as_deref().unwrap_or("");
                lines.push(format!("{mark} {} {hash}", difference.name));
                lines.push(format!("          {}", difference.says));
            }
        }
        let verdict = match self.clean {
            true => "The books and the node agree",
            false => "THE BOOKS AND THE NODE DIFFER",
        };
        lines.push(format!(
            "{verdict}: {} payments compared, {} channels, block {}, {}.",
            self.payments_compared, node.channels, node.block_height, self.checked_at
        ));
        lines
    }
}

impl Named {
    fn of(difference: &Difference) -> Self {
        let (node_msat, booked_msat) = amounts(difference);
        Self {
            name: difference.name().to_owned(),
            says: says(difference),
            payment_hash: difference.payment_hash().map(|hash| hash.to_string()),
            node_msat,
            booked_msat,
        }
    }
}

fn amounts(difference: &Difference) -> (Option<i64>, Option<i64>) {
    match *difference {
        Difference::SentNotBooked { node_msat, .. }
        | Difference::ReceivedNotBooked { node_msat, .. } => (node_msat.map(Msat::get), None),
        Difference::SentBookedOtherwise {
            node_msat,
            booked_msat,
            ..
        }
        | Difference::ReceivedBookedOtherwise {
            node_msat,
            booked_msat,
            ..
        } => (Some(node_msat.get()), Some(booked_msat.get())),
        Difference::BookedNotSent { booked_msat, .. }
        | Difference::BookedNotReceived { booked_msat, .. } => (None, Some(booked_msat.get())),
        Difference::Total {
            books_msat,
            node_min_msat,
            node_max_msat,
        } => {
            let nearest = books_msat.clamp(node_min_msat, node_max_msat);
            (Some(nearest), Some(books_msat))
        }
    }
}

fn says(difference: &Difference) -> String {
    let record = |state: &Option<NodePaymentState>| match state {
        None => "has no record of it",
        Some(NodePaymentState::Pending) => "says that it is under way",
        Some(NodePaymentState::Failed) => "says that it failed",
        Some(NodePaymentState::Succeeded) => "says that it was paid",
    };
    match difference {
        Difference::SentNotBooked {
            withdrawal: None, ..
        } => "the node paid it, and no withdrawal asked for it".to_owned(),
        Difference::SentNotBooked {
            withdrawal: Some(state),
            ..
        } => format!("the node paid it, and its withdrawal is {}", state.name()),
        Difference::SentBookedOtherwise { .. } => {
            "the node paid another amount than is booked".to_owned()
        }
        Difference::BookedNotSent { node, .. } => {
            format!(
                "it is booked as paid without a proof, and the node {}",
                record(node)
            )
        }
        Difference::ReceivedNotBooked { .. } => {
            "the node was paid, and nothing is booked".to_owned()
        }
        Difference::ReceivedBookedOtherwise { .. } => {
            "the node was paid another amount than is booked".to_owned()
        }
        Difference::BookedNotReceived { node, .. } => {
            format!("it is booked as received, and the node {}", record(node))
        }
        Difference::Total {
            books_msat,
            node_max_msat,
            node_min_msat,
        } => {
            if books_msat > node_max_msat {
                format!(
                    "the books hold {} msat more than the node can have",
                    books_msat - node_max_msat
                )
            } else {
                format!(
                    "the node has at least {} msat more than the books hold",
                    node_min_msat - books_msat
                )
            }
        }
    }
}
