//! `evergraph settings`

use std::process::ExitCode;

use super::check::print;

/// Arguments of `evergraph settings`: none.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints the reference of all settings, as it stands in the documentation.
pub fn run(_: &Args) -> ExitCode {
    print(crate::config::reference().trim_end())
}
