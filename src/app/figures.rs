//! What all instances of the intake have counted, added up, and how far the endpoint is from
//! being slowed down.
//!
//! Graph's clock begins before ours and ends after it: the network is in it and, behind a
//! Functions host, the host's share, which under load is far above ours (a host was seen at
//! 20 ms for half of the posts and 75 ms for one in a hundred, at 32 connections, where the
//! handler itself took less than one). What is measured here is therefore a lower bound, and
//! whoever shows it says so. Where a platform tells in a header when a request came in, the
//! share before us is estimated.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::statistics::InstanceFigures;
use crate::domain::governor::{Answers, GovernorRules, Standing, Treatment};
use crate::domain::times::{BOUNDS_MS, Times};

/// The words that stand beside every figure about Graph's patience.
pub const CAVEAT: &str = "measured on this app's own clock: Graph's includes the network and the \
    Functions host's share, which under load is far above ours, so the true distance is smaller";

/// The sum over all instances.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sums {
    /// When they were added up.
    pub at: Timestamp,
    /// The instances that are known, the one that wrote last first.
    pub instances: Vec<Instance>,
    /// Requests that were answered after they were read.
    pub requests: u64,
    /// Events written to sinks.
    pub written: u64,
    /// Certain repeats that were suppressed.
    pub repeats: u64,
    /// Items refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Requests answered 503, by reason.
    pub delayed: BTreeMap<String, u64>,
    /// Requests that were no notification.
    pub unreadable: u64,
    /// Items at the wrong one of the two addresses.
    pub wrong_route: u64,
    /// Wake marks left.
    pub marks: u64,
    /// Handshakes answered, each invocation once.
    pub handshakes: u64,
    /// When an item was last accepted.
    pub last_accepted: Option<Timestamp>,
    /// How long answers took.
    pub took: TookReport,
    /// Where the endpoint stands, on our clock.
    pub standing: StandingReport,
    /// What came before us, where the platform says when a request came in.
    pub before_us: Option<BeforeUs>,
    /// The words that belong to `standing`.
    pub caveat: &'static str,
}

/// One instance.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// When it began.
    pub began: Timestamp,
    /// When it last wrote.
    pub at: Timestamp,
    /// How old that is, in seconds.
    pub age_s: i64,
    /// Requests that it answered.
    pub requests: u64,
}

/// How long answers took.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TookReport {
    /// Upper bounds of the classes, in milliseconds.
    pub bounds_ms: [u64; BOUNDS_MS.len()],
    /// Counts by class, and last those above all bounds.
    pub counts: Vec<u64>,
    /// Half of the answers came within this bound.
    pub half_within_ms: Option<u64>,
    /// Of a hundred answers, ninety-nine came within this bound.
    pub p99_within_ms: Option<u64>,
}

/// Where the endpoint stands within Graph's window.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StandingReport {
    /// `prompt`, `slow` or `drop`.
    pub treatment: &'static str,
    /// Answers within the window.
    pub answers: u64,
    /// Those over Graph's first limit.
    pub over_slow: u64,
    /// Those over its second one.
    pub over_drop: u64,
    /// The share over the first limit, in percent, and the share at which Graph slows down.
    pub slow_percent: f64,
    /// See `slow_percent`.
    pub slow_at_percent: f64,
    /// The share over the second limit, and the share at which Graph drops.
    pub drop_percent: f64,
    /// See `drop_percent`.
    pub drop_at_percent: f64,
    /// Late answers in a row until *slow*.
    pub left_until_slow: u64,
    /// Very late answers in a row until *drop*.
    pub left_until_drop: u64,
}

/// The time between a platform's mark and our first byte.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeforeUs {
    /// Requests that carried a mark.
    pub requests: u64,
    /// Their mean time before us, in milliseconds.
    pub mean_ms: u64,
    /// The longest, in milliseconds.
    pub max_ms: u64,
    /// Where the endpoint stands with that time added, as an estimate: the clocks of two
    /// machines are compared, and whoever calls can write the header.
    pub standing: StandingReport,
}

impl StandingReport {
    fn of(answers: Answers, rules: &GovernorRules) -> Self {
        let standing = Standing::of(answers, rules);
        let percent = |part: u64| match answers.all {
            0 => 0.0,
            all => part as f64 * 100.0 / all as f64,
        };
        Self {
            treatment: match standing.treatment {
                Treatment::Prompt => "prompt",
                Treatment::Slow => "slow",
                Treatment::Drop => "drop",
            },
            answers: answers.all,
            over_slow: answers.over_slow,
            over_drop: answers.over_drop,
            slow_percent: percent(answers.over_slow),
            slow_at_percent: f64::from(rules.slow_per_mille) / 10.0,
            drop_percent: percent(answers.over_drop),
            drop_at_percent: f64::from(rules.drop_per_mille) / 10.0,
            left_until_slow: standing.left_until_slow,
            left_until_drop: standing.left_until_drop,
        }
    }
}

impl Sums {
    /// Adds the documents up, as of a moment. Answers count only from documents that are younger
    /// than Graph's window; everything else since each instance began.
    pub fn of(mut all: Vec<InstanceFigures>, now: Timestamp, rules: &GovernorRules) -> Self {
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        let sum = |part: fn(&InstanceFigures) -> u64| {
            all.iter()
                .fold(0_u64, |sum, one| sum.saturating_add(part(one)))
        };
        let took = all
            .iter()
            .fold(Times::default(), |sum, one| sum + Times::of(&one.took));
        let marked = sum(|one| one.before.requests);
        let before_us = (marked > 0).then(|| BeforeUs {
            requests: marked,
            mean_ms: sum(|one| one.before.sum_ms) / marked,
            max_ms: all.iter().map(|one| one.before.max_ms).max().unwrap_or(0),
            standing: StandingReport::of(recent(&all, now, rules, |one| one.before.answers), rules),
        });
        Self {
            at: now,
            instances: all.iter().map(|one| Instance::of(one, now)).collect(),
            requests: sum(|one| one.requests),
            written: sum(|one| one.written),
            repeats: sum(|one| one.repeats),
            refused: by_reason(&all, |one| &one.refused),
            delayed: by_reason(&all, |one| &one.delayed),
            unreadable: sum(|one| one.unreadable),
            wrong_route: sum(|one| one.wrong_route),
            marks: sum(|one| one.marks),
            handshakes: sum(|one| one.handshakes),
            last_accepted: all.iter().filter_map(|one| one.last_accepted).max(),
            took: TookReport {
                bounds_ms: BOUNDS_MS,
                counts: took.counts().to_vec(),
                half_within_ms: took.within(500),
                p99_within_ms: took.within(990),
            },
            standing: StandingReport::of(recent(&all, now, rules, |one| one.answers), rules),
            before_us,
            caveat: CAVEAT,
        }
    }
}

impl Instance {
    fn of(one: &InstanceFigures, now: Timestamp) -> Self {
        Self {
            began: one.began,
            at: one.at,
            age_s: now.duration_since(one.at).as_secs().max(0),
            requests: one.requests,
        }
    }
}

fn recent(
    all: &[InstanceFigures],
    now: Timestamp,
    rules: &GovernorRules,
    answers: fn(&InstanceFigures) -> [u64; 3],
) -> Answers {
    let young = |one: &&InstanceFigures| now.duration_since(one.at) < rules.window;
    all.iter()
        .filter(young)
        .map(answers)
        .map(|[all, over_slow, over_drop]| Answers {
            all,
            over_slow,
            over_drop,
        })
        .fold(Answers::default(), std::ops::Add::add)
}

fn by_reason(
    all: &[InstanceFigures],
    of: fn(&InstanceFigures) -> &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (reason, count) in all.iter().flat_map(of) {
        let sum: &mut u64 = sums.entry(reason.clone()).or_default();
        *sum = sum.saturating_add(*count);
    }
    sums
}

/// How long an instance that still works may be silent: it writes once a minute while it works.
pub const FRESH: SignedDuration = SignedDuration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::statistics::BeforeFigures;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn instance(minutes_old: i64, answers: [u64; 3]) -> InstanceFigures {
        let at = NOW - SignedDuration::from_mins(minutes_old);
        InstanceFigures {
            requests: answers[0],
            refused: [("mac".to_owned(), 2)].into(),
            answers,
            took: vec![answers[0]],
            ..InstanceFigures::empty(at, at)
        }
    }

    #[test]
    fn counts_are_added_and_old_answers_are_left_out_of_the_window() {
        let all = vec![
            instance(30, [1000, 900, 900]),
            instance(1, [100, 5, 0]),
            instance(2, [100, 5, 1]),
        ];
        let sums = Sums::of(all, NOW, &GovernorRules::default());
        assert_eq!(sums.requests, 1200);
        assert_eq!(sums.refused["mac"], 6);
        assert_eq!(sums.took.half_within_ms, Some(3));
        let standing = sums.standing;
        assert_eq!((standing.answers, standing.over_slow), (200, 10));
        assert_eq!(standing.treatment, "prompt");
        assert!((standing.slow_percent - 5.0).abs() < 1e-9);
        assert_eq!(standing.left_until_slow, 12, "22 of 212 are over a tenth");
        let ages: Vec<i64> = sums.instances.iter().map(|one| one.age_s).collect();
        assert_eq!(ages, [60, 120, 1800], "the youngest first");
        assert_eq!(sums.before_us, None);
    }

    #[test]
    fn the_share_before_us_is_estimated_where_it_is_known() {
        let mut one = instance(1, [100, 0, 0]);
        one.before = BeforeFigures {
            requests: 50,
            sum_ms: 10_000,
            max_ms: 4_000,
            answers: [50, 10, 0],
        };
        let sums = Sums::of(vec![one], NOW, &GovernorRules::default());
        let before = sums.before_us.unwrap();
        assert_eq!((before.mean_ms, before.max_ms), (200, 4_000));
        assert_eq!(before.standing.treatment, "slow");
        assert_eq!(sums.standing.treatment, "prompt");
    }

    #[test]
    fn nothing_counted_is_nothing_known() {
        let sums = Sums::of(Vec::new(), NOW, &GovernorRules::default());
        assert_eq!(sums.standing.treatment, "prompt");
        assert_eq!(sums.standing.slow_percent, 0.0);
        assert!(sums.instances.is_empty());
    }
}
