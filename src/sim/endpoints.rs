//! How well each endpoint answers, and what Graph does about it: slow and drop states.
//!
//! "Delivery by webhooks": an endpoint of whose answers more than a tenth are late in a window
//! of ten minutes is slow, and new notifications reach it later; where more than 15 % are far
//! too late, notifications are dropped for ten minutes. The page changed its figures twice, so
//! they come in sets. What counts as an endpoint, host or address, it does not say.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::settings::{EndpointScope, EndpointSettings, StateRules};

/// Where an endpoint stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Notifications are sent at once.
    Normal,
    /// New notifications are sent later.
    Slow,
    /// New notifications are dropped, but for a few.
    Drop,
}

/// What happens to a new notification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It is due at this time.
    Due(Timestamp),
    /// It is dropped, for good.
    Dropped,
}

#[derive(Clone, Copy, Debug)]
struct Answered {
    at: Timestamp,
    late: bool,
    far_too_late: bool,
}

/// One endpoint.
#[derive(Clone, Debug)]
struct Endpoint {
    state: State,
    /// When the state is looked at again.
    until: Timestamp,
    /// Notifications that may still be sent before that, in drop state.
    samples: u32,
    answers: VecDeque<Answered>,
}

/// What is told of an endpoint.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct EndpointReport {
    /// Host and port, or the address.
    pub endpoint: String,
    /// Where it stands.
    pub state: State,
    /// When the state is looked at again, unless it is normal.
    pub until: Option<String>,
    /// Answers in the window.
    pub answers: usize,
    /// How many of them were beyond the threshold of the slow state.
    pub late: usize,
    /// How many were beyond that of the drop state.
    pub far_too_late: usize,
}

/// All endpoints.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    all: BTreeMap<String, Endpoint>,
}

impl Endpoints {
    /// What happens to a notification that is new at this moment.
    pub fn admit(&mut self, url: &str, now: Timestamp, settings: &EndpointSettings) -> Admission {
        let Some(rules) = settings.rules() else {
            return Admission::Due(now);
        };
        let Some(endpoint) = self.all.get_mut(&name_of(url, settings.per)) else {
            return Admission::Due(now);
        };
        endpoint.look_again(now, &rules);
        match endpoint.state {
            State::Normal => Admission::Due(now),
            State::Slow => Admission::Due(later(now, rules.slow_delay_s)),
            State::Drop if endpoint.samples > 0 && now >= endpoint.until => {
                endpoint.samples -= 1;
                Admission::Due(now)
            }
            State::Drop => Admission::Dropped,
        }
    }

    /// Counts an answer, or its absence, after `took` of real time.
    pub fn answered(
        &mut self,
        url: &str,
        took: Duration,
        now: Timestamp,
        settings: &EndpointSettings,
    ) {
        let Some(rules) = settings.rules() else {
            return;
        };
        let endpoint = self
            .all
            .entry(name_of(url, settings.per))
            .or_insert(Endpoint {
                state: State::Normal,
                until: now,
                samples: 0,
                answers: VecDeque::new(),
            });
        endpoint.look_again(now, &rules);
        endpoint.answers.push_back(Answered {
            at: now,
            late: took >= Duration::from_millis(rules.slow_over_ms),
            far_too_late: took >= Duration::from_millis(rules.drop_over_ms),
        });
        endpoint.forget_before(now, &rules);
        endpoint.judge(now, &rules);
    }

    /// Every endpoint that ever answered.
    pub fn report(&self) -> Vec<EndpointReport> {
        let all = self.all.iter().map(|(name, one)| EndpointReport {
            endpoint: name.clone(),
            state: one.state,
            until: (one.state != State::Normal).then(|| one.until.to_string()),
            answers: one.answers.len(),
            late: one.answers.iter().filter(|answer| answer.late).count(),
            far_too_late: one.answers.iter().filter(|it| it.far_too_late).count(),
        });
        all.collect()
    }
}

impl Endpoint {
    fn forget_before(&mut self, now: Timestamp, rules: &StateRules) {
        let window = SignedDuration::from_secs(seconds(rules.window_s));
        while self
            .answers
            .front()
            .is_some_and(|first| now.duration_since(first.at) > window)
        {
            self.answers.pop_front();
        }
    }

    /// Enters a worse state.
    fn judge(&mut self, now: Timestamp, rules: &StateRules) {
        if self.answers.len() < rules.min_answers {
            return;
        }
        let (late, far) = self.percentages();
        if self.state != State::Drop && far > f64::from(rules.drop_over_percent) {
            self.enter(State::Drop, now, rules);
        } else if self.state == State::Normal && late > f64::from(rules.slow_over_percent) {
            self.enter(State::Slow, now, rules);
        }
    }

    /// Leaves a state whose time is over if the answers since were good, and stays otherwise.
    /// Without an answer nothing is known: it stays, and the next answer decides.
    fn look_again(&mut self, now: Timestamp, rules: &StateRules) {
        if self.state == State::Normal || now < self.until || self.answers.is_empty() {
            return;
        }
        let (late, far) = self.percentages();
        let bad = match self.state {
            State::Drop => far > f64::from(rules.drop_over_percent),
            _ => late > f64::from(rules.slow_over_percent),
        };
        if bad {
            self.enter(self.state, now, rules);
        } else {
            self.state = State::Normal;
        }
    }

    fn enter(&mut self, state: State, now: Timestamp, rules: &StateRules) {
        self.state = state;
        self.until = later(now, rules.window_s);
        self.samples = rules.samples;
        self.answers.clear();
    }

    fn percentages(&self) -> (f64, f64) {
        let share = |count: usize| {
            let all = u32::try_from(self.answers.len().max(1)).unwrap_or(u32::MAX);
            f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * 100.0 / f64::from(all)
        };
        let late = self.answers.iter().filter(|one| one.late).count();
        let far = self.answers.iter().filter(|one| one.far_too_late).count();
        (share(late), share(far))
    }
}

fn name_of(url: &str, per: EndpointScope) -> String {
    let parsed = url::Url::parse(url).ok().filter(url::Url::has_host);
    match (per, parsed) {
        (EndpointScope::Host, Some(url)) => {
            url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
        }
        _ => url.to_owned(),
    }
}

fn later(now: Timestamp, wait_s: u64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds(wait_s)))
        .unwrap_or(now)
}

/// Cut to ten years, so that adding them to a date cannot overflow much.
fn seconds(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).min(315_360_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::settings::RuleSet;

    const URL: &str = "http://127.0.0.1:9/n";

    fn start() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn mins(count: i64) -> SignedDuration {
        SignedDuration::from_mins(count)
    }

    /// An endpoint after 100 answers, so many of them this late.
    fn after(settings: &EndpointSettings, late: usize, took_ms: u64) -> Endpoints {
        let mut all = Endpoints::default();
        for number in 0..100 {
            let took = if number < 100 - late { 5 } else { took_ms };
            all.answered(URL, Duration::from_millis(took), start(), settings);
        }
        all
    }

    fn set(set: RuleSet) -> EndpointSettings {
        EndpointSettings {
            set,
            ..EndpointSettings::default()
        }
    }

    #[track_caller]
    fn check_state(rules: RuleSet, late: usize, took_ms: u64, state: State) {
        let all = after(&set(rules), late, took_ms);
        let got = all.report().first().map_or(State::Normal, |one| one.state);
        assert_eq!(got, state, "{rules:?} {late} {took_ms}");
    }

    #[test]
    fn each_set_of_rules_has_its_own_thresholds() {
        check_state(RuleSet::Y2026, 10, 3_000, State::Normal);
        check_state(RuleSet::Y2026, 11, 3_000, State::Slow);
        check_state(RuleSet::Y2026, 50, 9_999, State::Slow);
        check_state(RuleSet::Y2026, 100, 10_000, State::Drop);
        check_state(RuleSet::Y2025, 100, 9_999, State::Normal);
        check_state(RuleSet::Y2025, 11, 10_000, State::Slow);
        check_state(RuleSet::Y2024, 100, 3_000, State::Drop);
        check_state(RuleSet::Off, 100, 60_000, State::Normal);
    }

    #[test]
    fn a_slow_endpoint_hears_later_until_ten_good_minutes() {
        let settings = set(RuleSet::Y2026);
        let mut all = after(&settings, 11, 3_000);
        let later = Admission::Due(start() + mins(10));
        assert_eq!(all.admit(URL, start(), &settings), later);
        let other = "http://127.0.0.1:10/n";
        let at_once = Admission::Due(start());
        assert_eq!(all.admit(other, start(), &settings), at_once);
        let now = start() + mins(10);
        all.answered(URL, Duration::from_millis(5), now, &settings);
        assert_eq!(all.admit(URL, now, &settings), Admission::Due(now));
        assert_eq!(all.report()[0].state, State::Normal);
    }

    #[test]
    fn a_dropped_endpoint_hears_nothing_for_ten_minutes_and_then_a_few() {
        let settings = set(RuleSet::Y2026);
        let mut all = after(&settings, 100, 10_000);
        let soon = start() + mins(9);
        assert_eq!(all.admit(URL, soon, &settings), Admission::Dropped);
        let now = start() + mins(10);
        let samples = settings.rules().unwrap().samples;
        for _ in 0..samples {
            assert_eq!(all.admit(URL, now, &settings), Admission::Due(now));
        }
        assert_eq!(all.admit(URL, now, &settings), Admission::Dropped);
        all.answered(URL, Duration::from_secs(10), now, &settings);
        assert_eq!(all.admit(URL, now, &settings), Admission::Dropped);
        let now = now + mins(10);
        all.answered(URL, Duration::from_millis(5), now, &settings);
        assert_eq!(all.admit(URL, now, &settings), Admission::Due(now));
    }

    #[test]
    fn few_answers_decide_nothing() {
        let settings = set(RuleSet::Y2026);
        let mut all = Endpoints::default();
        for _ in 0..99 {
            all.answered(URL, Duration::from_secs(60), start(), &settings);
        }
        let at_once = Admission::Due(start());
        assert_eq!(all.admit(URL, start(), &settings), at_once);
    }
}
