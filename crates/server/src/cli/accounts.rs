//! `leyden account`, `leyden key` and `leyden withdrawal`: the operator's calls, through the running server.

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
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make an API key. It is shown once.
    Create {
        /// What people call it.
        name: String,
        /// The account it speaks for; not needed while there is only one.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
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
    let WithdrawalCommand::Show { id, server } = command;
    show(&call(&server, "GET", &format!("/withdrawals/{id}"), None).await?)
}

pub(super) async fn account(command: AccountCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        AccountCommand::Create { name, server } => {
            call(&server, "POST", "/accounts", Some(&json!({ "name": name }))).await?
        }
        AccountCommand::List { server } => call(&server, "GET", "/accounts", None).await?,
    };
    show(&answer)
}

pub(super) async fn key(command: KeyCommand) -> Result<ExitCode, CliError> {
    let KeyCommand::Create {
        name,
        account,
        server,
    } = command;
    let body = json!({ "name": name, "account_id": account });
    show(&call(&server, "POST", "/keys", Some(&body)).await?)
}

pub(super) fn show(answer: &Value) -> Result<ExitCode, CliError> {
    print::answer(&serde_json::to_string_pretty(answer)?);
    Ok(ExitCode::SUCCESS)
}
