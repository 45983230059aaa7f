//! What leaves towards a sink.

use std::fmt;

use bytes::Bytes;

use super::identity::{Certainty, EventId};
use super::roster::Expected;
use crate::domain::ids::{SubscriptionName, TenantId};
use crate::domain::subscription::KeyTag;

/// An accepted notification as a CloudEvent, with what a sink needs to send it the right way.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// A CloudEvents 1.0 event in structured JSON, UTF-8, without a line break. May hold
    /// decrypted content: never logged.
    pub json: Bytes,
    /// Its id.
    pub id: EventId,
    /// The tag of the subscription's key.
    pub tag: KeyTag,
    /// The declared name; `None` goes to the default sink.
    pub subscription: Option<SubscriptionName>,
    /// The tenant, where known.
    pub tenant: Option<TenantId>,
    /// Whether it is about the subscription itself.
    pub lifecycle: bool,
}

impl Event {
    /// Whether repeats have the same id.
    pub fn certainty(&self) -> Certainty {
        self.id.certainty()
    }

    /// The name that a declaration gives it.
    pub fn name_of(expected: Option<&Expected>) -> Option<SubscriptionName> {
        expected.map(|expected| expected.name.clone())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("subscription", &self.subscription)
            .field("bytes", &self.json.len())
            .finish_non_exhaustive()
    }
}
