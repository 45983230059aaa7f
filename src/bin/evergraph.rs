//! The command line of evergraph.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    evergraph::cli::run().await
}
