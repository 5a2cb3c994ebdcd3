//! The table that people read: a line for each run as it ends, and the medians with their ratio.

use std::io::{Result, Write};
use std::time::Duration;

use crate::options::{Options, Side};
use crate::stats::{Measured, median, percentile};

/// Others may take this share of the CPUs before the figures are doubted.
const BUSY: f64 = 0.15;

/// What will be measured, and the head of the table.
pub fn opening(out: &mut impl Write, options: &Options) -> Result<()> {
    writeln!(
        out,
        "Lightning payments of 10 sat over one channel, {} in flight, {} a run after {} to warm up.",
        options.in_flight(),
        options.payments(),
        options.warm_up(),
    )?;
    writeln!(
        out,
        "bare:  two ldk-node nodes on ldk-node's default store, nothing else ({} sending threads)",
        options.senders(),
    )?;
    writeln!(
        out,
        "stack: leyden sandbox: hub command, books, node, events on the hub, webhooks delivered"
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "{:<14} {:>3} {:>10} {:>17} {:>15} {:>8} {:>10} {:>9} {:>11}",
        "",
        "run",
        "payments/s",
        "completed p50/p99",
        "created p50/p99",
        "webhooks",
        "CPU",
        "written",
        "others' CPU"
    )
}

/// One run.
pub fn row(out: &mut impl Write, side: Side, round: usize, run: &Measured) -> Result<()> {
    let pair = |values: &[Duration]| match values {
        [] => "-".to_owned(),
        _ => {
            let (p50, p99) = (percentile(values, 50), percentile(values, 99));
            format!("{} / {} ms", p50.as_millis(), p99.as_millis())
        }
    };
    let webhooks = run.webhooks_after.map_or_else(
        || "-".to_owned(),
        |after| format!("+{} ms", after.as_millis()),
    );
    let none = || ["-".to_owned(), "-".to_owned(), "-".to_owned()];
    let [cpu, written, others] = run.spent.map_or_else(none, |spent| {
        let each = run.payments as f64;
        [
            format!("{:.1} ms/p", spent.cpu_seconds * 1e3 / each),
            format!("{:.0} KiB/p", spent.written_bytes as f64 / 1024.0 / each),
            format!("{:.0} %", spent.others_cpu * 100.0),
        ]
    });
    writeln!(
        out,
        "{:<14} {:>3} {:>10.1} {:>17} {:>15} {:>8} {:>10} {:>9} {:>11}",
        name(side),
        round + 1,
        run.rate(),
        pair(&run.completed),
        pair(&run.created),
        webhooks,
        cpu,
        written,
        others
    )?;
    out.flush()
}

/// The medians, and the whole stack as a multiple of each baseline.
pub fn summary(out: &mut impl Write, runs: &[(Side, Measured)]) -> Result<()> {
    let of = |side| {
        let rates: Vec<f64> = runs
            .iter()
            .filter(|(which, _)| *which == side)
            .map(|(_, run)| run.rate())
            .collect();
        median(&rates)
    };
    writeln!(out)?;
    for side in [Side::Bare, Side::BareQuiet, Side::Stack] {
        if let Some(rate) = of(side) {
            writeln!(out, "median {:<22} {rate:>6.1} payments/s", name(side))?;
        }
    }
    for side in [Side::Bare, Side::BareQuiet] {
        if let (Some(stack), Some(bare)) = (of(Side::Stack), of(side)) {
            let name = name(side);
            writeln!(out, "ratio  stack / {name:<14} {:>6.2}", stack / bare)?;
        }
    }
    let spent = runs.iter().filter_map(|(_, run)| run.spent);
    if spent
        .map(|spent| spent.others_cpu)
        .any(|share| share > BUSY)
    {
        writeln!(
            out,
            "\nThe machine was busy with other things: these figures say little. The default store \
             suffers more\nfrom that, so the ratio flatters the stack. Run it again on a quiet one."
        )?;
    }
    out.flush()
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Bare => "bare",
        Side::BareQuiet => "bare, logs off",
        Side::Stack => "stack",
    }
}
