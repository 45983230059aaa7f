//! Typed identifiers. Each is parsed once, at the edge, and never built elsewhere.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing stood there.
    #[error("a {what} must not be empty")]
    Empty {
        /// The kind of identifier.
        what: &'static str,
    },
    /// More characters than the kind allows.
    #[error("a {what} has at most {max} characters, this one has {chars}")]
    TooLong {
        /// The kind of identifier.
        what: &'static str,
        /// Characters found.
        chars: usize,
        /// Characters allowed.
        max: usize,
    },
    /// Characters or a form that the kind does not allow.
    #[error("{text:?} is not a {what}: {wanted}")]
    Form {
        /// The kind of identifier.
        what: &'static str,
        /// The text, cut to a printable length.
        text: String,
        /// The form that is wanted, in words.
        wanted: &'static str,
    },
}

fn form(what: &'static str, text: &str, wanted: &'static str) -> IdError {
    IdError::Form {
        what,
        text: text.chars().take(80).collect(),
        wanted,
    }
}

fn bounded(what: &'static str, text: &str, max: usize) -> Result<(), IdError> {
    let chars = text.chars().count();
    if chars == 0 {
        return Err(IdError::Empty { what });
    }
    if chars > max {
        return Err(IdError::TooLong { what, chars, max });
    }
    Ok(())
}

/// Whether the text has the 8-4-4-4-12 form of a GUID, in any letter case.
pub fn is_guid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    };
}

text_id! {
    /// The id that Graph gave a subscription. Graph uses GUIDs; the type accepts any short
    /// text of visible ASCII without `/`, `?`, `#` and `%`, so that it is safe in a path.
    SubscriptionId
}

impl SubscriptionId {
    /// Longest id accepted from the wire.
    pub const MAX_CHARS: usize = 128;

    /// Reads an id, as it came from Graph or from stored state.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        bounded("subscription id", text, Self::MAX_CHARS)?;
        let safe = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '%' | '\\');
        if !text.chars().all(safe) || text.chars().all(|c| c == '.') {
            return Err(form(
                "subscription id",
                text,
                "visible ASCII without / ? # % \\",
            ));
        }
        Ok(Self(text.into()))
    }
}

text_id! {
    /// An Entra tenant: always a GUID, kept in lower case.
    TenantId
}

impl TenantId {
    /// Reads a tenant id; a domain name is refused because it is not stable.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if is_guid(text) {
            Ok(Self(text.to_ascii_lowercase().into()))
        } else {
            Err(form(
                "tenant id",
                text,
                "a GUID such as 84bd8158-6d4d-4958-8b9f-9d6445542f95",
            ))
        }
    }
}

text_id! {
    /// The Entra application that owns subscriptions: the client id of the token, in lower
    /// case, or `default` where the credential is no JWT (the simulator, credential `none`).
    AppId
}

impl AppId {
    /// Longest application id accepted.
    pub const MAX_CHARS: usize = 64;

    /// Reads an application id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        bounded("application id", text, Self::MAX_CHARS)?;
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(form("application id", text, "a GUID, or the word default"));
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The application of a credential that is no JWT.
    pub fn unnamed() -> Self {
        Self("default".into())
    }
}

text_id! {
    /// One deployment's family of subscriptions. It is a path segment of every
    /// notificationUrl, and so the visible mark of ownership.
    FleetId
}

impl FleetId {
    /// Reads a fleet id: 3 to 32 of `a`-`z`, `0`-`9` and `-`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let fits = (3..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(form("fleet id", text, "3 to 32 of a-z, 0-9 and -"))
        }
    }
}

text_id! {
    /// The human name of a declared subscription. It is no part of the key: renaming changes nothing in Graph.
    SubscriptionName
}

impl SubscriptionName {
    /// Longest name accepted.
    pub const MAX_CHARS: usize = 64;

    /// Reads a name: 1 to 64 of letters, digits, `-`, `_` and `.`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        bounded("subscription name", text, Self::MAX_CHARS)?;
        if text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        {
            Ok(Self(text.into()))
        } else {
            Err(form(
                "subscription name",
                text,
                "letters, digits, - _ and .",
            ))
        }
    }
}

text_id! {
    /// The id of one master key in the clientState ring.
    Kid
}

impl Kid {
    /// Reads a key id: 1 to 16 of letters, digits, `-` and `_` (it stands in clientState,
    /// whose parts are separated by dots and whose length is bounded by Graph).
    pub fn parse(text: &str) -> Result<Self, IdError> {
        bounded("key id", text, 16)?;
        if text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        {
            Ok(Self(text.into()))
        } else {
            Err(form("key id", text, "letters, digits, - and _"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_a_guid_in_lower_case() {
        let id = TenantId::parse("84BD8158-6d4d-4958-8b9f-9d6445542f95").unwrap();
        assert_eq!(id.as_str(), "84bd8158-6d4d-4958-8b9f-9d6445542f95");
        assert!(TenantId::parse("contoso.onmicrosoft.com").is_err());
        assert!(TenantId::parse("").is_err());
    }

    #[test]
    fn a_subscription_id_can_never_leave_its_path_segment() {
        assert!(SubscriptionId::parse("7f105c7d-2dc5-4530-97cd-4e7ae6534c07").is_ok());
        for bad in ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "a\\b", "ä"] {
            assert!(SubscriptionId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(SubscriptionId::parse(&"x".repeat(129)).is_err());
    }

    #[test]
    fn a_fleet_is_short_and_lower_case() {
        assert!(FleetId::parse("prod-eu").is_ok());
        for bad in ["ab", "Prod", "a_b", "", &"x".repeat(33)] {
            assert!(FleetId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
