//! The question whether a handler listens: `GET /`, and any answer will do.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::host_json::HostJson;

/// Wait after a refused connection. Only these waits are counted against the time-out.
const RETRY_AFTER: Duration = Duration::from_millis(25);
/// What the host's HTTP client waits beyond functionTimeout for an answer.
const CLIENT_MARGIN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Ready,
    TimedOut,
}

/// The complete request, as seen from a running host.
fn request(port: u16) -> String {
    format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")
}

/// Asks until the handler listens. An answer of any status, garbage, or a closed connection
/// all count as ready.
pub(crate) async fn await_ready(port: u16, host: &HostJson) -> Readiness {
    let tries = host.initialization_timeout.as_millis() / RETRY_AFTER.as_millis();
    for _ in 0..=tries {
        if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            return ask(stream, port, client_timeout(host.function_timeout)).await;
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
    Readiness::TimedOut
}

/// The time-out of the host's HTTP client; None: unlimited.
fn client_timeout(function_timeout: Option<Duration>) -> Option<Duration> {
    Some(function_timeout? + CLIENT_MARGIN)
}

async fn ask(mut stream: TcpStream, port: u16, limit: Option<Duration>) -> Readiness {
    let exchange = async {
        let mut answer = [0; 1024];
        // Whatever goes wrong here, something listened.
        if stream.write_all(request(port).as_bytes()).await.is_ok() {
            let _ = stream.read(&mut answer).await;
        }
        Readiness::Ready
    };
    match limit {
        None => exchange.await,
        Some(limit) => tokio::time::timeout(limit, exchange)
            .await
            .unwrap_or(Readiness::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_the_one_that_was_seen() {
        assert_eq!(
            request(4321),
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:4321\r\n\r\n"
        );
    }

    #[test]
    fn the_client_waits_a_minute_longer_than_the_function() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        assert_eq!(client_timeout(Some(minutes(15))), Some(minutes(16)));
        assert_eq!(client_timeout(None), None);
    }
}
