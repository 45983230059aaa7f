//! `evergraph handler`: the custom handler, from the same executable.

use std::process::ExitCode;

use clap::Args;
use tokio::sync::oneshot;

use crate::compose::handler;

/// Options of `evergraph handler`.
#[derive(Debug, Args)]
pub struct HandlerArgs {
    /// End with the process that started this one: when standard input ends
    #[arg(long)]
    until_stdin_ends: bool,
}

/// Runs the handler with the settings of the environment, until Ctrl-C. Ends with 0, or with 1
/// where the settings do not let it start.
pub async fn run(args: HandlerArgs) -> ExitCode {
    let ended = match args.until_stdin_ends {
        true => tokio::select! {
            ended = handler::run(handler::told_to_stop()) => ended,
            // Nobody is left to answer to.
            () = stdin_ends() => return ExitCode::SUCCESS,
        },
        false => handler::run(handler::told_to_stop()).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// On a thread of its own: the runtime waits for its blocking threads when it ends, and this one
/// may wait for ever.
async fn stdin_ends() {
    let (tell, told) = oneshot::channel::<()>();
    let reading = std::thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            // What it says does not matter, and an error is an end, too.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            drop(tell);
        });
    match reading {
        Ok(_) => drop(told.await),
        Err(_) => std::future::pending().await,
    }
}
