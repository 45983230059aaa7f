//! What the intake knows of the declaration: enough to name, check and open items.

use std::collections::HashMap;

use crate::domain::ids::{SubscriptionName, TenantId};
use crate::domain::resource::ResourceKind;
use crate::domain::subscription::{DesiredSet, KeyTag};

/// What is declared about the subscription of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Its name.
    pub name: SubscriptionName,
    /// Its tenant; an item that names one must name this.
    pub tenant: TenantId,
    /// What its resource names.
    pub kind: ResourceKind,
    /// Whether it asks for resource data, so that its items need validation tokens.
    pub resource_data: bool,
    /// Whether its content is opened here, or passed on sealed.
    pub opening: Opening,
}

/// What is done with `encryptedContent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// It is decrypted here.
    Decrypt,
    /// It is passed on as it is, to consumers that hold the key.
    PassOn,
}

/// The declared subscriptions by the tag that their clientState carries.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Roster(HashMap<KeyTag, Expected>);

impl Roster {
    /// Nothing declared: every verified item is passed on without a name, and sealed. For a
    /// declaration that cannot be used, so that nothing is lost while it is mended.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The roster of a desired set; `opening` says of each name what happens to its content.
    pub fn of(set: &DesiredSet, opening: impl Fn(&SubscriptionName) -> Opening) -> Self {
        let expected = |(tag, desired): (&KeyTag, &crate::domain::subscription::Desired)| {
            let expected = Expected {
                name: desired.name.clone(),
                tenant: desired.key.tenant.clone(),
                kind: desired.resource.kind(),
                resource_data: desired.key.resource_data,
                opening: opening(&desired.name),
            };
            (*tag, expected)
        };
        Self(set.by_key.iter().map(expected).collect())
    }

    /// What is declared under the tag.
    pub fn of_tag(&self, tag: &KeyTag) -> Option<&Expected> {
        self.0.get(tag)
    }
}

impl FromIterator<(KeyTag, Expected)> for Roster {
    fn from_iter<I: IntoIterator<Item = (KeyTag, Expected)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}
