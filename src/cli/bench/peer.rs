//! Servers to compare with: the least that any server must do.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::serve::ListenerExt as _;
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;

/// What a peer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Answers 202 and looks at nothing.
    Bare,
    /// Reads the body to its end, then answers 202.
    Reads,
}

/// Arguments of the hidden `evergraph bench peer`.
#[derive(Debug, Args)]
pub(super) struct PeerArgs {
    /// What it does
    #[arg(value_enum)]
    kind: Kind,
    /// Its port on 127.0.0.1
    #[arg(long, env = "FUNCTIONS_CUSTOMHANDLER_PORT")]
    port: u16,
}

/// As many bytes as the intake takes.
const BODY_BYTES: usize = 4 * 1024 * 1024;

/// Serves until it is killed.
pub(super) async fn run(args: &PeerArgs) -> ExitCode {
    let accepted = || async { StatusCode::ACCEPTED };
    let routes = match args.kind {
        Kind::Bare => Router::new().fallback(accepted),
        Kind::Reads => Router::new()
            .fallback(|_: Bytes| async { StatusCode::ACCEPTED })
            .layer(DefaultBodyLimit::max(BODY_BYTES)),
    };
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("port {} cannot be opened: {error}", args.port);
            return ExitCode::FAILURE;
        }
    };
    // As the handler does it.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("a connection stays slow: {error}");
        }
    });
    match axum::serve(listener, routes).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
