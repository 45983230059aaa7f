//! Notifications under way: queue, attempts, retries, and their log.
//!
//! Any 2xx within 3 s is delivered; anything else is tried again with a 10 s time-out, backing
//! off exponentially for up to 4 hours ("delivery by webhooks", 2026-04-22). Back-off runs on
//! the virtual clock: a jump over hours makes every retry of those hours happen, one after
//! another, at once. (Slow and drop states of an endpoint would go between `take_due` and `record`.)

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
    /// Given up after four hours.
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
    /// The body.
    pub body: Value,
    /// Where it stands.
    pub standing: Standing,
    /// Attempts so far.
    pub attempts: Vec<Attempt>,
    #[serde(skip)]
    due: Timestamp,
    #[serde(skip)]
    give_up: Timestamp,
}

/// One attempt to make.
#[derive(Clone, PartialEq, Debug)]
pub struct Sending {
    /// Of which delivery.
    pub number: u64,
    /// Where to.
    pub url: String,
    /// The body.
    pub body: Value,
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
    /// Queues a POST that is due now; answers its number.
    pub fn queue(
        &mut self,
        url: &str,
        cargo: Cargo,
        subscriptions: Vec<String>,
        items: Vec<Value>,
        now: Timestamp,
        settings: &DeliverySettings,
    ) -> u64 {
        self.last_number += 1;
        if self.all.len() >= LOG_MAX {
            let ended = |one: &Delivery| one.ended();
            if let Some(at) = self.all.iter().position(ended) {
                self.all.remove(at);
            }
        }
        let hours = SignedDuration::from_secs(clamp_s(settings.give_up_min.saturating_mul(60)));
        self.all.push_back(Delivery {
            number: self.last_number,
            url: url.to_owned(),
            cargo,
            subscriptions,
            body: serde_json::json!({ "value": items }),
            standing: Standing::Waiting,
            attempts: Vec::new(),
            due: now,
            give_up: now.checked_add(hours).unwrap_or(Timestamp::MAX),
        });
        self.last_number
    }

    /// The attempts that are due, at most so many, marked as under way.
    pub fn take_due(
        &mut self,
        now: Timestamp,
        most: usize,
        settings: &DeliverySettings,
    ) -> Vec<Sending> {
        self.all
            .iter_mut()
            .filter(|one| one.standing == Standing::Waiting && one.due <= now)
            .take(most)
            .map(|one| {
                one.standing = Standing::Sending;
                let ms = if one.attempts.is_empty() {
                    settings.timeout_ms
                } else {
                    settings.retry_timeout_ms
                };
                Sending {
                    number: one.number,
                    url: one.url.clone(),
                    body: one.body.clone(),
                    timeout: Duration::from_millis(ms),
                }
            })
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

    /// Writes down how an attempt ended, and plans the next one.
    pub fn record(
        &mut self,
        number: u64,
        outcome: Result<u16, String>,
        settings: &DeliverySettings,
    ) {
        let Ok(at) = self.all.binary_search_by_key(&number, |one| one.number) else {
            return;
        };
        let one = &mut self.all[at];
        let delivered = matches!(outcome, Ok(200..=299));
        one.attempts.push(Attempt {
            due: one.due.to_string(),
            status: outcome.as_ref().ok().copied(),
            error: outcome.err(),
        });
        if delivered {
            one.standing = Standing::Delivered;
            return;
        }
        let doublings = (one.attempts.len() - 1).min(32) as u32;
        let wait_s = settings
            .first_backoff_s
            .max(1)
            .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX));
        let next = one
            .due
            .checked_add(SignedDuration::from_secs(clamp_s(wait_s)));
        match next {
            Ok(due) if due <= one.give_up => {
                one.due = due;
                one.standing = Standing::Waiting;
            }
            _ => one.standing = Standing::Dropped,
        }
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

    #[test]
    fn a_failing_endpoint_is_tried_for_four_hours_and_then_dropped() {
        let settings = DeliverySettings::default();
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut all = Deliveries::default();
        all.queue("http://x", Cargo::Change, vec![], vec![], start, &settings);
        let (mut now, mut timeouts, mut waits) = (start, Vec::new(), Vec::new());
        while let Some(due) = all.next_due() {
            waits.push(due.duration_since(now).as_secs());
            now = due;
            for sending in all.take_due(now, 64, &settings) {
                timeouts.push(sending.timeout.as_secs());
                all.record(sending.number, Err("refused".into()), &settings);
            }
        }
        assert_eq!(waits[..5], [0, 10, 20, 40, 80]);
        assert_eq!(timeouts[..3], [3, 10, 10]);
        assert!(now.duration_since(start) <= SignedDuration::from_hours(4));
        let one = all.all().next().unwrap();
        assert_eq!((one.standing, one.attempts.len()), (Standing::Dropped, 11));
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
            let number = all.queue("http://x", Cargo::Change, vec![], vec![], now, &settings);
            all.take_due(now, 64, &settings);
            all.record(number, Ok(status), &settings);
            assert_eq!(all.all().last().unwrap().standing, standing, "{status}");
        }
    }
}
