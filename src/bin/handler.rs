//! The custom handler that Azure Functions starts.

use std::process::ExitCode;

use evergraph::compose::handler;

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
