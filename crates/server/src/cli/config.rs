//! `leyden config`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{CliError, ConfigArgs, print};
use crate::config;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration and print the effective one, with secrets hidden.
    Check(ConfigArgs),
    /// Print the file with every key at its default, to begin with.
    Default,
}

pub(super) fn run(command: &ConfigCommand) -> Result<ExitCode, CliError> {
    match command {
        ConfigCommand::Check(args) => {
            let config = config::load(args.config.as_deref())?;
            print::answer(config.shown().trim_end());
        }
        ConfigCommand::Default => print::answer(config::DEFAULTS.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
