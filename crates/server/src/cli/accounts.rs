//! `leyden account` and `leyden withdrawal`: the operator's calls, through the running server.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::admin_client::{ServerArgs, call};
use super::{CliError, print};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account.
    Create {
        /// What people call it.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the accounts.
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Close an account that has nothing, and revoke its keys.
    Close {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// What to do with withdrawals.
#[derive(Debug, Subcommand)]
pub(super) enum WithdrawalCommand {
    /// Show one, and why it is pending: attempts, what the node knows, what is held, when it can be over at the latest.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List those that wait for an approval.
    Waiting {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let one go that waits for it.
    Approve {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give one up that waits for an approval.
    Reject {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Which server.
#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn resume(args: ResumeArgs) -> Result<ExitCode, CliError> {
    show(&call(&args.server, "POST", "/resume", None).await?)
}

pub(super) async fn withdrawal(command: WithdrawalCommand) -> Result<ExitCode, CliError> {
    let (method, path, server) = match command {
        WithdrawalCommand::Show { id, server } => ("GET", format!("/withdrawals/{id}"), server),
        WithdrawalCommand::Waiting { server } => ("GET", "/approvals".to_owned(), server),
        WithdrawalCommand::Approve { id, server } => {
            ("POST", format!("/approvals/{id}/approve"), server)
        }
        WithdrawalCommand::Reject { id, server } => {
            ("POST", format!("/approvals/{id}/reject"), server)
        }
    };
    show(&call(&server, method, &path, None).await?)
}

pub(super) async fn account(command: AccountCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        AccountCommand::Create { name, server } => {
            call(&server, "POST", "/accounts", Some(&json!({ "name": name }))).await?
        }
        AccountCommand::List { server } => call(&server, "GET", "/accounts", None).await?,
        AccountCommand::Close { id, server } => {
            call(&server, "POST", &format!("/accounts/{id}/close"), None).await?
        }
    };
    show(&answer)
}

pub(super) fn show(answer: &Value) -> Result<ExitCode, CliError> {
    print::answer(&serde_json::to_string_pretty(answer)?);
    Ok(ExitCode::SUCCESS)
}
