//! The stored form of a shard's memory: versioned JSON that keeps what it does not know.
//!
//! Old reader, new data: a document of a newer version is [`Unreadable`], and nobody overwrites it.
//! New reader, old data: missing fields have defaults. Old writer, new data of the same version:
//! unknown fields of the document, of tenants, keys, subscriptions and watches are kept.

mod reading;
mod wire;
mod writing;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::instruments::Instruments;
use crate::domain::ids::{SubscriptionId, TenantId};
use crate::domain::state::ShardState;
use crate::domain::subscription::KeyTag;

/// The version that this program writes. It reads every version up to this one.
pub const VERSION: u32 = 1;

/// The word that tells our documents from anything else in the container.
pub const FORMAT: &str = "evergraph-state";

/// Why a stored document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// A shard's memory, and the parts of its document that this version does not know.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StateDoc {
    /// What we understand.
    pub state: ShardState,
    /// What was counted since the document was first written.
    pub instruments: Instruments,
    /// What we do not, kept for those who do.
    unknown: Unknown,
}

#[derive(Clone, PartialEq, Debug, Default)]
struct Unknown {
    root: Map<String, Value>,
    tenants: BTreeMap<TenantId, Map<String, Value>>,
    entries: BTreeMap<KeyTag, Map<String, Value>>,
    held: BTreeMap<SubscriptionId, Map<String, Value>>,
    watches: BTreeMap<SubscriptionId, Map<String, Value>>,
}

impl StateDoc {
    /// Reads a document.
    ///
    /// # Errors
    /// [`Unreadable`] says what is wrong and where. The caller must then neither write the
    /// document nor believe that it is empty.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        reading::decode(bytes)
    }

    /// Writes a document.
    pub fn encode(&self) -> Vec<u8> {
        writing::encode(self)
    }
}
