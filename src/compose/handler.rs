//! The custom handler as a whole: from the environment to a listening socket.

use std::future::Future;
use std::net::Ipv4Addr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::intake::reception;
use super::{FUNCTION_TIMEOUT, REST, passes};
use crate::config::Settings;
use crate::domain::policy::Policy;
use crate::http::{Handler, HandlerParts, serve};
use crate::telemetry::{self, Format};

/// Runs the handler until `shutdown` completes; in Azure that is never, since the host stops it
/// by SIGKILL.
///
/// The socket is open before anything else is built: the host waits for it, and Graph's
/// handshakes can be answered from then on.
///
/// # Errors
/// Only what the intake needs stops it: the port, the fleet, the key ring, the log.
pub async fn run(shutdown: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let settings = Settings::from_environment()
        .map_err(anyhow::Error::new)
        .context("the settings do not let the handler start")?;
    let address = (Ipv4Addr::LOCALHOST, settings.intake.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("port {} cannot be opened", settings.intake.port))?;
    telemetry::init(&settings.log, Format::Text)?;
    let handler = Handler::new(
        settings.intake.fleets().cloned().collect(),
        tick_of(&settings),
    );
    let serving = tokio::spawn(serve(listener, handler.router(), shutdown));
    for problem in &settings.problems.0 {
        tracing::error!("{problem}");
    }
    match &settings.passes {
        Err(problems) => {
            handler.take_nothing_in();
            handler.failed(problems.to_string());
        }
        Ok(passes_settings) => match passes(passes_settings) {
            Ok((services, config)) => {
                let pass_limit = FUNCTION_TIMEOUT - REST;
                tracing::info!(
                    fleet = %config.home.current.fleet,
                    "evergraph {} for {}; state in {}, declaration {}, mode {}",
                    env!("CARGO_PKG_VERSION"),
                    config.home.current.notifications(),
                    services.store.place(),
                    services.desired.place(),
                    config.policy.mode.as_str(),
                );
                match reception(passes_settings, &services) {
                    Ok(Some(reception)) => handler.take_in(reception),
                    Ok(None) => handler.take_nothing_in(),
                    Err(error) => {
                        tracing::error!("notifications are answered 503: {error:#}");
                        handler.take_nothing_in();
                    }
                }
                handler.ready(HandlerParts {
                    services,
                    config,
                    pass_limit,
                });
            }
            Err(error) => {
                tracing::error!("no pass can be made: {error:#}");
                handler.take_nothing_in();
                handler.failed(format!("{error:#}"));
            }
        },
    }
    serving
        .await
        .context("the server panicked")?
        .context("the server stopped")
}

fn tick_of(settings: &Settings) -> jiff::SignedDuration {
    let passes = settings.passes.as_ref();
    passes.map_or(Policy::default().tick, |passes| passes.tick)
}

/// Completes at Ctrl-C or SIGTERM, for those who run the handler by hand.
pub async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _stopped = interrupt.await;
}
