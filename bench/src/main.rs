//! `make bench`: each of our figures beside its rival's, in one run on one machine.
//!
//! Figures are printed and judged in the table, and never by the exit code: that says only whether everything that was
//! asked for happened, and whether the books balance.

mod books;
mod deliveries;
mod flatness;
mod hub;
mod lightning;
mod options;
mod report;
mod stats;
mod usage;
mod verdict;
mod withdrawals;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::books::BooksError;
use crate::hub::HubError;
use crate::lightning::LightningError;
use crate::options::{Options, Part};
use crate::verdict::Verdicts;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error("Lightning payments")]
    Lightning(#[from] LightningError),
    #[error("withdrawals accepted")]
    Withdrawals(#[source] BooksError),
    #[error("webhook deliveries")]
    Deliveries(#[source] BooksError),
    #[error("the hub")]
    Hub(#[from] HubError),
    #[error("small and large books")]
    Flatness(#[source] BooksError),
    #[error("the report cannot be written")]
    Output(#[from] std::io::Error),
}

fn main() -> ExitCode {
    let options = Options::parse();
    start_log(&options);
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

/// The server writes its log as it always does, and it is thrown away unless it was asked for.
fn start_log(options: &Options) {
    let log = tracing_subscriber::fmt().with_env_filter("info,ldk_node=warn");
    if options.logs {
        log.with_writer(std::io::stderr).init();
    } else {
        log.with_writer(std::io::sink).init();
    }
}

fn run(options: &Options) -> Result<(), BenchError> {
    if let Some(served) = options.serve {
        return Ok(hub::serve(served)?);
    }
    let mut out = std::io::stdout();
    let mut verdicts = Verdicts::default();
    if options.measures(Part::Hub) {
        hub::run(&mut out, options, &mut verdicts)?;
    }
    if options.measures(Part::Withdrawals) {
        withdrawals::run(&mut out, options, &mut verdicts).map_err(BenchError::Withdrawals)?;
    }
    if options.measures(Part::Flatness) {
        flatness::run(&mut out, options, &mut verdicts).map_err(BenchError::Flatness)?;
    }
    if options.measures(Part::Deliveries) {
        deliveries::run(&mut out, options, &mut verdicts).map_err(BenchError::Deliveries)?;
    }
    if options.measures(Part::Lightning) {
        lightning::run(&mut out, options, &mut verdicts)?;
    }
    verdicts.write(&mut out)?;
    Ok(())
}
