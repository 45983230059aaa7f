//! The count at the end: what Graph truly sent, against what lies in the sink.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::Value;

use crate::sim::events::{Event, Fate};

/// What tells one item from another, as far as Graph says it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Print {
    subscription: String,
    /// Change type or lifecycle event.
    word: String,
    resource_id: Option<String>,
    etag: Option<String>,
    sequence: Option<i64>,
}

impl Print {
    fn of_sent(event: &Event) -> Self {
        let word = event.change_type.clone().or(event.lifecycle_event.clone());
        Self {
            subscription: event.subscription.clone(),
            word: word.unwrap_or_default(),
            resource_id: event.resource_id.clone(),
            etag: event.etag.clone(),
            sequence: event.sequence,
        }
    }

    fn of_item(item: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let data = &item["resourceData"];
        let word = text(&item["changeType"]).or(text(&item["lifecycleEvent"]));
        Self {
            subscription: text(&item["subscriptionId"]).unwrap_or_default(),
            word: word.unwrap_or_default(),
            resource_id: text(&data["id"]),
            etag: text(&data["@odata.etag"]),
            sequence: data["sequenceNumber"].as_i64(),
        }
    }
}

/// An event in the sink.
#[derive(Clone, Debug)]
pub(super) struct Got {
    /// Whether its repeats would have the same id.
    pub(super) certain: bool,
    /// The declared name.
    pub(super) name: String,
    /// The whole event.
    pub(super) event: Value,
    print: Print,
}

impl Got {
    /// Reads one event.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub(super) fn read(line: &str) -> anyhow::Result<Self> {
        let event: Value = serde_json::from_str(line).context("an event is no JSON")?;
        Ok(Self {
            certain: event["certain"] == true,
            name: event["subscription"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            print: Print::of_item(&event["data"]),
            event,
        })
    }
}

/// Both sides of the count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    /// Events that Graph sent and that were acknowledged.
    pub(super) sent: usize,
    /// How many of them the sink lacks.
    pub(super) missing: usize,
    /// Events with a certain identity, each counted once.
    pub(super) certain: usize,
    /// Events with a certain identity that stand in the sink more than once.
    pub(super) doubled: usize,
    /// Events in the sink that Graph never sent.
    pub(super) strange: usize,
}

impl Tally {
    /// Counts what lies in the sink against what was sent. Forgeries are no events of Graph's.
    pub(super) fn of(sent: &[Event], got: &[Got]) -> Self {
        // Events, and how often they were acknowledged.
        let mut truth: BTreeMap<Print, (usize, usize)> = BTreeMap::new();
        let genuine = sent.iter().filter(|event| event.flaw.is_none());
        for event in genuine.filter(|event| event.fate == Fate::Accepted) {
            let (events, acknowledged) = truth.entry(Print::of_sent(event)).or_default();
            *events += 1;
            *acknowledged += event.accepted as usize;
        }
        let mut found: BTreeMap<&Print, (usize, bool)> = BTreeMap::new();
        for one in got {
            let (count, certain) = found.entry(&one.print).or_default();
            *count += 1;
            *certain |= one.certain;
        }
        // What has no identity is not told from its repeats, so each repeat must be there.
        let lacking = |(print, (events, acknowledged)): (&Print, &(usize, usize))| {
            let (count, certain) = found.get(print).copied().unwrap_or_default();
            let due = if certain { events } else { acknowledged };
            due.saturating_sub(count)
        };
        let certain = found.iter().filter(|(_, (_, certain))| *certain);
        let strange = got.iter().filter(|one| !truth.contains_key(&one.print));
        Self {
            sent: truth.values().map(|(events, _)| events).sum(),
            missing: truth.iter().map(lacking).sum(),
            certain: certain.clone().count(),
            doubled: certain.filter(|(_, (count, _))| *count > 1).count(),
            strange: strange.count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sent(number: u64, fate: Fate, flaw: bool) -> Event {
        Event {
            number,
            at: String::new(),
            flaw: flaw.then_some(crate::sim::forge::Flaw::BadHmac),
            subscription: "s".to_owned(),
            tenant: String::new(),
            app: String::new(),
            change_type: Some("updated".to_owned()),
            lifecycle_event: None,
            resource: None,
            resource_id: Some(format!("r{number}")),
            etag: Some("e".to_owned()),
            sequence: None,
            notification_id: None,
            rich: false,
            deliveries: Vec::new(),
            sent: 1,
            accepted: 1,
            fate,
        }
    }

    fn got(number: u64, certain: bool) -> Got {
        let data = json!({"id": format!("r{number}"), "@odata.etag": "e"});
        let data = json!({"subscriptionId": "s", "changeType": "updated", "resourceData": data});
        Got::read(&json!({"certain": certain, "data": data}).to_string()).unwrap()
    }

    #[test]
    fn what_is_missing_doubled_or_strange_is_counted() {
        let all = [
            sent(1, Fate::Accepted, false),
            sent(2, Fate::Accepted, false),
            sent(3, Fate::Lost, false),
            sent(4, Fate::Accepted, true),
        ];
        let good = Tally::of(&all, &[got(1, true), got(2, false), got(2, false)]);
        let expected = Tally {
            sent: 2,
            certain: 1,
            ..Tally::default()
        };
        assert_eq!(good, expected);
        let bad = Tally::of(&all, &[got(1, true), got(1, true), got(4, true)]);
        assert_eq!((bad.missing, bad.doubled, bad.strange), (1, 1, 1));
    }
}
