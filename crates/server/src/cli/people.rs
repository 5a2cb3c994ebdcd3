//! `leyden user` and `leyden log`: the people who administer the server, and what was done, through the running server.

use std::io::Read;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::CliError;
use super::accounts::show;
use super::admin_client::{ServerArgs, call};

/// What to do with people.
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Let a person in, with a password that is read from standard input.
    Create {
        /// The name to come in by.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List people.
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a person another password, which is read from standard input, and end its sessions.
    Password {
        /// The name.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Remove a person, and end its sessions.
    Remove {
        /// The name.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Which part of the log.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// How many entries.
    #[arg(long, default_value_t = 50)]
    limit: u16,
    /// The next_cursor of another page.
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Standard input up to the end of its first line; never an argument, which everybody sees.
fn password() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(1_024)
        .read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

pub(super) async fn user(command: UserCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        UserCommand::Create { name, server } => {
            let body = json!({"name": name, "password": password()?});
            call(&server, "POST", "/users", Some(&body)).await?
        }
        UserCommand::List { server } => call(&server, "GET", "/users", None).await?,
        UserCommand::Password { name, server } => {
            let (path, body) = (
                format!("/users/{name}/password"),
                json!({"password": password()?}),
            );
            call(&server, "PUT", &path, Some(&body)).await?
        }
        UserCommand::Remove { name, server } => {
            call(&server, "DELETE", &format!("/users/{name}"), None).await?
        }
    };
    show(&answer)
}

pub(super) async fn log(args: LogArgs) -> Result<ExitCode, CliError> {
    let cursor = args.cursor.map(|cursor| format!("&cursor={cursor}"));
    let path = format!("/acts?limit={}{}", args.limit, cursor.unwrap_or_default());
    show(&call(&args.server, "GET", &path, None).await?)
}
