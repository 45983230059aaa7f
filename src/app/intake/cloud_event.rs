//! An accepted notification as a CloudEvent: CloudEvents 1.0, JSON, structured mode.
//!
//! | attribute | value |
//! |---|---|
//! | `source` | `urn:evergraph:{fleet}` |
//! | `id` | see `domain::notification::identity`; `c.…` is certain, `u.…` is not |
//! | `type` | `evergraph.change.{created, updated, deleted, …}`, `evergraph.lifecycle.{…}` |
//! | `subject` | Graph's path of what changed; `subscriptions/{id}` for lifecycle events |
//! | `time` | when it was received, for every type alike |
//! | `tenant` | the tenant, where known |
//! | `subscription` | the declared name; absent for what is declared no more |
//! | `certain` | whether repeats have the same id |
//! | `resync` | `required` where changes were or may have been missed |
//! | `data` | Graph's item: without `clientState`, and with the opened content as `decryptedContent` in the place of `encryptedContent` |
//!
//! The text has no line break, so that events may stand one on a line.

use bytes::Bytes;
use jiff::Timestamp;

use super::wire::Parsed;
use crate::domain::ids::FleetId;
use crate::domain::notification::Happening;
use crate::domain::notification::event::Event;
use crate::domain::notification::identity::{Certainty, EventId};
use crate::domain::notification::judge::Standing;
use crate::domain::sight::LifecycleEvent;
use crate::ports::keys::Opened;

/// Longest word of Graph that becomes a part of a type.
const WORD_CHARS: usize = 64;

/// About what the attributes take.
const ATTRIBUTES_BYTES: usize = 512;

/// Writes the events of one request into one piece of memory.
pub(super) struct Writer {
    buffer: Vec<u8>,
    /// What is the same in all, between id and type.
    source: String,
    /// What is the same in all, after the type.
    time: String,
    /// Events whose text is written, and where it ends.
    written: Vec<(Event, usize)>,
}

/// What an event is made of.
pub(super) struct Material<'p, 'a, 'r> {
    pub(super) parsed: &'p Parsed<'a>,
    pub(super) standing: &'p Standing<'r>,
    pub(super) id: EventId,
    /// The content, where it was opened here.
    pub(super) opened: Option<&'p Opened>,
}

impl Writer {
    /// A writer for events of the fleet that were received now, of about so many bytes in all.
    pub(super) fn new(fleet: &FleetId, now: Timestamp, items: usize, bytes: usize) -> Self {
        Self {
            buffer: Vec::with_capacity(bytes + items * ATTRIBUTES_BYTES),
            source: format!("\",\"source\":\"urn:evergraph:{fleet}\",\"type\":\""),
            time: format!("\",\"time\":\"{now}\",\"datacontenttype\":\"application/json\""),
            written: Vec::with_capacity(items),
        }
    }

    /// Writes one event.
    pub(super) fn write(&mut self, material: &Material<'_, '_, '_>) {
        let Material {
            parsed,
            standing,
            id,
            ..
        } = material;
        self.attributes(material);
        self.text(",\"data\":");
        self.data(material);
        self.text("}");
        let event = Event {
            json: Bytes::new(),
            id: *id,
            tag: standing.tag,
            subscription: Event::name_of(standing.expected),
            tenant: standing.tenant.as_deref().cloned(),
            lifecycle: parsed.item.happening.is_lifecycle(),
        };
        self.written.push((event, self.buffer.len()));
    }

    /// The events, which share one piece of memory.
    pub(super) fn events(self) -> Vec<Event> {
        let all = Bytes::from(self.buffer);
        let mut at = 0;
        let events = self.written.into_iter().map(|(mut event, end)| {
            event.json = all.slice(at..end);
            at = end;
            event
        });
        events.collect()
    }

    fn attributes(&mut self, material: &Material<'_, '_, '_>) {
        let (item, standing) = (&material.parsed.item, material.standing);
        // Ids, names, tenants and times are of characters that JSON leaves alone.
        self.text("{\"specversion\":\"1.0\",\"id\":\"");
        self.buffer.extend_from_slice(&material.id.text());
        self.buffer.extend_from_slice(self.source.as_bytes());
        self.kind(&item.happening);
        self.buffer.extend_from_slice(self.time.as_bytes());
        self.subject(material.parsed);
        if let Some(tenant) = &standing.tenant {
            self.text(",\"tenant\":\"");
            self.text(tenant.as_str());
            self.text("\"");
        }
        if let Some(expected) = standing.expected {
            self.text(",\"subscription\":\"");
            self.text(expected.name.as_str());
            self.text("\"");
        }
        self.text(match material.id.certainty() {
            Certainty::Certain => ",\"certain\":true",
            Certainty::Uncertain => ",\"certain\":false",
        });
        if let Happening::Lifecycle(LifecycleEvent::Missed | LifecycleEvent::SubscriptionRemoved) =
            item.happening
        {
            self.text(",\"resync\":\"required\"");
        }
    }

    fn kind(&mut self, happening: &Happening<'_>) {
        self.text(match happening.is_lifecycle() {
            true => "evergraph.lifecycle.",
            false => "evergraph.change.",
        });
        let word = happening.word();
        let plain = word.len() <= WORD_CHARS && word.bytes().all(|b| b.is_ascii_alphanumeric());
        self.text(match plain && !word.is_empty() {
            true => word,
            false => "unknown",
        });
    }

    /// A subject is never empty.
    fn subject(&mut self, parsed: &Parsed<'_>) {
        let item = &parsed.item;
        if let Some(raw) = parsed.resource.filter(|raw| *raw != "\"\"") {
            self.text(",\"subject\":");
            self.text(raw);
        } else if let Some(id) = item.subscription.as_deref().filter(|id| !id.is_empty()) {
            let subject = serde_json::Value::String(format!("subscriptions/{id}"));
            self.text(",\"subject\":");
            self.text(&subject.to_string());
        }
    }

    fn data(&mut self, material: &Material<'_, '_, '_>) {
        let Parsed {
            text,
            client_state,
            sealed,
            ..
        } = material.parsed;
        let start = self.buffer.len();
        let mut edits = [
            client_state.clone().map(|place| (place, None)),
            sealed
                .clone()
                .zip(material.opened)
                .map(|(place, opened)| (place, Some(opened))),
        ];
        edits.sort_by_key(|edit| edit.as_ref().map(|(place, _)| place.start));
        let mut at = 0;
        for (place, opened) in edits.into_iter().flatten() {
            self.text(text.get(at..place.start).unwrap_or_default());
            if let Some(opened) = opened {
                self.text("\"decryptedContent\":");
                self.buffer.extend_from_slice(opened.expose());
            }
            at = place.end;
        }
        self.text(text.get(at..).unwrap_or_default());
        // In JSON a line break can only be a blank between tokens.
        for byte in &mut self.buffer[start..] {
            // Always written, so that the compiler makes it many bytes at once.
            *byte = match *byte {
                b'\n' | b'\r' => b' ',
                other => other,
            };
        }
    }

    fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }
}
