//! Idle connections to a handler, used again as the host's HTTP client does.

use std::io::ErrorKind;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::wire::{WireError, connect};

/// The host closes an idle connection after 72 to 74 s (seen).
const IDLE_MAX: Duration = Duration::from_secs(73);

/// The idle connections to one handler process.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<(TcpStream, Instant)>>);

impl Pool {
    /// An idle connection that still lives, or a new one.
    pub(crate) async fn connect(&self, port: u16) -> Result<TcpStream, WireError> {
        while let Some((stream, since)) = self.take() {
            if since.elapsed() < IDLE_MAX
                && let Some(stream) = if_alive(stream)
            {
                return Ok(stream);
            }
        }
        connect(port).await
    }

    pub(crate) fn put(&self, stream: TcpStream) {
        self.idle().push((stream, Instant::now()));
    }

    /// Forgets all connections, because their process has ended.
    pub(crate) fn clear(&self) {
        self.idle().clear();
    }

    fn take(&self) -> Option<(TcpStream, Instant)> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(TcpStream, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, unless its other end closed it or wrote something unasked. The system is
/// asked, not the runtime, which may not have noticed yet.
fn if_alive(stream: TcpStream) -> Option<TcpStream> {
    let stream = stream.into_std().ok()?;
    match stream.peek(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => TcpStream::from_std(stream).ok(),
        _ => None,
    }
}
