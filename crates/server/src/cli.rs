//! The command line: one file for each command. Answers go to standard output, everything else to standard error.

mod accounts;
mod admin_client;
mod audit;
mod config;
mod keys;
mod listen;
mod node;
mod people;
mod print;
mod sandbox;
mod serve;
mod shutdown;
mod suspense;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::problem::chain;

/// A self-hosted Bitcoin and Lightning payments server.
///
/// Try it:   leyden sandbox          (a whole Lightning economy on this machine; nothing else is needed)
/// Run it:   leyden serve --config leyden.toml
#[derive(Debug, Parser)]
#[command(
    name = "leyden",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    verbatim_doc_comment
)]
struct Cli {
    /// What is logged on standard error: error, warn, info, debug, or filters such as `server=debug,ldk_node=info`.
    #[arg(long, global = true, env = "LEYDEN_LOG", value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: REST, the hub, webhooks and the Lightning node, or the part of it that --roles names.
    Serve(serve::ServeArgs),
    /// Run a sandbox: a private chain, nodes with channels, a router, a funded account. Payments in it are real.
    Sandbox(sandbox::SandboxArgs),
    /// Check the books of a stopped or running server; with --node, the books against the Lightning node. Exits with 0
    /// only when every invariant holds, or nothing is unexplained.
    Audit(audit::AuditArgs),
    /// Show and check the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Make, list and close accounts, through the running server.
    #[command(subcommand)]
    Account(accounts::AccountCommand),
    /// Make, list, change and revoke API keys, through the running server.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// Let people administer the server, through the running server.
    #[command(subcommand)]
    User(people::UserCommand),
    /// Show what administrators did, newest first, through the running server.
    Log(people::LogArgs),
    /// Look at, approve and reject withdrawals, through the running server.
    #[command(subcommand)]
    Withdrawal(accounts::WithdrawalCommand),
    /// Look at the Lightning node, fund it, connect it, open and close channels, through the running server.
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Let money move again after it was halted (an ALERT stands in the log), through the running server.
    Resume(accounts::ResumeArgs),
    /// List and assign money that could not be placed, through the running server.
    #[command(subcommand)]
    Suspense(suspense::SuspenseCommand),
    /// Make and change webhooks, see what was delivered and send it again, through the running server.
    #[command(subcommand)]
    Webhook(webhooks::WebhookCommand),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
struct ConfigArgs {
    /// The configuration file. Without it the defaults and the environment (`LEYDEN_…`) count.
    #[arg(long, short, env = "LEYDEN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A command's failure, with its causes, for a person.
type CliError = Box<dyn std::error::Error>;

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = cli.log.as_deref().unwrap_or(match cli.command {
        // Two nodes that find each other again are loud, and nothing is wrong.
        Command::Sandbox(_) => "warn,server=info,ldk_node=off",
        _ => "info,ldk_node=warn",
    });
    if let Err(error) = start_log(filter) {
        print::error(&format!("--log is not understood: {error}"));
        return ExitCode::from(2);
    }
    let _armed = store::crash_point::arm();
    crate::fail_stop::arm();
    let done = match cli.command {
        Command::Serve(args) => on_runtime(serve::run(args)),
        Command::Sandbox(args) => on_runtime(sandbox::run(args)),
        Command::Audit(args) => on_runtime(audit::run(args)),
        Command::Config(command) => config::run(&command),
        Command::Account(command) => on_runtime(accounts::account(command)),
        Command::Key(command) => on_runtime(keys::key(command)),
        Command::User(command) => on_runtime(people::user(command)),
        Command::Log(args) => on_runtime(people::log(args)),
        Command::Withdrawal(command) => on_runtime(accounts::withdrawal(command)),
        Command::Node(command) => on_runtime(node::node(command)),
        Command::Resume(args) => on_runtime(accounts::resume(args)),
        Command::Suspense(command) => on_runtime(suspense::suspense(command)),
        Command::Webhook(command) => on_runtime(webhooks::webhook(command)),
    };
    done.unwrap_or_else(|error| {
        print::error(&chain(error.as_ref()));
        ExitCode::FAILURE
    })
}

/// Starts the log on standard error. Libraries that could show a frame or a URL are kept at info.
fn start_log(filter: &str) -> Result<(), CliError> {
    let quiet = [
        "hyper=info",
        "hyper_util=info",
        "tungstenite=info",
        "tokio_tungstenite=info",
        "h2=info",
    ];
    let mut filter = tracing_subscriber::EnvFilter::try_new(filter)?;
    for directive in quiet {
        filter = filter.add_directive(directive.parse()?);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init()
        .map_err(|error| -> CliError { error })
}

fn on_runtime(
    command: impl Future<Output = Result<ExitCode, CliError>>,
) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(command);
    // A call to a node that never answers must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    done
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_command_can_be_parsed() {
        Cli::command().debug_assert();
    }
}
