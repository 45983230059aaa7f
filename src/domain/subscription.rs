//! What is declared and what Graph shows: change types, keys, desired and observed subscriptions.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::client_state::ClientState;
use super::ids::{AppId, SubscriptionId, SubscriptionName, TenantId};
use super::notification::roster::Opening;
use super::resource::Resource;

/// One kind of change that Graph can report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ChangeType {
    /// Something new.
    Created,
    /// Something changed.
    Updated,
    /// Something went away.
    Deleted,
}

impl ChangeType {
    /// Every change type, in the order in which we write them.
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// Graph's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// Reads Graph's word, in any letter case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// A set of change types. Never empty where it is part of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChangeTypes(u8);

impl ChangeTypes {
    /// The set of the given change types.
    pub fn of(types: &[ChangeType]) -> Self {
        types.iter().fold(Self(0), |set, one| set.with(*one))
    }

    /// This set and one more.
    #[must_use]
    pub fn with(self, one: ChangeType) -> Self {
        Self(self.0 | 1 << one as u8)
    }

    /// Whether the change type is in the set.
    pub fn contains(self, one: ChangeType) -> bool {
        self.0 & 1 << one as u8 != 0
    }

    /// Whether every member of `other` is in this set.
    pub fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = ChangeType> {
        ChangeType::ALL
            .into_iter()
            .filter(move |one| self.contains(*one))
    }

    /// Reads Graph's comma-separated form; blanks after commas and any order are accepted.
    /// Answers the first word that is no change type as the error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut set = Self::default();
        for word in text.split(',') {
            match ChangeType::parse(word) {
                Some(one) => set = set.with(one),
                None => return Err(word.trim().to_owned()),
            }
        }
        Ok(set)
    }
}

impl fmt::Display for ChangeTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(one.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for ChangeTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChangeTypes({self})")
    }
}

/// What makes two subscriptions the same one. The human name is no part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubscriptionKey {
    /// The tenant whose data is watched.
    pub tenant: TenantId,
    /// Normal form of the resource, its own query options included.
    pub resource: String,
    /// Change types, as a set.
    pub change_types: ChangeTypes,
    /// Whether notifications carry resource data.
    pub resource_data: bool,
    /// `notificationQueryOptions`, where declared.
    pub query_options: Option<String>,
}

impl SubscriptionKey {
    /// The short, stable name of the key: 128 bits of SHA-256 over its length-prefixed parts.
    pub fn tag(&self) -> KeyTag {
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let flag: &[u8] = if self.resource_data {
            b"rich"
        } else {
            b"basic"
        };
        let changes = self.change_types.to_string();
        let parts: [&[u8]; 6] = [
            b"evergraph subscription key 1",
            self.tenant.as_str().as_bytes(),
            self.resource.as_bytes(),
            changes.as_bytes(),
            flag,
            self.query_options.as_deref().unwrap_or("").as_bytes(),
        ];
        for part in parts {
            digest.update(&(part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut tag = [0_u8; KeyTag::BYTES];
        tag.copy_from_slice(&digest.finish().as_ref()[..KeyTag::BYTES]);
        KeyTag(tag)
    }
}

/// 128 bits that name a [`SubscriptionKey`]; written as 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyTag([u8; Self::BYTES]);

impl KeyTag {
    /// Length in bytes.
    pub const BYTES: usize = 16;

    /// Reads the 22-character form.
    pub fn parse(text: &str) -> Option<Self> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text)
            .ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// A tag from its bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they enter the MAC of clientState.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for KeyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64::Engine as _;
        let mut text = [0_u8; 22];
        let written = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .encode_slice(self.0, &mut text)
            .map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text[..written]).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for KeyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyTag({self})")
    }
}

/// How long a subscription should live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// A margin below the longest that Graph allows for the kind of resource.
    Max,
    /// A length of the integrator's choice.
    Exactly(SignedDuration),
}

/// One declared subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Desired {
    /// Human name, for reports, routing and audit.
    pub name: SubscriptionName,
    /// Identity; everything that Graph cannot change by PATCH is in it.
    pub key: SubscriptionKey,
    /// The resource as declared; this text is sent to Graph.
    pub resource: Resource,
    /// How long to ask for.
    pub lifetime: Lifetime,
    /// Whether lifecycle events are wanted. On by default.
    pub lifecycle: bool,
    /// The certificate for resource data: our own id of it and its public part, base64 DER.
    /// `None` for a basic subscription.
    pub certificate: Option<EncryptionCertificate>,
    /// The human decision behind it, for the audit: a ticket's address, or words. Two that differ
    /// in nothing else wish for the same.
    pub because: Option<String>,
}

/// The public half of the key pair to which Graph encrypts resource data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncryptionCertificate {
    /// Our own id, at most 128 characters, sent back with every rich item.
    pub id: String,
    /// Base64 of the DER certificate, without PEM markers or line breaks.
    pub der_base64: String,
    /// What the intake does with content that is sealed for it.
    pub opening: Opening,
}

/// Everything that is declared, by key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DesiredSet {
    /// The declared subscriptions. Keys are unique; two names for one key are refused on reading.
    pub by_key: BTreeMap<KeyTag, Desired>,
    /// Hash of the whole set, certificates and lifetimes included; equal hashes mean equal wishes.
    pub hash: String,
    /// The human decision behind the set as a whole, and behind what no longer stands in it.
    pub because: Option<String>,
}

/// What is known of the declaration in this pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Declaration {
    /// Read and valid; may be empty.
    Read(DesiredSet),
    /// Could not be read or is invalid. Nothing is created or deleted; renewals go on.
    Unusable {
        /// What is wrong, with file, line and key where known.
        why: String,
    },
}

/// A subscription as Graph returned it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observed {
    /// Graph's id.
    pub id: SubscriptionId,
    /// Resource as echoed.
    pub resource: String,
    /// Change types; a word that we do not know makes the set [`None`] and the row unmatchable.
    pub change_types: Option<ChangeTypes>,
    /// Where notifications go. May be no URL at all (Event Hubs, Event Grid).
    pub notification_url: String,
    /// Where lifecycle events go.
    pub lifecycle_url: Option<String>,
    /// When it ends, on Graph's clock.
    pub expires: Timestamp,
    /// clientState, where Graph shows it: lists never do, GET by id usually does.
    pub client_state: Option<ClientState>,
    /// The application that owns it.
    pub application: Option<AppId>,
    /// Whether notifications carry resource data.
    pub resource_data: bool,
    /// Our id of the certificate in use.
    pub certificate_id: Option<String>,
    /// `notificationQueryOptions`.
    pub query_options: Option<String>,
}

impl Observed {
    /// The key this row would have in the tenant, or `None` where resource or change types
    /// are of no kind that we know.
    pub fn key(&self, tenant: &TenantId) -> Option<SubscriptionKey> {
        Some(SubscriptionKey {
            tenant: tenant.clone(),
            resource: Resource::parse(&self.resource).ok()?.normal().to_owned(),
            change_types: self.change_types.filter(|set| !set.is_empty())?,
            resource_data: self.resource_data,
            query_options: self.query_options.clone().filter(|text| !text.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_types_are_a_set_whatever_the_order_and_blanks() {
        let set = ChangeTypes::parse("updated, Created").unwrap();
        assert_eq!(set.to_string(), "created,updated");
        assert_eq!(set, ChangeTypes::parse("created,updated").unwrap());
        assert_eq!(ChangeTypes::parse("created,moved"), Err("moved".into()));
        assert!(ChangeTypes::parse("").is_err());
    }

    #[test]
    fn a_tag_survives_its_text_form() {
        let key = SubscriptionKey {
            tenant: TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap(),
            resource: "users/a/messages".into(),
            change_types: ChangeTypes::of(&[ChangeType::Created]),
            resource_data: false,
            query_options: None,
        };
        let tag = key.tag();
        assert_eq!(KeyTag::parse(&tag.to_string()), Some(tag));
        assert_eq!(tag.to_string().len(), 22);
        let other = SubscriptionKey {
            resource_data: true,
            ..key
        };
        assert_ne!(other.tag(), tag);
    }
}
