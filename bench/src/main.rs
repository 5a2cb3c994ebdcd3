//! `make bench`: Lightning payments per second through the whole stack, beside two bare nodes.
//!
//! Both sides pay real invoices over a real channel in the same run, in turns, so that one machine's
//! weather falls on both. Figures are printed and never judged: the exit code says only whether
//! every payment, event and webhook arrived and the books balance.

mod bare;
mod options;
mod report;
mod stack;
mod stats;
mod usage;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::bare::{BareError, Logs};
use crate::options::{Options, Side};
use crate::stack::StackError;
use crate::stats::Measured;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error("the bare nodes")]
    Bare(#[from] BareError),
    #[error("the whole stack")]
    Stack(#[from] StackError),
    #[error("the report cannot be written")]
    Output(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("error: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // Nothing is left to tell when standard error is gone as well.
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), BenchError> {
    let mut out = std::io::stdout();
    report::opening(&mut out, options)?;
    let mut all = Vec::new();
    for round in 0..options.runs() {
        for side in options.order(round) {
            let measured = measure(options, side, round)?;
            report::row(&mut out, side, round, &measured)?;
            all.push((side, measured));
        }
    }
    report::summary(&mut out, &all)?;
    Ok(())
}

fn measure(options: &Options, side: Side, round: usize) -> Result<Measured, BenchError> {
    Ok(match side {
        Side::Bare => bare::run(options, Logs::Default)?,
        Side::BareQuiet => bare::run(options, Logs::Off)?,
        Side::Stack => stack::run(options, round)?,
    })
}
