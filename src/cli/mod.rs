//! The command line: one file for each command.

pub mod conflicts;
mod explain;

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
    /// Explains an error answer of a Microsoft service: cause, remedy, and what never to do
    Explain(explain::ExplainArgs),
    /// Lists the playbook of conflicts
    Conflicts(conflicts::ConflictsArgs),
}

/// Parses the arguments and runs the command.
///
/// Exit codes: 0 done, 1 the command ran and found a problem, 2 the arguments are wrong.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Explain(args) => explain::run(&args),
        Command::Conflicts(args) => conflicts::run(&args),
    }
}
