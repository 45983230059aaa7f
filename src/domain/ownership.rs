//! Who owns a row of Graph's listing. What is not ours is never changed or deleted.

use std::fmt;

use url::Url;

use super::ids::{FleetId, IdError};
use super::subscription::Observed;

const NOTIFICATIONS: &str = "/api/notifications/";
const LIFECYCLE: &str = "/api/lifecycle/";

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No absolute URL.
    #[error("{0:?} is not an absolute URL")]
    NotAUrl(String),
    /// Not https, and not a loopback address.
    #[error("{0} must be https (http is accepted only towards loopback)")]
    Scheme(String),
    /// More than an origin.
    #[error("{0} must be an origin alone: no path, query, fragment or user")]
    NotAnOrigin(String),
    /// A former URL of another form.
    #[error("{0} must have the form origin/api/notifications/{{fleet}}")]
    NotAFormerUrl(String),
    /// A former URL whose fleet is none.
    #[error(transparent)]
    Fleet(#[from] IdError),
}

/// Scheme, host and port of a public address, in normal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin; `https` is required except towards loopback.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = absolute(text)?;
        let plain = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !plain {
            return Err(AddressError::NotAnOrigin(shown(&url)));
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// The origin, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names this machine only.
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.0)
    }
}

/// Whether the URL's host is this machine's loopback.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn absolute(text: &str) -> Result<Url, AddressError> {
    let url =
        Url::parse(text).map_err(|_| AddressError::NotAUrl(text.chars().take(80).collect()))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(AddressError::Scheme(shown(&url))),
    }
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// One address under which a fleet is or was reachable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FleetUrl {
    /// Where the deployment is reachable.
    pub origin: Origin,
    /// The fleet.
    pub fleet: FleetId,
}

impl FleetUrl {
    /// Reads a former URL of the form `origin/api/notifications/{fleet}`.
    pub fn parse_former(text: &str) -> Result<Self, AddressError> {
        let url = absolute(text)?;
        let fleet = url
            .path()
            .strip_prefix(NOTIFICATIONS)
            .filter(|_| url.query().is_none() && url.fragment().is_none())
            .ok_or_else(|| AddressError::NotAFormerUrl(shown(&url)))?;
        Ok(Self {
            origin: Origin(url.origin().ascii_serialization()),
            fleet: FleetId::parse(fleet)?,
        })
    }

    /// Where Graph posts changes.
    pub fn notifications(&self) -> String {
        format!("{}{NOTIFICATIONS}{}", self.origin, self.fleet)
    }

    /// Where Graph posts lifecycle events.
    pub fn lifecycle(&self) -> String {
        format!("{}{LIFECYCLE}{}", self.origin, self.fleet)
    }

    /// Whether the URL is exactly this fleet's notification address. Compared as parsed, so
    /// letter case of the host and a default port do not matter; a query makes it another one.
    pub fn is_notifications(&self, text: &str) -> bool {
        self.is(text, &self.notifications())
    }

    /// Whether the URL is exactly this fleet's lifecycle address.
    pub fn is_lifecycle(&self, text: &str) -> bool {
        self.is(text, &self.lifecycle())
    }

    fn is(&self, text: &str, wanted: &str) -> bool {
        if text == wanted {
            return true;
        }
        match (Url::parse(text), Url::parse(wanted)) {
            (Ok(url), Ok(wanted)) => url == wanted,
            _ => false,
        }
    }
}

/// Where this deployment lives, and where it lived before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Home {
    /// The address of today.
    pub current: FleetUrl,
    /// Addresses that were ours; rows that carry one are moved to the current one.
    pub former: Vec<FleetUrl>,
}

/// Whose a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner<'h> {
    /// Ours, at today's address.
    Current,
    /// Ours, at an address we declared as former.
    Former(&'h FleetUrl),
    /// Somebody else's. Never changed, never deleted.
    Foreign,
}

impl Owner<'_> {
    /// Whether the row is ours under any address.
    pub fn is_ours(self) -> bool {
        !matches!(self, Self::Foreign)
    }
}

impl Home {
    /// Whose the row is, by its notificationUrl alone.
    pub fn owner_of(&self, row: &Observed) -> Owner<'_> {
        if self.current.is_notifications(&row.notification_url) {
            return Owner::Current;
        }
        self.former
            .iter()
            .find(|former| former.is_notifications(&row.notification_url))
            .map_or(Owner::Foreign, Owner::Former)
    }

    /// Every fleet whose clientState counts, today's first.
    pub fn fleets(&self) -> impl Iterator<Item = &FleetId> {
        std::iter::once(&self.current.fleet).chain(self.former.iter().map(|former| &former.fleet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> Home {
        Home {
            current: FleetUrl {
                origin: Origin::parse("https://app.example.com").unwrap(),
                fleet: FleetId::parse("prod").unwrap(),
            },
            former: vec![
                FleetUrl::parse_former("https://old.example.com/api/notifications/prod").unwrap(),
            ],
        }
    }

    #[track_caller]
    fn check_owner(url: &str, wanted: &str) {
        let home = home();
        let current = home.current.is_notifications(url);
        let former = home.former[0].is_notifications(url);
        let got = if current {
            "current"
        } else if former {
            "former"
        } else {
            "foreign"
        };
        assert_eq!(got, wanted, "{url}");
    }

    #[test]
    fn only_the_whole_parsed_url_makes_a_row_ours() {
        check_owner("https://app.example.com/api/notifications/prod", "current");
        check_owner(
            "https://APP.example.com:443/api/notifications/prod",
            "current",
        );
        check_owner("https://old.example.com/api/notifications/prod", "former");
        for foreign in [
            "https://app.example.com/api/notifications/prod2",
            "https://app.example.com/api/notifications/prod/",
            "https://app.example.com/api/notifications/prod?code=x",
            "https://app.example.com/api/lifecycle/prod",
            "https://app.example.com.evil.test/api/notifications/prod",
            "https://evil.test/?u=https://app.example.com/api/notifications/prod",
            "https://app.example.com@evil.test/api/notifications/prod",
            "http://app.example.com/api/notifications/prod",
            "EventHub:https://x.servicebus.windows.net/eventhubname/y?tenantId=z",
            "",
        ] {
            check_owner(foreign, "foreign");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_is_https_or_loopback() {
        assert_eq!(
            Origin::parse("https://a.b/").unwrap().as_str(),
            "https://a.b"
        );
        assert_eq!(
            Origin::parse("http://127.0.0.1:7071").unwrap().as_str(),
            "http://127.0.0.1:7071"
        );
        for bad in [
            "https://a.b/x",
            "https://a.b?x",
            "http://a.b",
            "a.b",
            "https://u:p@a.b",
            "ftp://localhost",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_former_url_names_its_fleet() {
        for bad in [
            "https://a.b/api/notifications/",
            "https://a.b/api/notifications/x/y",
            "https://a.b/api/notifications/ok-fleet?code=1",
            "https://a.b/other/ok-fleet",
        ] {
            assert!(FleetUrl::parse_former(bad).is_err(), "{bad}");
        }
    }
}
