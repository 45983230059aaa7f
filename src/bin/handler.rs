//! The custom handler that Azure Functions starts.

use std::process::ExitCode;

use evergraph::compose::handler;

/// Requests are made of many short pieces of memory that other threads give back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match handler::run(handler::told_to_stop()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The host makes an error event of every line of this stream.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
