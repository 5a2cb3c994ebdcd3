//! In total: what the books hold against what the node has.
//!
//! The node's side is an interval. What is in flight may turn out to be ours or not; a channel whose balance is below
//! its reserve, and one that is being closed, is told in whole satoshi only. With nothing in flight and every balance
//! above its reserve the interval is one number, and the comparison is exact to the millisatoshi.

use money::Msat;

use super::Difference;
use crate::ports::NodeFunds;

/// What the books say that the node has, in millisatoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BookedTotals {
    /// In channels, open or being closed.
    pub float_msat: i64,
    /// In the node's own on-chain wallet.
    pub wallet_msat: i64,
}

/// Both sides, in millisatoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What the books hold.
    pub booked: BookedTotals,
    /// What is to be booked yet, by the node's own records of payments.
    pub to_be_booked_msat: i64,
    /// The least that the node has.
    pub node_min_msat: i64,
    /// The most that the node has.
    pub node_max_msat: i64,
    /// In flight in open channels, in both directions.
    pub in_flight_msat: i64,
    /// Certainly ours in closed channels, and on its way to the wallet.
    pub closing_msat: i64,
    /// In the node's own on-chain wallet.
    pub wallet_msat: i64,
}

/// What the books cannot know yet, in millisatoshi.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slack {
    /// What came into the wallet and is not booked, because the chain may still take it back.
    pub wallet_in_msat: i64,
    /// What left the wallet and is not booked.
    pub wallet_out_msat: i64,
    /// What closed channels may not give back: parts of a satoshi, and payments too small for an output.
    pub closing_msat: i64,
}

impl Totals {
    /// The same, with what the books cannot know yet.
    #[must_use]
    pub fn with(self, slack: &Slack) -> Self {
        Self {
            node_min_msat: self.node_min_msat - slack.wallet_in_msat,
            node_max_msat: self.node_max_msat + slack.wallet_out_msat + slack.closing_msat,
            ..self
        }
    }

    /// The sums of both sides. `payments` are the differences of single payments, which explain a part.
    pub fn of(booked: BookedTotals, funds: &NodeFunds, payments: &[Difference]) -> Self {
        let sum = |parts: &mut dyn Iterator<Item = Msat>| parts.map(Msat::get).sum::<i64>();
        let own_min = sum(&mut funds.channels.iter().map(|channel| channel.own_min_msat));
        let own_max = sum(&mut funds.channels.iter().map(|channel| channel.own_max_msat));
        let in_flight = sum(&mut funds.channels.iter().map(|channel| channel.in_flight_msat));
        let certain = sum(&mut funds.closing.iter().map(|channel| channel.certain_msat));
        let possible = sum(&mut funds.closing.iter().map(|channel| channel.possible_msat));
        let wallet = funds.wallet_msat.get();
        let sweeping = funds.sweeping_msat.get();
        let to_be_booked = payments.iter().map(Difference::to_be_booked_msat).sum();
        Self {
            booked,
            to_be_booked_msat: to_be_booked,
            node_min_msat: own_min + certain + wallet,
            // A sweep may or may not be in the wallet already, as its last look at the chain was.
            node_max_msat: own_max + in_flight + certain + possible + wallet + sweeping,
            in_flight_msat: in_flight,
            closing_msat: certain + sweeping,
            wallet_msat: wallet,
        }
    }

    /// The same with the node's side as it was a moment before too: what ended between the two looks stands in one
    /// of them as in flight.
    #[must_use]
    pub fn widened(self, before: &Self) -> Self {
        Self {
            node_min_msat: self.node_min_msat.min(before.node_min_msat),
            node_max_msat: self.node_max_msat.max(before.node_max_msat),
            ..self
        }
    }

    /// By how much the books hold more than the node at most has, without what closed channels may keep back.
    pub const fn over_msat(&self, slack: &Slack) -> i64 {
        self.books_msat() - (self.node_max_msat - slack.closing_msat)
    }

    /// What the books will hold when every payment the node knows is booked.
    pub const fn books_msat(&self) -> i64 {
        self.booked.float_msat + self.booked.wallet_msat + self.to_be_booked_msat
    }
}

/// The difference of the totals, if what the books hold lies outside of what the node may have.
pub fn compare_totals(totals: &Totals) -> Option<Difference> {
    let books_msat = totals.books_msat();
    let fits = (totals.node_min_msat..=totals.node_max_msat).contains(&books_msat);
    (!fits).then_some(Difference::Total {
        books_msat,
        node_min_msat: totals.node_min_msat,
        node_max_msat: totals.node_max_msat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment_hash::PaymentHash;
    use crate::ports::ClosingFunds;

    fn totals(books_msat: i64, min: i64, max: i64) -> Totals {
        Totals {
            booked: BookedTotals {
                float_msat: books_msat - 7,
                wallet_msat: 5,
            },
            to_be_booked_msat: 2,
            node_min_msat: min,
            node_max_msat: max,
            ..Totals::default()
        }
    }

    #[test]
    fn what_the_books_cannot_know_yet_widens_the_nodes_side_and_nothing_else() {
        let slack = Slack {
            wallet_in_msat: 3,
            wallet_out_msat: 4,
            closing_msat: 50,
        };
        let with = totals(900, 800, 1_000).with(&slack);
        assert_eq!(with, totals(900, 797, 1_054));
        // What closed channels keep back is not there to be lost twice.
        assert_eq!(totals(1_060, 797, 1_054).over_msat(&slack), 56);
        assert_eq!(totals(990, 797, 1_054).over_msat(&slack), -14);
    }

    #[test]
    fn two_looks_make_one_interval_of_both() {
        let (earlier, later) = (totals(900, 800, 950), totals(901, 820, 1_000));
        assert_eq!(later.widened(&earlier), totals(901, 800, 1_000));
        assert_eq!(earlier.widened(&later), totals(900, 800, 1_000));
    }

    #[test]
    fn what_comes_from_closed_channels_is_told_with_its_sweeps() {
        let msat = |amount| Msat::new(amount).expect("in range");
        let funds = NodeFunds {
            closing: vec![ClosingFunds {
                channel_id: [2; 32],
                certain_msat: msat(1_000),
                possible_msat: msat(50),
            }],
            sweeping_msat: msat(10),
            ..NodeFunds::default()
        };
        let totals = Totals::of(BookedTotals::default(), &funds, &[]);
        assert_eq!(totals.closing_msat, 1_010);
    }

    #[test]
    fn a_payment_that_is_booked_otherwise_explains_what_is_between() {
        let payment_hash = PaymentHash::from_bytes([7; 32]);
        let (node_msat, booked_msat) = (
            Msat::new(100).expect("in range"),
            Msat::new(130).expect("in range"),
        );
        let sent = Difference::SentBookedOtherwise {
            payment_hash,
            node_msat,
            booked_msat,
        };
        let received = Difference::ReceivedBookedOtherwise {
            payment_hash,
            node_msat,
            booked_msat,
        };
        assert_eq!(
            (sent.to_be_booked_msat(), received.to_be_booked_msat()),
            (30, -30)
        );
        assert_eq!(sent.payment_hash(), Some(payment_hash));
    }
}
