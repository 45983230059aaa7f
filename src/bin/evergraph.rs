//! The command line of evergraph.

use std::process::ExitCode;

/// Requests are made of many short pieces of memory that other threads give back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    evergraph::cli::run().await
}
