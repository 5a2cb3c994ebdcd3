//! `leyden suspense`: money that could not be placed, through the running server.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::CliError;
use super::accounts::show;
use super::admin_client::{ServerArgs, call};

/// What to do with money in suspense.
#[derive(Debug, Subcommand)]
pub(super) enum SuspenseCommand {
    /// List what waits to be assigned.
    List {
        /// List what was assigned instead.
        #[arg(long)]
        assigned: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give an item to an account, whole. It cannot be taken back.
    Assign {
        /// The item's id.
        id: String,
        /// The account that gets the money.
        #[arg(long, value_name = "ID")]
        account: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(super) async fn suspense(command: SuspenseCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        SuspenseCommand::List { assigned, server } => {
            let state = if assigned { "assigned" } else { "open" };
            call(&server, "GET", &format!("/suspense?state={state}"), None).await?
        }
        SuspenseCommand::Assign {
            id,
            account,
            server,
        } => {
            let body = json!({ "account_id": account });
            call(
                &server,
                "POST",
                &format!("/suspense/{id}/assign"),
                Some(&body),
            )
            .await?
        }
    };
    show(&answer)
}
