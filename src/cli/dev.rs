//! dev
use std::process::ExitCode;

/// Options of `evergraph dev`.
#[derive(Debug, clap::Args)]
pub struct DevArgs {}

pub async fn run(_args: DevArgs) -> ExitCode {
    ExitCode::SUCCESS
}

/// Waits for Ctrl-C, or for a signal that ends a program.
pub(super) async fn told_to_stop() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await?;
    Ok(())
}
