//! The command line: what is measured, how often, and how much of it.

use std::time::Duration;

use crate::hub::Served;
use crate::lightning::Kept;

/// Our figures beside their rivals', in one run.
#[derive(Debug, clap::Parser)]
#[command(name = "bench")]
pub struct Options {
    /// A short run: fewer payments, smaller books, each side once.
    #[arg(long)]
    quick: bool,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Only these stores of the bare nodes.
    #[arg(long, value_enum, value_delimiter = ',')]
    stores: Vec<Kept>,
    /// Lightning payments of one run.
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
    /// Withdrawals of one run that are accepted into the books.
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    withdrawals: Option<u32>,
    /// Clients that ask for withdrawals at once.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    clients: u32,
    /// Payments in the large books.
    #[arg(long, value_parser = clap::value_parser!(u32).range(10_000..=10_000_000))]
    books: Option<u32>,
    /// A PostgreSQL server on which schemas may be made; without it that database is left out.
    #[arg(long, env = "LEYDEN_TEST_POSTGRES_URL", hide_env_values = true)]
    postgres: Option<String>,
    /// Serves for another process of this benchmark.
    #[arg(long, value_enum, hide = true)]
    pub serve: Option<Served>,
    /// Shows the server's log.
    #[arg(long)]
    pub logs: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Withdrawals accepted per second.
    Withdrawals,
    /// What things cost in small and in large books.
    Flatness,
    /// Webhook deliveries per second.
    Deliveries,
    /// Lightning payments per second.
    Lightning,
    /// The hub library: calls, idle connections, broadcasts, streams.
    Hub,
}

impl Options {
    /// Whether this part is to be measured.
    pub fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Whether bare nodes on this store are a rival.
    pub fn compares(&self, kept: Kept) -> bool {
        self.stores.is_empty() || self.stores.contains(&kept)
    }

    /// Lightning payments of one run, the warm-up not counted.
    pub fn payments(&self) -> usize {
        let default = if self.quick { 150 } else { 500 };
        self.payments.unwrap_or(default) as usize
    }

    /// Lightning payments before the clock starts.
    pub fn warm_up(&self) -> usize {
        2 * self.in_flight()
    }

    /// How many Lightning payments may be under way at once.
    pub fn in_flight(&self) -> usize {
        self.in_flight as usize
    }

    /// How many threads call the bare node.
    pub fn senders(&self) -> usize {
        self.senders as usize
    }

    /// How often each side is run.
    pub fn runs(&self) -> usize {
        self.runs.unwrap_or(if self.quick { 1 } else { 3 }) as usize
    }

    /// Withdrawals of one run.
    pub fn withdrawals(&self) -> usize {
        let default = if self.quick { 5_000 } else { 40_000 };
        self.withdrawals.unwrap_or(default) as usize
    }

    /// Clients that ask for withdrawals at once.
    pub fn clients(&self) -> usize {
        self.clients as usize
    }

    /// Webhook deliveries of one run.
    pub fn deliveries(&self) -> usize {
        if self.quick { 5_000 } else { 40_000 }
    }

    /// How long a run of the hub's echo is.
    pub const fn hub_seconds(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 5 })
    }

    /// Connections that are idle.
    pub const fn hub_crowd(&self) -> usize {
        if self.quick { 2_000 } else { 10_000 }
    }

    /// Broadcasts to all of them.
    pub const fn broadcasts(&self) -> usize {
        if self.quick { 5 } else { 20 }
    }

    /// Items of a run that are streamed.
    pub const fn stream_items(&self) -> u32 {
        if self.quick { 128_000 } else { 640_000 }
    }

    /// Payments in the large books.
    pub fn books(&self) -> usize {
        let default = if self.quick { 50_000 } else { 1_000_000 };
        self.books.unwrap_or(default) as usize
    }

    /// Payments in the large books on PostgreSQL.
    pub fn postgres_books(&self) -> usize {
        self.books().min(if self.quick { 10_000 } else { 100_000 })
    }

    /// The PostgreSQL server, if there is one.
    pub fn postgres(&self) -> Option<&str> {
        self.postgres.as_deref().filter(|url| *url != "none")
    }
}
