//! The command line: one file for each command.

mod audit;
mod bench;
mod check;
pub mod conflicts;
mod demo;
mod dev;
mod ensure;
mod explain;
mod figures;
mod handler;
mod host;
mod permissions;
pub mod probe;
mod schema;
mod settings;
mod sim;
pub mod simulate;
mod why;

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
    /// Shows the whole in about ten seconds: simulated Graph, local host, real handler, no setting
    Demo(demo::DemoArgs),
    /// Runs the same parts against your own subscriptions.toml, until Ctrl-C
    Dev(dev::DevArgs),
    /// Runs the custom handler with the settings of the environment
    Handler(handler::HandlerArgs),
    /// Runs simulated services for a laptop
    Sim(sim::SimArgs),
    /// Checks a declaration: all errors and warnings, and the permissions it needs.
    Check(check::Args),
    /// Says which permissions the token carries, and which the declared subscriptions need.
    Permissions(permissions::PermissionsArgs),
    /// Sums up what the intake has counted, and how far it is from being slowed down by Graph.
    Figures(figures::FiguresArgs),
    /// Prints the JSON Schema of subscriptions.toml, for editors.
    Schema(schema::Args),
    /// Prints the reference of all settings.
    Settings(settings::Args),
    /// Run the local Functions host over an app folder.
    Host(host::HostArgs),
    /// Probes a receiver of Graph notifications: conformance and attack cases
    Probe(probe::ProbeArgs),
    /// Runs weeks of a whole fleet in seconds, from one seed
    Simulate(simulate::SimulateArgs),
    /// Measures what things cost, beside peers under the same load
    Bench(bench::BenchArgs),
    /// Explains an error answer of a Microsoft service: cause, remedy, and what never to do
    Explain(explain::ExplainArgs),
    /// Makes one thing stand in a Microsoft service, whatever conflicts come, and tells every step
    Ensure(ensure::EnsureArgs),
    /// Lists the playbook of conflicts
    Conflicts(conflicts::ConflictsArgs),
    /// Shows what passes and commands decided, as the audit keeps it
    Audit(audit::AuditArgs),
    /// Tells the story of one subscription: what happened to it, why, and what waits
    Why(why::WhyArgs),
}

/// Parses the arguments and runs the command.
///
/// Exit codes: 0 done, 1 the command ran and found a problem, 2 the arguments are wrong.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Dev(args) => dev::run(args).await,
        Command::Handler(args) => handler::run(args).await,
        Command::Sim(args) => sim::run(args).await,
        Command::Check(args) => check::run(&args).await,
        Command::Permissions(args) => permissions::run(args).await,
        Command::Figures(args) => figures::run(args).await,
        Command::Schema(args) => schema::run(&args),
        Command::Settings(args) => settings::run(&args),
        Command::Host(args) => host::run(args).await,
        Command::Probe(args) => probe::run(args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Explain(args) => explain::run(&args),
        Command::Ensure(args) => ensure::run(&args).await,
        Command::Conflicts(args) => conflicts::run(&args),
        Command::Audit(args) => audit::run(&args).await,
        Command::Why(args) => why::run(&args).await,
    }
}
