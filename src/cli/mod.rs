//! The command line: one file for each command.

mod host;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps Microsoft Graph subscriptions alive.
#[derive(Debug, Parser)]
#[command(name = "evergraph", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the local Functions host over an app folder.
    Host(host::HostArgs),
}

/// Parses the arguments and runs the command.
///
/// Exit codes: 0 done, 1 the command ran and found a problem, 2 the arguments are wrong.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Host(args) => host::run(args).await,
    }
}
