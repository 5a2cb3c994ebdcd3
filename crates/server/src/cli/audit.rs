//! `leyden audit`: every invariant of the books, on the database itself.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use store::queries::audit::audit;
use store::{Store, StoreConfig};

use super::{CliError, print};
use crate::audit::Report;
use crate::config;

/// Whose books.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The data folder of a server or sandbox, stopped or running.
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "config",
        env = "LEYDEN_DATA_DIR"
    )]
    data_dir: Option<PathBuf>,
    /// The configuration file of a server, for its database.
    #[arg(long, short, value_name = "FILE", env = "LEYDEN_CONFIG")]
    config: Option<PathBuf>,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &AuditArgs) -> Result<ExitCode, CliError> {
    let database = match &args.data_dir {
        Some(data_dir) => {
            let file = data_dir.join("leyden.db");
            if !file.exists() {
                return Err(format!("there are no books in {}", data_dir.display()).into());
            }
            StoreConfig::SqliteFile(file)
        }
        None => config::load(args.config.as_deref())?.store(),
    };
    let store = Store::open_read_only(&database)?;
    let audit = store.read(audit)?;
    let report = Report::of(&audit);
    if args.json {
        print::answer(&serde_json::to_string(&report)?);
    } else {
        for line in report.lines() {
            print::answer(&line);
        }
    }
    Ok(if audit.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
