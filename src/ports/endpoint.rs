//! Our own public addresses, as they look from outside.

use std::fmt;

/// What most likely stands between Graph and us.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Obstacle {
    /// The host's name has no address.
    Name,
    /// Nobody listens there, or the way is blocked.
    NoConnection,
    /// The encryption could not be agreed on.
    Tls,
    /// No answer within the time that Graph waits.
    Timeout,
    /// Somebody in front wants a sign-in.
    AuthInFront,
    /// The app admits only some callers.
    AccessRestricted,
    /// The address sends callers elsewhere, and Graph does not follow.
    Redirected,
    /// No such address: another fleet, another app, or none.
    NoSuchFleet,
    /// The app is stopped, starting, or broken.
    NotRunning,
    /// Something came back, but not the token as it was sent.
    EchoAltered,
    /// Any other answer.
    OtherAnswer,
}

impl Obstacle {
    /// Every obstacle.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::NoConnection,
        Self::Tls,
        Self::Timeout,
        Self::AuthInFront,
        Self::AccessRestricted,
        Self::Redirected,
        Self::NoSuchFleet,
        Self::NotRunning,
        Self::EchoAltered,
        Self::OtherAnswer,
    ];

    /// The word in logs and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NoConnection => "no-connection",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::AuthInFront => "auth-in-front",
            Self::AccessRestricted => "access-restricted",
            Self::Redirected => "redirected",
            Self::NoSuchFleet => "no-such-fleet",
            Self::NotRunning => "not-running",
            Self::EchoAltered => "echo-altered",
            Self::OtherAnswer => "other-answer",
        }
    }

    /// The likely cause, and what to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Name => {
                "its host has no address in DNS; check EVERGRAPH_PUBLIC_URL and the record of the domain"
            }
            Self::NoConnection => {
                "nobody takes connections there; check EVERGRAPH_PUBLIC_URL, firewalls and private endpoints"
            }
            Self::Tls => {
                "the TLS handshake failed; check that the certificate is valid, complete and for this host"
            }
            Self::Timeout => {
                "no answer came within Graph's ten seconds: a cold start that is too slow, a firewall that drops packets, or a hung app"
            }
            Self::AuthInFront => {
                "authentication stands in front of it; exclude /api/notifications and /api/lifecycle from App Service authentication or the gateway's policy, since Graph sends no credential"
            }
            Self::AccessRestricted => {
                "access restrictions keep this caller out; allow the addresses of Microsoft Graph change notifications (and this app's own, for this check)"
            }
            Self::Redirected => {
                "it sends callers elsewhere, and Graph follows no redirect; set EVERGRAPH_PUBLIC_URL to where it leads"
            }
            Self::NoSuchFleet => {
                "there is no such address: EVERGRAPH_FLEET differs from the deployed one, the host has another route prefix than api, or EVERGRAPH_PUBLIC_URL is another app's"
            }
            Self::NotRunning => {
                "the app behind it is stopped, starting or broken; look at its host's log"
            }
            Self::EchoAltered => {
                "something in front changes the answer (a gateway that decodes twice, a page instead of the token); pass query and body on as they are"
            }
            Self::OtherAnswer => "something else than this app seems to answer there",
        }
    }
}

/// An address that does not do what Graph's validation needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreachable {
    /// The likely cause.
    pub obstacle: Obstacle,
    /// What was seen, secrets removed.
    pub seen: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.obstacle.advice(), self.seen)
    }
}

impl std::error::Error for Unreachable {}

/// Calls our own public addresses.
#[async_trait::async_trait]
pub trait OwnEndpoint: Send + Sync {
    /// Validates an address as Graph does: a token with reserved characters is to come back as
    /// it was meant. Waits as long as Graph would.
    ///
    /// # Cancellation
    /// A handshake has no effect, so nothing is left behind.
    async fn shake(&self, address: &str) -> Result<(), Unreachable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_a_word_of_its_own_and_advice() {
        let words: std::collections::BTreeSet<_> =
            Obstacle::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(words.len(), Obstacle::ALL.len());
        let advice: std::collections::BTreeSet<_> =
            Obstacle::ALL.iter().map(|one| one.advice()).collect();
        assert_eq!(advice.len(), Obstacle::ALL.len());
    }
}
