//! Notifications under way: queue, attempts, retries, and their log.
//!
//! Any 2xx within 3 s is delivered; anything else is tried again with a 10 s time-out, backing
//! off exponentially for up to 4 hours ("delivery by webhooks", 2026-04-22). Back-off runs on
//! the virtual clock: a jump over hours makes every retry of those hours happen, one after
//! another, at once. Whether an endpoint is slow or dropped is decided in [`super::endpoints`].

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::settings::DeliverySettings;

/// Ended deliveries kept in the log.
pub const LOG_MAX: usize = 10_000;

/// What a POST carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cargo {
    /// Changes of resources.
    Change,
    /// Lifecycle events.
    Lifecycle,
    /// What Graph did not send: one attempt, no retry.
    Forged,
}

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its next attempt has a time.
    Waiting,
    /// An attempt is under way.
    Sending,
    /// Answered with 2xx in time.
    Delivered,
    /// Given up after four hours, or because the endpoint was in its drop state.
    Dropped,
}

/// One attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Attempt {
    /// When it was due, on the virtual clock.
    pub due: String,
    /// Status of the answer.
    pub status: Option<u16>,
    /// What went wrong where there was none.
    pub error: Option<String>,
    /// How long it took, in milliseconds of real time.
    pub took_ms: u64,
}

/// One POST, with its attempts.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Delivery {
    /// Number, from 1.
    pub number: u64,
    /// Where to.
    pub url: String,
    /// What it carries.
    pub cargo: Cargo,
    /// The subscriptions that its items belong to.
    pub subscriptions: Vec<String>,
    /// The numbers of its events.
    pub events: Vec<u64>,
    /// The body; a text is sent as it is, without quotes.
    pub body: Value,
    /// Where it stands.
    pub standing: Standing,
    /// Attempts so far.
    pub attempts: Vec<Attempt>,
    /// When the next attempt is due, on the virtual clock.
    #[serde(skip)]
    pub(super) due: Timestamp,
    #[serde(skip)]
    give_up: Timestamp,
}

/// A POST to queue.
#[derive(Clone, PartialEq, Debug)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// What it carries.
    pub cargo: Cargo,
    /// The subscriptions that its items belong to.
    pub subscriptions: Vec<String>,
    /// The numbers of its events.
    pub events: Vec<u64>,
    /// The body.
    pub body: Value,
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The status, or what went wrong.
    pub answer: Result<u16, String>,
    /// How long it took, in real time.
    pub took: Duration,
}

/// One attempt to make.
#[derive(Clone, PartialEq, Debug)]
pub struct Sending {
    /// Of which delivery.
    pub number: u64,
    /// Where to.
    pub url: String,
    /// The body.
    pub body: String,
    /// Time for the answer, in real time.
    pub timeout: Duration,
}

/// All deliveries.
#[derive(Debug, Default)]
pub struct Deliveries {
    all: VecDeque<Delivery>,
    last_number: u64,
}

impl Deliveries {
    /// Queues a POST for its time; answers its number.
    pub fn queue(&mut self, post: Post, due: Timestamp, settings: &DeliverySettings) -> u64 {
        self.last_number += 1;
        if self.all.len() >= LOG_MAX {
            let ended = |one: &Delivery| one.ended();
            if let Some(at) = self.all.iter().position(ended) {
                self.all.remove(at);
            }
        }
        let patience_s = match post.cargo {
            Cargo::Forged => 0,
            _ => clamp_s(settings.give_up_min.saturating_mul(60)),
        };
        let give_up = due.checked_add(SignedDuration::from_secs(patience_s));
        self.all.push_back(Delivery {
            number: self.last_number,
            url: post.url,
            cargo: post.cargo,
            subscriptions: post.subscriptions,
            events: post.events,
            body: post.body,
            standing: Standing::Waiting,
            attempts: Vec::new(),
            due,
            give_up: give_up.unwrap_or(Timestamp::MAX),
        });
        self.last_number
    }

    /// The first POST of the same kind to the same address that still waits for more items.
    pub(super) fn open(
        &mut self,
        url: &str,
        cargo: Cargo,
        now: Timestamp,
    ) -> Option<&mut Delivery> {
        self.all.iter_mut().rev().find(|one| {
            one.standing == Standing::Waiting
                && one.attempts.is_empty()
                && one.due > now
                && one.cargo == cargo
                && one.url == url
        })
    }

    /// The attempts that are due, at most so many, marked as under way. `order` draws another
    /// order than that of the queue.
    pub fn take_due(
        &mut self,
        now: Timestamp,
        most: usize,
        settings: &DeliverySettings,
        order: Option<&mut fastrand::Rng>,
    ) -> Vec<Sending> {
        let mut due: Vec<&mut Delivery> = self
            .all
            .iter_mut()
            .filter(|one| one.standing == Standing::Waiting && one.due <= now)
            .collect();
        if let Some(rng) = order {
            rng.shuffle(&mut due);
        }
        due.into_iter()
            .take(most)
            .map(|one| one.begin(settings))
            .collect()
    }

    /// When the next waiting delivery is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.all
            .iter()
            .filter(|one| one.standing == Standing::Waiting)
            .map(|one| one.due)
            .min()
    }

    /// Writes down how an attempt ended, and plans the next one; answers the delivery as it
    /// stands then.
    pub fn record(
        &mut self,
        number: u64,
        outcome: Outcome,
        settings: &DeliverySettings,
    ) -> Option<&Delivery> {
        let at = self
            .all
            .binary_search_by_key(&number, |one| one.number)
            .ok()?;
        let one = self.all.get_mut(at)?;
        let delivered = matches!(outcome.answer, Ok(200..=299));
        one.attempts.push(Attempt {
            due: one.due.to_string(),
            status: outcome.answer.as_ref().ok().copied(),
            error: outcome.answer.err(),
            took_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        });
        if delivered {
            one.standing = Standing::Delivered;
        } else {
            one.plan_retry(settings);
        }
        Some(one)
    }

    /// Gives one up without an attempt; answers it.
    pub(super) fn drop_unsent(&mut self, number: u64) -> Option<&Delivery> {
        let at = self.all.binary_search_by_key(&number, |one| one.number);
        let one = self.all.get_mut(at.ok()?)?;
        one.standing = Standing::Dropped;
        Some(one)
    }

    /// Every delivery, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Delivery> {
        self.all.iter()
    }

    /// Forgets those that have ended.
    pub fn clear_ended(&mut self) {
        self.all.retain(|one| !one.ended());
    }
}

impl Delivery {
    fn begin(&mut self, settings: &DeliverySettings) -> Sending {
        self.standing = Standing::Sending;
        let ms = if self.attempts.is_empty() {
            settings.timeout_ms
        } else {
            settings.retry_timeout_ms
        };
        Sending {
            number: self.number,
            url: self.url.clone(),
            body: match &self.body {
                Value::String(text) => text.clone(),
                body => body.to_string(),
            },
            timeout: Duration::from_millis(ms),
        }
    }

    fn plan_retry(&mut self, settings: &DeliverySettings) {
        let doublings = (self.attempts.len().saturating_sub(1)).min(32) as u32;
        let wait_s = settings
            .first_backoff_s
            .max(1)
            .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        let next = self
            .due
            .checked_add(SignedDuration::from_secs(clamp_s(wait_s)));
        match next {
            Ok(due) if due <= self.give_up => {
                self.due = due;
                self.standing = Standing::Waiting;
            }
            _ => self.standing = Standing::Dropped,
        }
    }

    fn ended(&self) -> bool {
        matches!(self.standing, Standing::Delivered | Standing::Dropped)
    }
}

/// Seconds, cut to ten years, so that adding them to a date cannot overflow much.
fn clamp_s(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).min(315_360_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post() -> Post {
        Post {
            url: "http://x".into(),
            cargo: Cargo::Change,
            subscriptions: vec![],
            events: vec![],
            body: Value::Null,
        }
    }

    fn ended(answer: Result<u16, String>) -> Outcome {
        let took = Duration::ZERO;
        Outcome { answer, took }
    }

    #[test]
    fn a_failing_endpoint_is_tried_for_four_hours_and_then_dropped() {
        let settings = DeliverySettings::default();
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut all = Deliveries::default();
        all.queue(post(), start, &settings);
        let (mut now, mut timeouts, mut waits) = (start, Vec::new(), Vec::new());
        while let Some(due) = all.next_due() {
            waits.push(due.duration_since(now).as_secs());
            now = due;
            for sending in all.take_due(now, 64, &settings, None) {
                timeouts.push(sending.timeout.as_secs());
                all.record(sending.number, ended(Err("refused".into())), &settings);
            }
        }
        assert_eq!(waits[..5], [0, 10, 20, 40, 80]);
        assert_eq!(timeouts[..3], [3, 10, 10]);
        assert!(now.duration_since(start) <= SignedDuration::from_hours(4));
        let one = all.all().next().unwrap();
        assert_eq!((one.standing, one.attempts.len()), (Standing::Dropped, 11));
    }

    #[test]
    fn a_forged_post_is_sent_once() {
        let settings = DeliverySettings::default();
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut all = Deliveries::default();
        let forged = Post {
            cargo: Cargo::Forged,
            body: "not json".into(),
            ..post()
        };
        let number = all.queue(forged, now, &settings);
        assert_eq!(all.take_due(now, 1, &settings, None)[0].body, "not json");
        let one = all.record(number, ended(Ok(503)), &settings).unwrap();
        assert_eq!(one.standing, Standing::Dropped);
    }

    #[test]
    fn any_2xx_is_delivered() {
        let settings = DeliverySettings::default();
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut all = Deliveries::default();
        for (status, standing) in [
            (202, Standing::Delivered),
            (204, Standing::Delivered),
            (302, Standing::Waiting),
            (503, Standing::Waiting),
        ] {
            let number = all.queue(post(), now, &settings);
            all.take_due(now, 64, &settings, None);
            all.record(number, ended(Ok(status)), &settings);
            assert_eq!(all.all().last().unwrap().standing, standing, "{status}");
        }
    }
}
