//! `evergraph simulate`: weeks of a whole fleet in seconds, from one seed.
//!
//! Several workers run the real use cases over one simulated Graph and one store, under paused
//! time. Weather and people do what they do in the world; rules are checked in front of every
//! call, coverage is watched all the time, and in the end everything must be as declared.

mod checks;
mod coverage;
mod door;
mod flaw;
mod ledger;
mod notebook;
mod people;
mod people_setup;
mod run;
mod stint;
mod truth;
mod vault;
mod weather;
mod work;

use std::process::ExitCode;

use clap::{Args, ValueEnum};

pub use flaw::Flaw;
pub use run::{NewStore, Options, Verdict, run as simulate};

/// Arguments of `evergraph simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Everything that happens comes from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many seeds, from the first one on; stops at the first that breaks a rule
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Virtual days, the last of which is quiet
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Workers of the fleet; by the seed, if left out
    #[arg(long)]
    workers: Option<usize>,
    /// Declared subscriptions, at most 7; by the seed, if left out
    #[arg(long)]
    subscriptions: Option<usize>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Output {
    /// The decisions one by one, then the counts
    Text,
    /// One line of JSON for each seed
    Json,
}

/// Runs the command: 0 where every rule held, 1 where one was broken.
pub async fn run(args: SimulateArgs) -> ExitCode {
    // The simulation has a runtime of its own, whose time stands still while it works.
    let done = tokio::task::spawn_blocking(move || run_all(&args)).await;
    match done {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("the simulation could not run: {error}");
    ExitCode::FAILURE
}

fn run_all(args: &SimulateArgs) -> std::io::Result<ExitCode> {
    for seed in args.seed..args.seed.saturating_add(args.runs) {
        let options = Options {
            seed,
            days: args.days,
            workers: args.workers,
            subscriptions: args.subscriptions,
            flaw: Flaw::None,
        };
        let verdict = simulate(&options, &crate::compose::in_memory_store)?;
        match args.output {
            Output::Json => println!("{}", json(&options, &verdict)),
            Output::Text => print(&options, &verdict, args.runs == 1),
        }
        if !verdict.broken.is_empty() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn json(options: &Options, verdict: &Verdict) -> serde_json::Value {
    serde_json::json!({
        "seed": options.seed,
        "days": options.days,
        "broken": verdict.broken,
        "calls": verdict.calls,
        "ticks_to_harmony": verdict.ticks_to_harmony,
        "counts": verdict.tally,
    })
}

fn print(options: &Options, verdict: &Verdict, whole: bool) {
    if whole || !verdict.broken.is_empty() {
        for line in &verdict.trace {
            println!("{line}");
        }
        for (what, count) in &verdict.tally {
            println!("{count:>8}  {what}");
        }
    }
    for sentence in &verdict.broken {
        println!("BROKEN  {sentence}");
    }
    println!(
        "seed {}: {} days, {} calls of Graph, as declared after {} quiet ticks, {} rules broken",
        options.seed,
        options.days,
        verdict.calls,
        verdict.ticks_to_harmony,
        verdict.broken.len()
    );
}
