//! `evergraph sim services`: what `evergraph ensure` can be tried against.

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Output, until_told};
use crate::sim::services::house::House;

/// Arguments of `evergraph sim services`.
#[derive(Debug, Args)]
pub(super) struct ServicesArgs {
    /// First of the ports to listen on; 0 takes free ones
    #[arg(long, default_value_t = 7090)]
    port: u16,
    /// Form of the start information
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Runs them until Ctrl-C.
pub(super) async fn run(args: &ServicesArgs, now: Timestamp) -> ExitCode {
    let house = match House::start(args.port, now).await {
        Ok(house) => house,
        Err((port, why)) => {
            eprintln!(
                "error: could not listen on 127.0.0.1:{port} ({why}); choose another --port, or 0 for free ones"
            );
            return ExitCode::FAILURE;
        }
    };
    print_start(&house, args.output);
    match until_told().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_start(house: &House, output: Output) {
    match output {
        Output::Json => {
            let services = house.services.iter();
            let all: Map<String, Value> = services
                .map(|(name, url, there)| ((*name).to_owned(), json!({"url": url, "there": there})))
                .collect();
            println!("{}", Value::Object(all));
        }
        Output::Text => {
            println!("Simulated services (Ctrl-C stops)\n");
            for (name, url, there) in &house.services {
                println!("  {name:<12} {url}  {there}");
            }
            let mut services = house.services.iter();
            let blob = services.find(|(name, ..)| *name == "blob");
            let blob = blob.map_or("", |(_, url, _)| url);
            println!(
                "\nTry:\n  EVERGRAPH_CREDENTIAL=none evergraph ensure blob --spec blob.toml --base-url {blob} --dry-run"
            );
        }
    }
}
