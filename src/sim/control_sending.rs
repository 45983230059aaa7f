//! The control handle, as far as notifications go: what was sent, forgeries, signing keys.

use std::collections::BTreeMap;

use super::control::{Control, ControlError, Emitted, live_row, wrong};
use super::deliveries::Delivery;
use super::endpoints::EndpointReport;
use super::events::{Event, Fate};
use super::forge::{ForgeOrder, queue_forgeries};

impl Control {
    /// The delivery log, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.sim()
            .with(|service, _| service.deliveries.all().cloned().collect())
    }

    /// What was truly sent, item by item, beyond the entry of this number; 0 for all.
    pub fn events(&self, after: u64) -> Vec<Event> {
        self.sim().with(|service, _| {
            let all = service.events.all().filter(|event| event.number > after);
            all.cloned().collect()
        })
    }

    /// How many of Graph's own events met which fate, and how many forgeries there were.
    pub fn event_counts(&self) -> BTreeMap<&'static str, u64> {
        self.sim().with(|service, _| {
            let mut counts = BTreeMap::new();
            for event in service.events.all() {
                let name = match (event.flaw, event.fate) {
                    (Some(_), _) => "forged",
                    (None, Fate::Waiting) => "waiting",
                    (None, Fate::Accepted) => "accepted",
                    (None, Fate::Dropped) => "dropped",
                    (None, Fate::Lost) => "lost",
                };
                *counts.entry(name).or_default() += 1;
            }
            counts
        })
    }

    /// How well each endpoint answers.
    pub fn endpoints(&self) -> Vec<EndpointReport> {
        self.sim().with(|service, _| service.endpoints.report())
    }

    /// Sends forged notifications in a subscription's name.
    pub fn forge(&self, order: &ForgeOrder) -> Result<Emitted, ControlError> {
        let emitted = self.sim().with(|service, at| {
            let row = live_row(service, &order.subscription, at.now)?;
            queue_forgeries(service, order, &row, at.now)
        });
        self.sim().stir();
        emitted
    }

    /// Signs by a new key from now on; answers its `kid`. Without `keep`, tokens that were
    /// signed before can no longer be verified.
    pub fn rotate_keys(&self, keep: bool) -> Result<String, ControlError> {
        self.sim()
            .with(|service, _| service.publisher.rotate(keep).map_err(wrong))
    }
}
