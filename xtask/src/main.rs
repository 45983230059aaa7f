//! Chores of this repository. `cargo xtask help` lists them.

mod azurite;
mod tests_run;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;

const HELP: &str = "\
cargo xtask test [--without-azurite] [-- FILTER...]
    Runs all tests. Installs (npm ci) and starts Azurite, the emulator of Azure Storage, for them.
    Says first which tool is missing, runs the rest, and ends with an error then.
    --without-azurite   leave the tests of Azure Storage out, without an error
    FILTER              run only tests whose names contain one of these

cargo xtask azurite
    Keeps Azurite running and prints how to use it. Ctrl-C stops it.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["test", rest @ ..] => tests_run::run(&root(), rest),
        ["azurite"] => azurite::keep_running(&root()),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("no such chore\n\n{HELP}"),
    }
}

/// The root of the repository, from wherever we were called.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
