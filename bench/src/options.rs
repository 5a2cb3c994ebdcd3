//! The command line: what is measured, how often, and how much of it.

use std::path::PathBuf;

/// Lightning payments per second, the whole stack beside two bare ldk-node nodes.
#[derive(Debug, clap::Parser)]
#[command(name = "bench")]
pub struct Options {
    /// A short run: 150 payments, each side once.
    #[arg(long)]
    quick: bool,
    /// Payments of one run.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    payments: Option<u32>,
    /// How often each side is run.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,
    /// Payments in flight; a channel takes 50 a direction, and frees them a little late.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=30))]
    in_flight: u32,
    /// Threads of the bare side that call `send`.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=30))]
    senders: u32,
    /// Only one side.
    #[arg(long, value_enum)]
    only: Option<Side>,
    /// The leyden binary.
    #[arg(long, env = "LEYDEN_BIN")]
    pub leyden: Option<PathBuf>,
    /// Shows what the sandbox logs.
    #[arg(long)]
    pub logs: bool,
}

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// Two ldk-node nodes as they come: default store, default log file.
    Bare,
    /// The same with their logs off.
    BareQuiet,
    /// `leyden sandbox`, commanded over the hub, with a webhook endpoint.
    Stack,
}

impl Options {
    /// Payments of one run, the warm-up not counted.
    pub fn payments(&self) -> usize {
        let default = if self.quick { 150 } else { 500 };
        self.payments.unwrap_or(default) as usize
    }

    /// Payments before the clock starts.
    pub fn warm_up(&self) -> usize {
        2 * self.in_flight()
    }

    /// How many payments may be under way at once.
    pub fn in_flight(&self) -> usize {
        self.in_flight as usize
    }

    /// How many threads call the bare node.
    pub fn senders(&self) -> usize {
        self.senders as usize
    }

    /// How often each side is run.
    pub fn runs(&self) -> usize {
        self.runs.unwrap_or(if self.quick { 1 } else { 2 }) as usize
    }

    /// The sides of a round; every other round goes backwards, so that none is always first.
    pub fn order(&self, round: usize) -> Vec<Side> {
        let mut sides = vec![Side::Bare, Side::Stack, Side::BareQuiet];
        if round % 2 == 1 {
            sides.reverse();
        }
        sides.retain(|side| self.only.is_none_or(|only| only == *side));
        sides
    }
}
