//! Lightning payments per second with many in flight: the whole stack beside two bare nodes, store by store.
//!
//! On both sides the same bare node is paid, on the same store, over a real channel; the sides take turns, so that
//! one machine's weather falls on both. In one comparison the bare payer keeps its state as the payee does, and the
//! stack as it always does: in its own database. Beside them runs a bare payer that keeps nothing: no payer can be
//! faster to that payee, so its rate is what a target can ask for at most.

mod bare;
mod chain;
mod events;
mod nodes;
mod stack;
mod stores;

use std::io::Write;
use std::time::Duration;

use ldk_node::NodeError;
use ldk_node::lightning_invoice::CreationError;

use crate::options::Options;
use crate::report::{self, Row};
use crate::stats::{Measured, median};
use crate::verdict::{Figure, Verdicts};
use stack::StackError;
pub use stores::Kept;

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);
/// What every payment carries.
const AMOUNT_MSAT: u64 = 10_000;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum LightningError {
    #[error("a file, socket or runtime was refused")]
    Io(#[from] std::io::Error),
    #[error("a node was not built")]
    Build(#[from] ldk_node::BuildError),
    #[error("a node refused a call")]
    Node(#[from] NodeError),
    #[error("an address is not one")]
    Address,
    #[error("no block was mined")]
    Mine(#[from] devchain::MineError),
    #[error("the faucet did not pay")]
    Faucet(#[from] devchain::PayError),
    #[error("the text of an invoice is not one")]
    Description(#[from] CreationError),
    #[error("a payment failed: {0}")]
    PaymentFailed(String),
    #[error("{0} did not come within {PATIENCE:?}")]
    TimedOut(&'static str),
    #[error("the whole stack")]
    Stack(#[from] Box<StackError>),
}

impl From<StackError> for LightningError {
    fn from(error: StackError) -> Self {
        Self::Stack(Box::new(error))
    }
}

/// What the rate of the stack is to be, as a share of the bare nodes' on this store.
fn target(kept: Kept) -> f64 {
    match kept {
        Kept::Default => 1.5,
        Kept::Wal => 0.9,
        Kept::Memory => 0.75,
    }
}

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A bare node on the store of the payee.
    Bare,
    /// A bare node that keeps nothing.
    Ceiling,
    /// All of Leyden.
    Stack,
}

impl Side {
    fn run(self, options: &Options, kept: Kept, round: usize) -> Result<Measured, LightningError> {
        match self {
            Self::Bare => bare::run(options, kept, kept),
            Self::Ceiling => bare::run(options, Kept::Memory, kept),
            Self::Stack => stack::run(options, kept, round),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Ceiling => "free",
            Self::Stack => "stack",
        }
    }
}

/// Runs every comparison, in turns, and adds its figures.
pub fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), LightningError> {
    report::lightning_opening(out, options)?;
    let mut runs: Vec<(Kept, Side, Measured)> = Vec::new();
    for round in 0..options.runs() {
        for (kept, side) in order(round, options) {
            let measured = side.run(options, kept, round)?;
            let row = Row {
                name: format!("{}, {}", side.name(), kept.name()),
                round,
                run: &measured,
            };
            report::row(out, &row)?;
            verdicts.busy(measured.spent.as_ref());
            runs.push((kept, side, measured));
        }
    }
    for kept in Kept::ALL {
        let of = |side: Side| {
            let runs = runs.iter().filter(|(k, s, _)| *k == kept && *s == side);
            let rates: Vec<f64> = runs.map(|(_, _, run)| run.rate()).collect();
            median(&rates)
        };
        let rivals = [
            (
                of(Side::Bare),
                format!("two bare nodes, {}", kept.name()),
                Some(crate::verdict::Target::AtLeast(target(kept))),
            ),
            (
                of(Side::Ceiling),
                format!("a free payer to {}", kept.name()),
                None,
            ),
        ];
        for (rival, rival_name, target) in rivals {
            if let (Some(ours), Some(rival)) = (of(Side::Stack), rival) {
                verdicts.add(Figure {
                    what: format!("Lightning payments, {} in flight", options.in_flight()),
                    unit: "/s",
                    ours,
                    rival_name,
                    rival,
                    target,
                });
            }
        }
    }
    Ok(())
}

/// The runs of a round; every other round goes backwards, so that none is always first.
fn order(round: usize, options: &Options) -> Vec<(Kept, Side)> {
    let mut order: Vec<(Kept, Side)> = Kept::ALL
        .into_iter()
        .filter(|kept| options.compares(*kept))
        .flat_map(|kept| {
            [
                (kept, Side::Bare),
                (kept, Side::Ceiling),
                (kept, Side::Stack),
            ]
        })
        // Two bare nodes in memory are the ceiling themselves.
        .filter(|run| *run != (Kept::Memory, Side::Ceiling))
        .collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}
