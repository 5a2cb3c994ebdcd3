//! A line for each Lightning run as it ends.

use std::io::{Result, Write};
use std::time::Duration;

use crate::options::Options;
use crate::stats::{Measured, percentile};

/// One run.
pub struct Row<'a> {
    /// Which side, on which store.
    pub name: String,
    /// The round, from 0.
    pub round: usize,
    /// What came of it.
    pub run: &'a Measured,
}

/// What will be measured, and the head of the table.
pub fn lightning_opening(out: &mut impl Write, options: &Options) -> Result<()> {
    writeln!(
        out,
        "\nLightning payments of 10 sat over one channel, {} in flight, {} a run after {} to warm up.",
        options.in_flight(),
        options.payments(),
        options.warm_up(),
    )?;
    writeln!(
        out,
        "bare:  two ldk-node nodes and nothing else, both on the store that is named ({} sending threads)",
        options.senders(),
    )?;
    writeln!(
        out,
        "free:  a bare payer that keeps nothing, and such a payee: no payer can be faster to it"
    )?;
    writeln!(
        out,
        "stack: hub command, books, node, events on the hub, webhooks delivered; the payee on the store that is named"
    )?;
    writeln!(
        out,
        "\n{:<16} {:>3} {:>10} {:>17} {:>15} {:>8} {:>10} {:>9} {:>9} {:>11}",
        "",
        "run",
        "payments/s",
        "completed p50/p99",
        "created p50/p99",
        "webhooks",
        "CPU",
        "written",
        "commits",
        "others' CPU"
    )
}

/// One run.
pub fn row(out: &mut impl Write, row: &Row<'_>) -> Result<()> {
    let run = row.run;
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
    let each = run.payments as f64;
    let none = || ["-".to_owned(), "-".to_owned(), "-".to_owned()];
    let [cpu, written, others] = run.spent.map_or_else(none, |spent| {
        [
            format!("{:.1} ms/p", spent.cpu_seconds * 1e3 / each),
            format!("{:.0} KiB/p", spent.written_bytes as f64 / 1024.0 / each),
            format!("{:.0} %", spent.others_cpu * 100.0),
        ]
    });
    let commits = run.commits.map_or_else(
        || "-".to_owned(),
        |commits| format!("{:.1} /p", commits as f64 / each),
    );
    writeln!(
        out,
        "{:<16} {:>3} {:>10.1} {:>17} {:>15} {:>8} {:>10} {:>9} {:>9} {:>11}",
        row.name,
        row.round + 1,
        run.rate(),
        pair(&run.completed),
        pair(&run.created),
        webhooks,
        cpu,
        written,
        commits,
        others
    )?;
    out.flush()
}
