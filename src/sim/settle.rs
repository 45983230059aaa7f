//! What follows from an attempt, and what the clock brings by itself.

use jiff::{SignedDuration, Timestamp};

use super::clock::At;
use super::deliveries::{Cargo, Outcome, Sending, Standing};
use super::emit::queue_lifecycle;
use super::events::Fate;
use super::kinds::Kind;
use super::row::Row;
use super::service::Service;

/// Latest events among which a `missed` under way is looked for.
const PENDING_LOOKED_AT: usize = 1_000;

impl Service {
    /// The attempts to make now, at most so many.
    pub(super) fn due(&mut self, at: At, most: usize) -> Vec<Sending> {
        self.prompt(at.now);
        let settings = &self.settings.delivery;
        let order = settings.reorder.then_some(&mut self.rng);
        self.deliveries.take_due(at.now, most, settings, order)
    }

    /// When something is due next, unless it is told otherwise before.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let prompt = self.unprompted(now).map(|(_, due)| due).min();
        self.deliveries.next_due().into_iter().chain(prompt).min()
    }

    /// Writes down how an attempt ended, with all that follows.
    pub(super) fn attempted(&mut self, at: At, sending: &Sending, outcome: Outcome) {
        let settings = &self.settings.delivery;
        let accepted = matches!(outcome.answer, Ok(200..=299));
        let took = outcome.took;
        let Some(one) = self.deliveries.record(sending.number, outcome, settings) else {
            return;
        };
        let (events, standing, cargo) = (one.events.clone(), one.standing, one.cargo);
        self.events.sent(&events, accepted);
        if cargo != Cargo::Forged {
            self.endpoints
                .answered(&sending.url, took, at.now, &settings.endpoints);
        }
        if standing == Standing::Dropped {
            self.lose(&events, Fate::Dropped, at.now);
        }
    }

    /// These events reach nobody. Graph says so by `missed` for Outlook's kinds (lifecycle
    /// events page), where there is an address for it, and once while it is under way.
    pub(super) fn lose(&mut self, events: &[u64], fate: Fate, now: Timestamp) {
        let subscriptions = self.events.end(events, fate);
        if !self.settings.delivery.announce_missed {
            return;
        }
        for id in subscriptions {
            let Some(row) = self.store.live(&id, now).cloned() else {
                continue;
            };
            let tells = matches!(row.kind, Kind::Message | Kind::Event | Kind::Contact);
            let under_way = self
                .events
                .all()
                .rev()
                .take(PENDING_LOOKED_AT)
                .any(|event| {
                    event.subscription == id
                        && event.fate == Fate::Waiting
                        && event.lifecycle_event.as_deref() == Some("missed")
                });
            if tells && row.lifecycle_url.is_some() && !under_way {
                // An address was just seen, so nothing can be wrong with the order.
                let _ = queue_lifecycle(self, &row, "missed", now);
            }
        }
    }

    /// Asks for what is near its end, once for each expiry.
    fn prompt(&mut self, now: Timestamp) {
        let due: Vec<Row> = self
            .unprompted(now)
            .filter(|(_, due)| *due <= now)
            .map(|(row, _)| row.clone())
            .collect();
        for row in due {
            self.prompted.insert(row.id.clone(), row.expires);
            // Rows without an address for it were left out.
            let _ = queue_lifecycle(self, &row, "reauthorizationRequired", now);
        }
    }

    /// Rows that have not been asked to reauthorize for their present expiry, and when to ask.
    fn unprompted(&self, now: Timestamp) -> impl Iterator<Item = (&Row, Timestamp)> {
        let before = self.settings.delivery.reauthorize_before_min;
        let before = before.map(|minutes| SignedDuration::from_mins(i64::from(minutes)));
        let rows = before.map(|_| self.store.all()).into_iter().flatten();
        rows.filter(move |row| {
            row.is_live(now)
                && row.lifecycle_url.is_some()
                && self.prompted.get(&row.id) != Some(&row.expires)
        })
        .filter_map(move |row| Some((row, row.expires.checked_sub(before?).ok()?)))
    }
}
