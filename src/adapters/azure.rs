//! What Azure's storage services have in common, whichever of them is behind a port.

use std::error::Error as _;
use std::time::Duration;

use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, RetryOptions, Transport};

use super::words::without_queries;

/// Why no answer came, in words without secrets.
#[derive(Debug)]
pub(super) enum Silence {
    /// No token was given: a human must mend that.
    Denied(String),
    /// The connection failed, towards the service or towards whoever gives tokens: later it may not.
    Unavailable(String),
}

/// A call to which no answer came. A token that is refused is for a human; a connection that
/// failed is not.
pub(super) fn unanswered(error: &Error) -> Silence {
    let mut why = without_queries(&error.to_string());
    let mut unreachable = false;
    let mut source = error.source();
    while let Some(cause) = source {
        let text = without_queries(&cause.to_string());
        if !why.ends_with(&text) {
            why = format!("{why}: {text}");
        }
        unreachable |= cause
            .downcast_ref::<Error>()
            .is_some_and(|inner| matches!(inner.kind(), ErrorKind::Io | ErrorKind::Connection));
        source = cause.source();
    }
    match error.kind() {
        ErrorKind::Credential if !unreachable => Silence::Denied(format!(
            "no token for storage, check EVERGRAPH_CREDENTIAL: {why}"
        )),
        _ => Silence::Unavailable(why),
    }
}

/// Whether the answer's code (`x-ms-error-code`) is one of these.
pub(super) fn has_code(error: &Error, wanted: &[&str]) -> bool {
    matches!(error.kind(), ErrorKind::HttpResponse { error_code: Some(code), .. } if wanted.contains(&code.as_str()))
}

/// Options of a client that sends each call once, follows nothing, and uses no proxy towards this
/// machine. `whole` bounds a call as a whole, where its caller does not.
///
/// # Errors
/// In words, where the HTTP client does not start.
pub(super) fn client_options(
    loopback: bool,
    connect: Duration,
    whole: Option<Duration>,
) -> Result<ClientOptions, String> {
    let mut http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect)
        // The service's client reads ranges; a decompressed range would be a wrong one.
        .no_gzip()
        .no_deflate();
    if let Some(whole) = whole {
        http = http.timeout(whole);
    }
    if loopback {
        http = http.no_proxy();
    }
    let http = http
        .build()
        .map_err(|error| format!("the HTTP client does not start: {error}"))?;
    Ok(ClientOptions {
        // What follows from a failure is decided by whoever asked.
        retry: RetryOptions::none(),
        transport: Some(Transport::new(std::sync::Arc::new(http))),
        ..ClientOptions::default()
    })
}
