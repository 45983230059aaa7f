//! Serving a router on a socket.

use std::future::{Future, IntoFuture as _};
use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// After a wish to stop, answers under way get this long. A pass that is cut off then is looked
/// after by the next one.
const FAREWELL: Duration = Duration::from_secs(10);

/// Serves until `shutdown` completes, then lets answers under way finish for up to ten seconds.
///
/// Idle connections are never closed from here while it serves: the host closes them after 72 to
/// 74 s, and a handler that is faster loses posts (seen in a running host).
///
/// # Errors
/// None in practice: a connection that cannot be accepted is tried again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Without it a small answer may wait for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection stays slow: {error}");
        }
    });
    let (tell, told) = oneshot::channel();
    let wish = async move {
        shutdown.await;
        // The receiver is gone only when serving has ended.
        let _ = tell.send(());
    };
    let farewell = async move {
        match told.await {
            Ok(()) => tokio::time::sleep(FAREWELL).await,
            Err(_) => std::future::pending().await,
        }
    };
    let serving = axum::serve(listener, router).with_graceful_shutdown(wish);
    tokio::select! {
        ended = serving.into_future() => ended,
        () = farewell => Ok(()),
    }
}
