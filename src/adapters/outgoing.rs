//! The one way in which adapters make HTTP clients.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use azure_core::error::ErrorKind;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport};
use reqwest::Client;
use url::Url;

use super::loopback::is_loopback;
use super::words;

/// Pooled connections idle for longer are not used again: one that the far side closed
/// meanwhile would turn a create into an unknown outcome. Ticks are minutes apart.
const IDLE: Duration = Duration::from_secs(20);

/// Opening a connection, name resolution and TLS included.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// An HTTP client without retries and without redirects, made at its first use: reading the
/// machine's root certificates takes longer than the whole start of the handler may.
///
/// One retry remains below us: hyper sends a request again where a pooled connection turned out
/// closed before one byte of the request was written.
#[derive(Debug)]
pub(crate) struct Outgoing {
    made: OnceLock<Result<Client, String>>,
    /// Never through a proxy: it would carry what is meant for this machine away from it.
    direct: bool,
    /// Without TLS no root certificate is read.
    plain: bool,
    connect: Duration,
    whole: Option<Duration>,
}

impl Outgoing {
    /// A client for one place.
    pub(crate) fn to(place: &Url) -> Self {
        Self {
            direct: is_loopback(place),
            plain: place.scheme() == "http",
            ..Self::anywhere()
        }
    }

    /// A client for any place.
    pub(crate) fn anywhere() -> Self {
        Self {
            made: OnceLock::new(),
            direct: false,
            plain: false,
            connect: CONNECT,
            whole: None,
        }
    }

    /// The same with another limit for opening a connection.
    pub(crate) fn connecting_within(self, connect: Duration) -> Self {
        Self { connect, ..self }
    }

    /// The same with a limit for the whole exchange.
    pub(crate) fn answered_within(self, whole: Duration) -> Self {
        Self {
            whole: Some(whole),
            ..self
        }
    }

    /// The client; why it cannot be made, if it cannot.
    pub(crate) fn client(&self) -> Result<&Client, &str> {
        let made = self.made.get_or_init(|| self.make());
        made.as_ref().map_err(String::as_str)
    }

    /// The client as what carries the requests of the Azure crates; made at its first use too.
    pub(crate) fn transport(self) -> Transport {
        Transport::new(Arc::new(Lazily(self)))
    }

    fn make(&self) -> Result<Client, String> {
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.connect)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("evergraph/", env!("CARGO_PKG_VERSION")));
        if let Some(whole) = self.whole {
            builder = builder.timeout(whole);
        }
        if self.direct {
            builder = builder.no_proxy();
        }
        if self.plain {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build();
        client.map_err(|error| format!("the HTTP client could not be made: {error}"))
    }
}

/// Whether a request certainly never left: a connection that was never made carried nothing.
pub(crate) fn never_left(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_builder()
}

/// The error with its causes, without the address.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut parts = Vec::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        parts.push(error.to_string());
        cause = error.source();
    }
    if parts.is_empty() {
        parts.push("the exchange failed".into());
    }
    parts.dedup();
    words::printable(&parts.join(": "), 300)
}

#[derive(Debug)]
struct Lazily(Outgoing);

#[async_trait::async_trait]
impl HttpClient for Lazily {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let client = self.0.client();
        let client = client
            .map_err(|why| azure_core::Error::with_message(ErrorKind::Other, why.to_owned()))?;
        client.execute_request(request).await
    }
}
