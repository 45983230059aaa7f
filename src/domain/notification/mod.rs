//! A notification on its way in: the typed item, the judgement about it, and its identity.
//!
//! Reading order: [`Item`] (what Graph says) → [`judge`] (is it ours, is it genuine?) →
//! [`token`] (who published resource data) → [`identity`] (is it a repeat?) → [`event`] (what
//! leaves towards a sink). [`grace`] and [`seen`] are small bounded memories.
//!
//! Every text here is borrowed from the request where it needs no unescaping: a batch of a
//! hundred items is judged without a hundred copies.

pub mod event;
pub mod grace;
pub mod id_sets;
pub mod identity;
pub mod judge;
pub mod refusal;
pub mod roster;
pub mod seen;
pub mod token;

use std::borrow::Cow;
use std::fmt;

use super::sight::LifecycleEvent;
use super::subscription::ChangeType;

/// A text of the request.
pub type Text<'a> = Cow<'a, str>;

/// One element of `value`, as Graph says it. Nothing in it is proven.
#[derive(Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// The secret of the subscription. Never printed.
    pub client_state: Option<Text<'a>>,
    /// `tenantId`. Empty for a personal account; then it counts as absent.
    pub tenant: Option<Text<'a>>,
    /// `organizationId`: lifecycle items were seen with it in place of `tenantId`, presence
    /// items carry both.
    pub organization: Option<Text<'a>>,
    /// Graph's id of the subscription. No check: late items of a replaced one verify by key.
    pub subscription: Option<Text<'a>>,
    /// What is reported.
    pub happening: Happening<'a>,
    /// The path of what changed. Lifecycle items have none.
    pub resource: Option<Text<'a>>,
    /// `id` of the item itself, which few kinds of resource send.
    pub notification_id: Option<Text<'a>>,
    /// What `resourceData` says.
    pub data: ResourceData<'a>,
    /// `encryptedContent`, if there is one.
    pub sealed: Option<Sealed<'a>>,
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("subscription", &self.subscription)
            .field("happening", &self.happening)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

impl Item<'_> {
    /// The tenants that the item names, empty texts left out.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        [&self.tenant, &self.organization]
            .into_iter()
            .flatten()
            .map(|text| text.as_ref())
            .filter(|text| !text.is_empty())
    }
}

/// What an item reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happening<'a> {
    /// Something in the resource changed.
    Change(ChangeType),
    /// A change type of a later Graph, or none: passed on, because a consumer may know it.
    OtherChange(Text<'a>),
    /// Something about the subscription itself.
    Lifecycle(LifecycleEvent),
    /// A lifecycle event of a later Graph: passed on, wakes nobody.
    OtherLifecycle(Text<'a>),
}

impl Happening<'_> {
    /// Reads the two members, of which Graph sends one. With both, the rarer one counts.
    pub fn of<'a>(change: Option<Text<'a>>, lifecycle: Option<Text<'a>>) -> Happening<'a> {
        match (lifecycle, change) {
            (Some(word), _) => match LifecycleEvent::parse(&word) {
                Some(event) => Happening::Lifecycle(event),
                None => Happening::OtherLifecycle(word),
            },
            (None, word) => {
                let word = word.unwrap_or(Cow::Borrowed(""));
                match ChangeType::parse(&word) {
                    Some(change) => Happening::Change(change),
                    None => Happening::OtherChange(word),
                }
            }
        }
    }

    /// Graph's word for it.
    pub fn word(&self) -> &str {
        match self {
            Self::Change(change) => change.as_str(),
            Self::Lifecycle(event) => event.as_str(),
            Self::OtherChange(word) | Self::OtherLifecycle(word) => word,
        }
    }

    /// Whether it is about the subscription itself.
    pub fn is_lifecycle(&self) -> bool {
        matches!(self, Self::Lifecycle(_) | Self::OtherLifecycle(_))
    }
}

/// What `resourceData` says, as far as anything here depends on it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ResourceData<'a> {
    /// `@odata.type`, in whatever letter case.
    pub odata_type: Option<Text<'a>>,
    /// `id`: the item that changed.
    pub id: Option<Text<'a>>,
    /// `@odata.etag`: its version.
    pub etag: Option<Text<'a>>,
    /// `sequenceNumber` as written: a 64-bit number that many languages cannot hold.
    pub sequence: Option<Text<'a>>,
}

/// `encryptedContent`: resource data, sealed for the holder of a certificate's private key.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sealed<'a> {
    /// The ciphertext, base64.
    pub data: Option<Text<'a>>,
    /// HMAC-SHA256 over the bytes of the ciphertext, base64. A missing one is a failure.
    pub signature: Option<Text<'a>>,
    /// The symmetric key, encrypted to the certificate, base64.
    pub key: Option<Text<'a>>,
    /// Our own id of the certificate.
    pub certificate_id: Option<Text<'a>>,
}

impl Sealed<'_> {
    /// The same, independent of the request.
    pub fn into_owned(self) -> Sealed<'static> {
        let own = |text: Option<Text<'_>>| text.map(|text| Cow::Owned(text.into_owned()));
        Sealed {
            data: own(self.data),
            signature: own(self.signature),
            key: own(self.key),
            certificate_id: own(self.certificate_id),
        }
    }
}

impl fmt::Debug for Sealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("certificate_id", &self.certificate_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;

    /// A basic change of a message, with nothing proven.
    pub(crate) fn message() -> Item<'static> {
        Item {
            client_state: Some("1.a.b.c".into()),
            tenant: Some("84bd8158-6d4d-4958-8b9f-9d6445542f95".into()),
            organization: None,
            subscription: Some("7f105c7d-2dc5-4530-97cd-4e7ae6534c07".into()),
            happening: Happening::Change(ChangeType::Created),
            resource: Some("Users('u')/Messages('m')".into()),
            notification_id: None,
            data: ResourceData {
                odata_type: Some("#Microsoft.Graph.Message".into()),
                id: Some("m".into()),
                etag: Some("W/\"1\"".into()),
                sequence: None,
            },
            sealed: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_decides_and_the_rarer_member_wins() {
        let of = |change: &'static str, life: Option<&'static str>| {
            Happening::of(Some(change.into()), life.map(Into::into))
        };
        assert_eq!(of("UPDATED", None), Happening::Change(ChangeType::Updated));
        assert_eq!(of("moved", None), Happening::OtherChange("moved".into()));
        assert_eq!(
            of("updated", Some("Missed")),
            Happening::Lifecycle(LifecycleEvent::Missed)
        );
        assert!(of("", Some("paused")).is_lifecycle());
        assert_eq!(Happening::of(None, None).word(), "");
    }

    #[test]
    fn neither_an_item_nor_its_envelope_prints_a_secret() {
        let mut item = fixtures::message();
        item.client_state = Some("hunter2".into());
        item.sealed = Some(Sealed {
            data: Some("hunter3".into()),
            key: Some("hunter4".into()),
            ..Sealed::default()
        });
        let printed = format!("{item:?} {:?}", item.sealed);
        assert!(!printed.contains("hunter"), "{printed}");
    }
}
