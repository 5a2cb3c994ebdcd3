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
