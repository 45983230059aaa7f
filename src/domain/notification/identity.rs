//! Is it a repeat? What makes two items the same, for each kind of resource, and why.
//!
//! Suppressing what only looks like a repeat loses a notification; letting a repeat through
//! costs a consumer one more read. So a kind trusts nothing that is not known to name one
//! version of one thing.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Item;
use crate::domain::ids::FleetId;
use crate::domain::resource::ResourceKind;
use crate::domain::subscription::KeyTag;

/// What can make an item the same as another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// The etag of the resource, with the resource's id.
    Etag,
    /// The sequence number of the change, with the resource's id.
    Sequence,
    /// The id of the notification itself.
    Notification,
}

/// What a kind of resource trusts, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trust {
    /// In this order, the first that the item carries.
    pub marks: &'static [Mark],
    /// The reason.
    pub why: &'static str,
}

const OUTLOOK: Trust = Trust {
    marks: &[Mark::Etag, Mark::Notification],
    why: "every version of an Outlook item has its own etag, which its notifications carry",
};
const DIRECTORY: Trust = Trust {
    marks: &[Mark::Sequence, Mark::Notification],
    why: "directory changes are numbered; the number grows with every change of the object",
};
const DRIVE: Trust = Trust {
    marks: &[],
    why: "the item only says that something changed; two equal ones may stand for two changes",
};
const PRESENCE: Trust = Trust {
    marks: &[Mark::Notification],
    why: "presence has no version, and going back and forth gives equal items for several changes",
};
const TEAMS: Trust = Trust {
    marks: &[Mark::Etag, Mark::Notification],
    why: "a thing of Teams keeps its id through edits and reactions; without an etag only the id \
          of the notification tells two changes apart",
};
const VERSIONED: Trust = Trust {
    marks: &[Mark::Etag, Mark::Notification],
    why: "an etag names one version of one resource wherever Graph sends one",
};
const UNKNOWN: Trust = Trust {
    marks: &[],
    why: "what is not known is passed on: a wrongly suppressed item would be lost",
};
const LIFECYCLE: Trust = Trust {
    marks: &[Mark::Notification],
    why: "the same event happens again and again in the life of a subscription",
};

/// What items of the kind trust.
pub const fn trust_of(kind: ResourceKind) -> Trust {
    use ResourceKind as Kind;
    match kind {
        Kind::Message | Kind::Event | Kind::Contact => OUTLOOK,
        Kind::User | Kind::Group => DIRECTORY,
        Kind::DriveItem | Kind::List => DRIVE,
        Kind::Presence => PRESENCE,
        Kind::Channel
        | Kind::Chat
        | Kind::ChatMessage
        | Kind::ConversationMember
        | Kind::Team
        | Kind::TeamsAppInstallation
        | Kind::OnlineMeeting
        | Kind::Shifts
        | Kind::Approval
        | Kind::AiInteraction => TEAMS,
        Kind::Conversation
        | Kind::SecurityAlert
        | Kind::HealthAlert
        | Kind::CallRecord
        | Kind::CallRecording
        | Kind::CallTranscript
        | Kind::Printer
        | Kind::PrintTaskDefinition
        | Kind::TodoTask
        | Kind::VirtualEvent => VERSIONED,
        Kind::Unknown => UNKNOWN,
    }
}

/// The kind that `@odata.type` names, for items whose subscription is declared no more. Only
/// kinds whose name is known from real items; letter case varies there.
pub fn kind_of_type(odata_type: &str) -> ResourceKind {
    use ResourceKind as Kind;
    let name = odata_type.rsplit('.').next().unwrap_or_default();
    let named = [
        ("message", Kind::Message),
        ("event", Kind::Event),
        ("contact", Kind::Contact),
        ("user", Kind::User),
        ("group", Kind::Group),
        ("chatMessage", Kind::ChatMessage),
        ("presence", Kind::Presence),
    ];
    named
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or(Kind::Unknown, |(_, kind)| kind)
}

/// A set of ids.
pub type EventIds = HashSet<EventId, BuildHasherDefault<HashedAlready>>;

/// Ids in a map.
pub type EventIdMap<V> = HashMap<EventId, V, BuildHasherDefault<HashedAlready>>;

/// Hashes ids for [`EventIds`] and [`EventIdMap`]: by their own first bytes. Those of certain
/// ids come out of SHA-256 and the others from chance, so a second hash would spread them no
/// better.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashedAlready(u64);

impl Hasher for HashedAlready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    /// The length of the bytes, which is the same for all.
    fn write_usize(&mut self, _: usize) {}
}

/// The id of a CloudEvent. Equal ids mean the same notification where it is certain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    bytes: [u8; 16],
    certainty: Certainty,
}

/// Whether an event's repeats have its id too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Certainty {
    /// Every repeat has the same id, whichever instance wrote it.
    Certain,
    /// The id is unique; a repeat has another one.
    Uncertain,
}

impl Hash for EventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl EventId {
    /// The id of an item whose identity is certain: a hash over fleet, key, change type,
    /// resource and what its kind trusts. Graph's subscription id is no part of it, so that
    /// silent duplicates and recreated subscriptions collapse. `None` where nothing that is
    /// trusted stands in the item.
    pub fn certain(
        item: &Item<'_>,
        kind: ResourceKind,
        fleet: &FleetId,
        tag: &KeyTag,
    ) -> Option<Self> {
        let trust = match item.happening.is_lifecycle() {
            true => LIFECYCLE,
            false => trust_of(kind),
        };
        let (label, value) = trust.marks.iter().find_map(|mark| found(item, *mark))?;
        let resource = item.data.id.as_deref().unwrap_or_default();
        let parts: [&[u8]; 7] = [
            b"evergraph event 1",
            fleet.as_str().as_bytes(),
            tag.as_bytes(),
            item.happening.word().as_bytes(),
            resource.as_bytes(),
            label,
            value.as_bytes(),
        ];
        Some(Self {
            bytes: hashed(&parts),
            certainty: Certainty::Certain,
        })
    }

    /// The id of an item whose identity is not certain, from a number that is drawn once.
    pub const fn unique(number: u128) -> Self {
        Self {
            bytes: number.to_be_bytes(),
            certainty: Certainty::Uncertain,
        }
    }

    /// Whether repeats have the same id.
    pub const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// The id as it is written: `c.` or `u.` and 22 characters.
    pub fn text(&self) -> [u8; 24] {
        let mut text = *b"c.......................";
        if self.certainty == Certainty::Uncertain {
            text[0] = b'u';
        }
        // 16 bytes always fill 22 characters.
        let written = URL_SAFE_NO_PAD.encode_slice(self.bytes, &mut text[2..]);
        debug_assert_eq!(written, Ok(22));
        text
    }
}

fn found<'i>(item: &'i Item<'_>, mark: Mark) -> Option<(&'static [u8], &'i str)> {
    let full = |text: &'i Option<super::Text<'_>>| text.as_deref().filter(|text| !text.is_empty());
    let (label, value): (&'static [u8], _) = match mark {
        Mark::Etag => (b"etag", full(&item.data.etag)),
        Mark::Sequence => (b"sequence", full(&item.data.sequence)),
        Mark::Notification => (b"notification", full(&item.notification_id)),
    };
    // A version of an unnamed resource is a version of anything.
    if !matches!(mark, Mark::Notification) {
        full(&item.data.id)?;
    }
    Some((label, value?))
}

/// 128 bits of SHA-256 over length-prefixed parts.
fn hashed(parts: &[&[u8]]) -> [u8; 16] {
    // In few pieces: each call into the hash costs more than the copy.
    let mut context = digest::Context::new(&digest::SHA256);
    let (mut piece, mut filled) = ([0; 512], 0);
    for part in parts {
        let length = (part.len() as u64).to_be_bytes();
        for text in [&length, *part] {
            if let Some(room) = piece.get_mut(filled..filled + text.len()) {
                room.copy_from_slice(text);
                filled += text.len();
            } else {
                context.update(&piece[..filled]);
                context.update(text);
                filled = 0;
            }
        }
    }
    context.update(&piece[..filled]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    bytes
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notification::{Happening, fixtures};
    use crate::domain::sight::LifecycleEvent;
    use crate::domain::subscription::ChangeType;

    const TAG: KeyTag = KeyTag::from_bytes([1; 16]);

    fn fleet() -> FleetId {
        FleetId::parse("prod").unwrap()
    }

    fn id(item: &Item<'_>, kind: ResourceKind) -> Option<EventId> {
        EventId::certain(item, kind, &fleet(), &TAG)
    }

    #[test]
    fn a_repeat_has_the_same_id_whatever_subscription_sent_it() {
        let item = fixtures::message();
        let mut other = item.clone();
        other.subscription = Some("recreated".into());
        other.client_state = Some("1.b.b.b".into());
        let kind = ResourceKind::Message;
        assert_eq!(id(&item, kind), id(&other, kind));
        assert!(id(&item, kind).is_some());
    }

    #[test]
    fn whatever_makes_it_another_change_makes_another_id() {
        let kind = ResourceKind::Message;
        let item = fixtures::message();
        let mut seen = std::collections::BTreeSet::from([id(&item, kind)]);
        let mut add = |change: &dyn Fn(&mut Item<'_>)| {
            let mut other = item.clone();
            change(&mut other);
            assert!(seen.insert(id(&other, kind)), "{other:?}");
        };
        add(&|item| item.happening = Happening::Change(ChangeType::Updated));
        add(&|item| item.data.id = Some("M".into()));
        add(&|item| item.data.etag = Some("W/\"2\"".into()));
        add(&|item| item.data.etag = None); // no mark is left: no certain id
        let mut named = item.clone();
        named.data.etag = None;
        named.notification_id = Some("W/\"1\"".into());
        assert!(seen.insert(id(&named, kind)));
        let elsewhere = FleetId::parse("test").unwrap();
        assert!(seen.insert(EventId::certain(&item, kind, &elsewhere, &TAG)));
        let other_key = KeyTag::from_bytes([2; 16]);
        assert!(seen.insert(EventId::certain(&item, kind, &fleet(), &other_key)));
    }

    #[test]
    fn a_drive_never_repeats_itself() {
        let mut item = fixtures::message();
        item.notification_id = Some("n".into());
        item.data.sequence = Some("5".into());
        for kind in [
            ResourceKind::DriveItem,
            ResourceKind::List,
            ResourceKind::Unknown,
        ] {
            assert_eq!(id(&item, kind), None, "{kind}");
        }
    }

    #[test]
    fn a_version_without_a_resource_is_no_identity() {
        let mut item = fixtures::message();
        item.data.id = None;
        assert_eq!(id(&item, ResourceKind::Message), None);
        item.data.id = Some("".into());
        assert_eq!(id(&item, ResourceKind::Message), None);
        item.notification_id = Some("n".into());
        assert!(id(&item, ResourceKind::Message).is_some());
    }

    #[test]
    fn directory_changes_are_told_apart_by_their_number() {
        let mut item = fixtures::message();
        item.data.sequence = Some("636784480202455800".into());
        let first = id(&item, ResourceKind::Group);
        item.data.sequence = Some("636784480202455801".into());
        assert!(first.is_some() && id(&item, ResourceKind::Group) != first);
        item.data.sequence = None;
        assert_eq!(
            id(&item, ResourceKind::Group),
            None,
            "an etag is not trusted"
        );
    }

    #[test]
    fn a_lifecycle_event_happens_again() {
        let mut item = fixtures::message();
        item.happening = Happening::Lifecycle(LifecycleEvent::Missed);
        assert_eq!(id(&item, ResourceKind::Message), None);
    }

    #[test]
    fn every_kind_has_a_reason() {
        for kind in ResourceKind::ALL {
            assert!(trust_of(kind).why.len() > 20, "{kind}");
        }
    }

    #[test]
    fn the_type_in_the_item_names_the_kind_in_any_letter_case() {
        assert_eq!(
            kind_of_type("#microsoft.graph.chatMessage"),
            ResourceKind::ChatMessage
        );
        assert_eq!(
            kind_of_type("#Microsoft.Graph.Message"),
            ResourceKind::Message
        );
        assert_eq!(kind_of_type(""), ResourceKind::Unknown);
    }

    #[test]
    fn the_text_says_whether_it_is_certain() {
        assert_eq!(EventId::unique(0).to_string(), "u.AAAAAAAAAAAAAAAAAAAAAA");
        let certain = id(&fixtures::message(), ResourceKind::Message).unwrap();
        assert!(certain.to_string().starts_with("c."));
    }
}
