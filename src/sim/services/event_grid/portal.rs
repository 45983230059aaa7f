//! The portal: topics, and event subscriptions by hand.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{EventGrid, Topic};
use crate::sim::services::{Ask, Refused, Reply};

impl EventGrid {
    /// Makes a system topic in a resource group, given by its id, that is ready after a while.
    pub fn portal_create_topic(&self, group: &str, name: &str, ready_in: SignedDuration) {
        self.with(|topics, now| {
            topics.push(Topic {
                id: format!("{group}/providers/Microsoft.EventGrid/systemTopics/{name}"),
                ready_at: now + ready_in,
                subscriptions: BTreeMap::new(),
            });
        });
    }

    /// Makes an event subscription by hand.
    ///
    /// # Errors
    /// Where there is no such topic, or no name or properties, or it is not ready. That the portal fails then as well is
    /// our reading: the report (pulumi-azure-native#1681) says that it worked by hand, later.
    pub fn portal_create(&self, topic: &str, name: &str, with: &Value) -> Result<(), Refused> {
        self.with(|topics, now| {
            let topic = find(topics, topic)?;
            if name.is_empty() || !with.is_object() {
                return Err(Refused("a name and properties are needed".to_owned()));
            }
            if now < topic.ready_at {
                return Err(Refused("the deployment failed".to_owned()));
            }
            topic.subscriptions.insert(name.to_owned(), with.clone());
            Ok(())
        })
    }

    /// The names of a topic's event subscriptions.
    ///
    /// # Errors
    /// Where there is no such topic.
    pub fn portal_event_subscriptions(&self, topic: &str) -> Result<Vec<String>, Refused> {
        self.with(|topics, _| Ok(find(topics, topic)?.subscriptions.keys().cloned().collect()))
    }
}

fn find<'t>(topics: &'t mut [Topic], name: &str) -> Result<&'t mut Topic, Refused> {
    let ending = format!("/{name}");
    let found = topics.iter_mut().find(|topic| topic.id.ends_with(&ending));
    found.ok_or_else(|| Refused(format!("there is no topic {name}")))
}

/// Over HTTP.
pub(super) fn answer(service: &EventGrid, ask: &Ask) -> Reply {
    let segments = ask.segments();
    let ["_portal", "topics", topic, "event-subscriptions"] = segments.as_slice() else {
        return Reply::text(404, DEEDS);
    };
    let body = Value::Object(ask.object().unwrap_or_default());
    let name = body["name"].as_str().unwrap_or_default();
    let outcome = match ask.method.as_str() {
        "GET" => {
            let names = service.portal_event_subscriptions(topic);
            names.map(|names| json!({"value": names}))
        }
        "POST" => service
            .portal_create(topic, name, &body["properties"])
            .map(|()| json!({})),
        _ => return Reply::text(404, DEEDS),
    };
    match outcome {
        Ok(body) => Reply::json(200, &body),
        Err(refused) => refused.reply(),
    }
}

const DEEDS: &str = "GET /_portal/topics/{topic}/event-subscriptions; POST there {name,properties}";
