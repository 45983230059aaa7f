//! `evergraph schema`

use std::process::ExitCode;

use super::check::print;

/// Arguments of `evergraph schema`: none.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the JSON Schema of the declaration.
pub fn run(_: &Args) -> ExitCode {
    print(&format!("{:#}", crate::compose::declaration::schema()))
}
