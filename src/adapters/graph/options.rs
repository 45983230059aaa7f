//! Settings of the Graph client and the reasons for its numbers.

use std::time::Duration;

use url::Url;

use crate::adapters::loopback::is_loopback;
use crate::adapters::outgoing::CONNECT;

/// How long Graph waits for each address that it validates before it answers a create or a
/// renewal: ten seconds, not configurable (learn.microsoft.com, "Receive change notifications
/// through webhooks"; microsoft-graph-docs issue 5554).
pub const VALIDATION: Duration = Duration::from_secs(10);

/// What we grant Graph beside validation: its own work and the network.
pub const MARGIN: Duration = Duration::from_secs(15);

/// Time-outs of whole exchanges, from the first byte sent to the last byte read, redirects
/// included. Getting a token has its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// A create with one address: [`MARGIN`] and one [`VALIDATION`].
    pub create_one_url: Duration,
    /// A create with a lifecycle address too: both are validated, even where they are equal.
    pub create_two_urls: Duration,
    /// A renewal or a reauthorization: both were seen to validate again (msgraph-sdk-dotnet
    /// issue 2805), at worst both addresses.
    pub renew: Duration,
    /// Reading one subscription or one page, and the longest for a delete.
    pub other: Duration,
    /// All pages of a listing; what is not read by then makes it incomplete.
    pub listing: Duration,
    /// Opening a connection.
    pub connect: Duration,
    /// Getting a token, where none is at hand.
    pub token: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            create_one_url: MARGIN + VALIDATION,
            create_two_urls: MARGIN + VALIDATION * 2,
            renew: MARGIN + VALIDATION * 2,
            other: MARGIN,
            listing: Duration::from_secs(300),
            connect: CONNECT,
            token: Duration::from_secs(20),
        }
    }
}

/// Pages of a listing are asked for no faster than Graph allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Pages that need no wait.
    pub burst: u32,
    /// From then on, the shortest time between two pages.
    pub interval: Duration,
}

impl Pace {
    /// Graph allows 25 list calls in 20 s for each application and tenant (throttling limits
    /// page, 2026-02-06); a few are left to others.
    pub const GRAPH: Self = Self {
        burst: 20,
        interval: Duration::from_secs(1),
    };

    /// For a Graph on this machine.
    pub const NONE: Self = Self {
        burst: u32::MAX,
        interval: Duration::ZERO,
    };
}

/// Settings of the Graph client.
#[derive(Clone, Debug)]
pub struct GraphOptions {
    /// Root of the API, such as `https://graph.microsoft.com/v1.0`.
    pub base_url: Url,
    /// Most pages of one listing; more make it incomplete. 10,000 by default.
    pub page_limit: u32,
    /// Most rows of one listing; more make it incomplete. A million by default: memory.
    pub row_limit: usize,
    /// Most bytes of one answer's body. 8 MiB by default: some thousand subscriptions.
    pub body_limit: usize,
    /// Time-outs.
    pub timeouts: Timeouts,
    /// How fast pages are asked for.
    pub pace: Pace,
}

impl GraphOptions {
    /// The usual settings for a Graph.
    pub fn new(base_url: Url) -> Self {
        let pace = if is_loopback(&base_url) {
            Pace::NONE
        } else {
            Pace::GRAPH
        };
        Self {
            base_url,
            page_limit: 10_000,
            row_limit: 1_000_000,
            body_limit: 8 * 1024 * 1024,
            timeouts: Timeouts::default(),
            pace,
        }
    }
}

/// Why a Graph client cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphSetupError {
    /// The address is no root of an API.
    #[error("{origin} cannot be used as Graph's address: {why}")]
    Address {
        /// Origin of the address.
        origin: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// The address in the form in which paths are added to it: no slash at its end.
pub(super) fn checked_base(url: &Url) -> Result<Url, GraphSetupError> {
    let fault = |why| GraphSetupError::Address {
        origin: url.origin().ascii_serialization(),
        why,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err(fault("plain http is accepted only towards this machine")),
        _ => return Err(fault("it must begin with https://")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fault("it must have neither query nor fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("it must name no user"));
    }
    let mut base = url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    base.set_path(&path);
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_base(url: &str, expected: Option<&str>) {
        let base = checked_base(&Url::parse(url).unwrap());
        assert_eq!(base.ok().as_ref().map(Url::as_str), expected, "{url}");
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        check_base(
            "https://graph.microsoft.com/v1.0/",
            Some("https://graph.microsoft.com/v1.0"),
        );
        check_base("http://localhost:9/v1.0", Some("http://localhost:9/v1.0"));
        check_base("http://graph.microsoft.com/v1.0", None);
        check_base("ftp://localhost/", None);
        check_base("https://a@graph.microsoft.com/v1.0", None);
        check_base("https://graph.microsoft.com/v1.0?a", None);
        check_base("https://graph.microsoft.com/v1.0#a", None);
    }

    #[test]
    fn a_create_outlasts_the_validation_of_both_addresses() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.create_one_url, Duration::from_secs(25));
        assert_eq!(timeouts.create_two_urls, Duration::from_secs(35));
        assert_eq!(timeouts.renew, Duration::from_secs(35));
    }
}
