//! `evergraph bench`: what the intake costs, measured on whole processes beside their peers.
//!
//! | file | what it knows |
//! |---|---|
//! | `plan` | which cells there are, and who is measured in each |
//! | `bed` | the processes: handlers with each sink, peers, keys, a folder |
//! | `server` | one process: its start, its answers, its time and memory |
//! | `posts` | what is posted: items as Graph sends them, each of its own identity |
//! | `load` | who posts it |
//! | `limit` | bare RSA decryptions |
//! | `behind` | the same behind a Functions host |
//! | `rounds` | who is measured when: in turn, so that drift hits all alike |
//! | `bounds` | the bounds of the design, and whether they are met |
//! | `report` | the tables |

mod bed;
mod behind;
mod bounds;
mod limit;
mod load;
mod peer;
mod plan;
mod posts;
mod report;
mod rounds;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use plan::Cell;

/// Form of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Arguments of `evergraph bench`.
#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Measures the intake of notifications: whole processes, beside peers under the same load
    Intake(IntakeArgs),
    /// A server to compare with
    #[command(hide = true)]
    Peer(peer::PeerArgs),
}

/// Arguments of `evergraph bench intake`.
#[derive(Debug, Args)]
struct IntakeArgs {
    /// Measured seconds for each server in each cell, in rounds of at most one second
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,
    /// Connections that post at once, each the next one after the answer to the last
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=200))]
    connections: u16,
    /// Only these cells; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Cell>,
    /// The handler to measure; default: `handler` beside this program, else this program's own
    #[arg(long, value_name = "FILE")]
    handler: Option<PathBuf>,
    /// Folder of the durable sink, so that the disk can be chosen; default: the temporary folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Ends with 1 where a bound of the design is missed
    #[arg(long)]
    check: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

fn seconds(text: &str) -> Result<f64, String> {
    let read: Option<f64> = text.parse().ok();
    read.filter(|seconds| (0.05..=600.0).contains(seconds))
        .ok_or_else(|| "it must be a number from 0.05 to 600".to_owned())
}

/// Runs the command.
///
/// Exit codes: 0 done, 1 something could not be measured, or with `--check` a bound was missed,
/// 2 the arguments are wrong.
pub(super) async fn run(args: BenchArgs) -> ExitCode {
    let args = match args.what {
        What::Intake(args) => args,
        What::Peer(args) => return peer::run(&args).await,
    };
    let order = rounds::Order {
        measured: Duration::from_secs_f64(args.seconds),
        connections: usize::from(args.connections),
        cells: Cell::chosen(&args.only),
        handler: args.handler,
        folder: args.folder,
    };
    let report = match rounds::run(order).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("evergraph bench: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    match args.output {
        Output::Text => print!("{}", report.text()),
        Output::Json => println!("{}", report.json()),
    }
    match args.check && report.bounds.iter().any(|bound| !bound.met) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
