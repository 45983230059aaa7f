//! What the simulator truly sent: one entry for each item, to count a receiver's events against.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::forge::Flaw;
use super::row::Row;

/// Entries kept; beyond, the oldest that has ended is forgotten.
pub const EVENTS_MAX: usize = 200_000;

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Under way: not sent yet, or to be tried again.
    Waiting,
    /// Answered with 2xx in time, at least once.
    Accepted,
    /// Given up after four hours, or dropped because the endpoint was in its drop state.
    Dropped,
    /// Lost on purpose, without a POST.
    Lost,
}

/// One item: a change, a lifecycle event, or a forgery.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Event {
    /// Number, from 1: the event's id in this log.
    pub number: u64,
    /// When it happened, on the virtual clock.
    pub at: String,
    /// What is wrong with it on purpose; `null` for what Graph itself sends.
    pub flaw: Option<Flaw>,
    /// The subscription that it names.
    pub subscription: String,
    /// The subscription's tenant.
    pub tenant: String,
    /// The subscription's application.
    pub app: String,
    /// `created`, `updated` or `deleted`.
    pub change_type: Option<String>,
    /// `reauthorizationRequired`, `subscriptionRemoved` or `missed`.
    pub lifecycle_event: Option<String>,
    /// `resource` of the item.
    pub resource: Option<String>,
    /// `id` in `resourceData`.
    pub resource_id: Option<String>,
    /// `@odata.etag` in `resourceData`.
    pub etag: Option<String>,
    /// `sequenceNumber` in `resourceData`.
    pub sequence: Option<i64>,
    /// `id` of the notification.
    pub notification_id: Option<String>,
    /// Whether its content is encrypted.
    pub rich: bool,
    /// The POSTs that carry it.
    pub deliveries: Vec<u64>,
    /// How often it was sent: attempts of all its POSTs.
    pub sent: u32,
    /// How many of these were answered with 2xx in time.
    pub accepted: u32,
    /// What became of it.
    pub fate: Fate,
}

/// The log.
#[derive(Debug, Default)]
pub struct Events {
    all: VecDeque<Event>,
    last_number: u64,
}

impl Events {
    /// Writes an item down; answers its number.
    pub fn add(&mut self, row: &Row, item: &Value, flaw: Option<Flaw>, now: Timestamp) -> u64 {
        if self.all.len() >= EVENTS_MAX
            && let Some(at) = self.all.iter().position(|one| one.fate != Fate::Waiting)
        {
            self.all.remove(at);
        }
        self.last_number += 1;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let data = &item["resourceData"];
        self.all.push_back(Event {
            number: self.last_number,
            at: now.to_string(),
            flaw,
            subscription: row.id.clone(),
            tenant: row.tenant.to_string(),
            app: row.app.to_string(),
            change_type: text(&item["changeType"]),
            lifecycle_event: text(&item["lifecycleEvent"]),
            resource: text(&item["resource"]),
            resource_id: text(&data["id"]),
            etag: text(&data["@odata.etag"]),
            sequence: data["sequenceNumber"].as_i64(),
            notification_id: text(&item["id"]),
            rich: item["encryptedContent"].is_object(),
            deliveries: Vec::new(),
            sent: 0,
            accepted: 0,
            fate: Fate::Waiting,
        });
        self.last_number
    }

    /// The entry of a number.
    pub fn find_mut(&mut self, number: u64) -> Option<&mut Event> {
        let at = self
            .all
            .binary_search_by_key(&number, |one| one.number)
            .ok()?;
        self.all.get_mut(at)
    }

    /// Every event, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.all.iter()
    }

    /// Forgets those that have ended.
    pub fn clear_ended(&mut self) {
        self.all.retain(|one| one.fate == Fate::Waiting);
    }

    /// The subscriptions of the events that end here, each once.
    pub(super) fn end(&mut self, numbers: &[u64], fate: Fate) -> Vec<String> {
        let mut subscriptions = Vec::new();
        for number in numbers {
            let Some(event) = self.find_mut(*number) else {
                continue;
            };
            // A doubled notification was got if one of the two was.
            if event.fate == Fate::Waiting {
                event.fate = fate;
                if event.flaw.is_none() && event.change_type.is_some() {
                    subscriptions.push(event.subscription.clone());
                }
            }
        }
        subscriptions.sort_unstable();
        subscriptions.dedup();
        subscriptions
    }

    /// Counts one attempt of a POST for each of its events.
    pub(super) fn sent(&mut self, numbers: &[u64], accepted: bool) {
        for number in numbers {
            let Some(event) = self.find_mut(*number) else {
                continue;
            };
            event.sent += 1;
            if accepted {
                event.accepted += 1;
                event.fate = Fate::Accepted;
            }
        }
    }
}
