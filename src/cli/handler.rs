//! `evergraph handler`: the custom handler, from the same executable.

use std::process::ExitCode;

use crate::compose::handler;

/// Runs the handler with the settings of the environment, until Ctrl-C. Ends with 0, or with 1
/// where the settings do not let it start.
pub async fn run() -> ExitCode {
    match handler::run(handler::told_to_stop()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
