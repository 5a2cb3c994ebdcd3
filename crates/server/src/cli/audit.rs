//! `leyden audit`: every invariant of the books, on the database itself; with `--node` the books against the node,
//! through the running server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use store::queries::audit::audit;
use store::{Store, StoreConfig};

use super::admin_client::{ServerArgs, call};
use super::{CliError, print};
use crate::audit::Report;
use crate::config;
use crate::reconciliation::Verdict;

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
    /// Compare the books with the Lightning node instead, through the running server: every payment that the node still
    /// knows, and the totals. Exits with 0 only when nothing is unexplained.
    #[arg(long)]
    node: bool,
    #[command(flatten)]
    server: ServerArgs,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: AuditArgs) -> Result<ExitCode, CliError> {
    if args.node {
        return against_the_node(&args).await;
    }
    tokio::task::spawn_blocking(move || {
        of_the_books(&args).map_err(|error| crate::problem::chain(error.as_ref()))
    })
    .await?
    .map_err(CliError::from)
}

/// The books against the node.
async fn against_the_node(args: &AuditArgs) -> Result<ExitCode, CliError> {
    let answer = call(&args.server, "GET", "/reconciliation?everything=true", None).await?;
    let verdict: Verdict = serde_json::from_value(answer)?;
    if args.json {
        print::answer(&serde_json::to_string(&verdict)?);
    } else {
        for line in verdict.lines() {
            print::answer(&line);
        }
    }
    Ok(if verdict.clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn of_the_books(args: &AuditArgs) -> Result<ExitCode, CliError> {
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
