//! The endpoint governor: our own answers, measured by the rules by which Graph slows an
//! endpoint down and drops its notifications.
//!
//! Graph's clock starts earlier than ours and stops later: it includes the network and, behind
//! a Functions host, the host's share, which under load is far above ours. A figure of the
//! governor is therefore a lower bound of what Graph measures. Whoever shows it says so, and
//! adds the host's share where the platform gives a start time.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::duration;

/// Graph's rules (its page on webhook delivery, 2026-04-22; earlier pages had other numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GovernorRules {
    /// An answer that takes longer counts towards *slow*.
    pub slow_after: SignedDuration,
    /// More answers than this share of them, in parts of a thousand: *slow*.
    pub slow_per_mille: u16,
    /// An answer that takes longer counts towards *drop*.
    pub drop_after: SignedDuration,
    /// More answers than this share of them, in parts of a thousand: *drop*.
    pub drop_per_mille: u16,
    /// Over how long both are measured.
    pub window: SignedDuration,
}

impl Default for GovernorRules {
    fn default() -> Self {
        Self {
            slow_after: SignedDuration::from_secs(3),
            slow_per_mille: 100,
            drop_after: SignedDuration::from_secs(10),
            drop_per_mille: 150,
            window: SignedDuration::from_mins(10),
        }
    }
}

/// Rules that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write five words such as 3s 10% 10s 15% 10m: the time and the share of answers above it for \
     slow, the same for drop, and the window"
)]
pub struct NoRules;

impl GovernorRules {
    /// Reads the five words of rules, such as `3s 10% 10s 15% 10m`.
    ///
    /// # Errors
    /// [`NoRules`] for any other form, and where slow would come after drop.
    pub fn parse(text: &str) -> Result<Self, NoRules> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [slow_after, slow, drop_after, drop, window] = words[..] else {
            return Err(NoRules);
        };
        let time = |word: &str| {
            let time = duration::parse(word).ok()?;
            (time > SignedDuration::ZERO && time <= SignedDuration::from_hours(1)).then_some(time)
        };
        let share = |word: &str| {
            let percent: u16 = word.strip_suffix('%')?.parse().ok()?;
            (1..100).contains(&percent).then_some(percent * 10)
        };
        let read = || {
            Some(Self {
                slow_after: time(slow_after)?,
                slow_per_mille: share(slow)?,
                drop_after: time(drop_after)?,
                drop_per_mille: share(drop)?,
                window: time(window)?,
            })
        };
        read()
            .filter(|rules| rules.slow_after <= rules.drop_after)
            .ok_or(NoRules)
    }
}

/// The window moves in steps of this part of its length.
const STEPS: i32 = 20;

/// Counts of answers. Those of several instances may be added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    /// All answers.
    pub all: u64,
    /// Those that took longer than Graph waits at first.
    pub over_slow: u64,
    /// Those that took longer than Graph waits at a retry.
    pub over_drop: u64,
}

impl std::ops::Add for Answers {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            all: self.all.saturating_add(other.all),
            over_slow: self.over_slow.saturating_add(other.over_slow),
            over_drop: self.over_drop.saturating_add(other.over_drop),
        }
    }
}

/// How Graph would treat an endpoint with these answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Treatment {
    /// Notifications come at once.
    Prompt,
    /// New notifications come ten minutes late.
    Slow,
    /// Notifications are thrown away.
    Drop,
}

/// Where the endpoint stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The counts behind it.
    pub answers: Answers,
    /// What Graph would do by now.
    pub treatment: Treatment,
    /// How many more late answers in a row until *slow*; 0 once it is reached.
    pub left_until_slow: u64,
    /// How many more very late answers in a row until *drop*; 0 once it is reached.
    pub left_until_drop: u64,
}

impl Standing {
    /// The standing that these counts give.
    pub fn of(answers: Answers, rules: &GovernorRules) -> Self {
        let left_until_slow = left(answers.all, answers.over_slow, rules.slow_per_mille);
        let left_until_drop = left(answers.all, answers.over_drop, rules.drop_per_mille);
        let treatment = match (left_until_slow, left_until_drop) {
            (_, 0) => Treatment::Drop,
            (0, _) => Treatment::Slow,
            _ => Treatment::Prompt,
        };
        Self {
            answers,
            treatment,
            left_until_slow,
            left_until_drop,
        }
    }
}

/// How many late answers may still be added before their share is above the limit: the
/// smallest `more` with `(late + more) / (all + more) > limit`.
fn left(all: u64, late: u64, per_mille: u16) -> u64 {
    let limit = u128::from(per_mille.min(999));
    let (all, late) = (u128::from(all), u128::from(late));
    if late * 1000 > all * limit {
        return 0;
    }
    let more = (all * limit - late * 1000) / (1000 - limit) + 1;
    u64::try_from(more).unwrap_or(u64::MAX)
}

/// Counts answers over a moving window.
#[derive(Clone, Debug)]
pub struct Governor {
    rules: GovernorRules,
    /// Counts by the beginning of their step, the oldest first.
    steps: VecDeque<(Timestamp, Answers)>,
}

impl Governor {
    /// A governor by these rules.
    pub fn new(rules: GovernorRules) -> Self {
        Self {
            rules,
            steps: VecDeque::new(),
        }
    }

    /// Counts an answer that took so long, on our own clock.
    pub fn note(&mut self, now: Timestamp, took: SignedDuration) {
        self.forget(now);
        let one = Answers {
            all: 1,
            over_slow: u64::from(took > self.rules.slow_after),
            over_drop: u64::from(took > self.rules.drop_after),
        };
        let step = self.rules.window / STEPS;
        match self.steps.back_mut() {
            Some((begun, answers)) if now.duration_since(*begun) < step => {
                *answers = *answers + one;
            }
            _ => self.steps.push_back((now, one)),
        }
    }

    /// The counts within the window.
    pub fn answers(&mut self, now: Timestamp) -> Answers {
        self.forget(now);
        self.steps
            .iter()
            .fold(Answers::default(), |sum, (_, answers)| sum + *answers)
    }

    /// Where the endpoint stands.
    pub fn standing(&mut self, now: Timestamp) -> Standing {
        Standing::of(self.answers(now), &self.rules)
    }

    fn forget(&mut self, now: Timestamp) {
        let window = self.rules.window;
        while self
            .steps
            .front()
            .is_some_and(|(begun, _)| now.duration_since(*begun) >= window)
        {
            self.steps.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[track_caller]
    fn check_left(all: u64, late: u64, per_mille: u16) {
        let more = left(all, late, per_mille);
        let over = |more: u64| (late + more) * 1000 > (all + more) * u64::from(per_mille);
        assert!(over(more), "{all} {late}: {more} are enough");
        assert!(
            more == 0 || !over(more - 1),
            "{all} {late}: {more} are needed"
        );
    }

    #[test]
    fn the_distance_is_the_fewest_late_answers_that_pass_the_limit() {
        for all in 0..60 {
            for late in 0..=all {
                check_left(all, late, 100);
                check_left(all, late, 150);
            }
        }
        assert_eq!(left(u64::MAX, 0, 999), u64::MAX);
    }

    #[test]
    fn rules_are_five_words() {
        let usual = GovernorRules::parse("3s 10% 10s 15% 10m");
        assert_eq!(usual, Ok(GovernorRules::default()));
        let older = GovernorRules::parse("10s 10% 10s 15% 10m").unwrap();
        assert_eq!(older.slow_after, older.drop_after);
        for bad in [
            "",
            "3s 10% 10s 15%",
            "3s 10 10s 15% 10m",
            "3s 0% 10s 15% 10m",
            "3s 100% 10s 15% 10m",
            "10s 10% 3s 15% 10m",
            "3s 10% 10s 15% 2h",
            "0s 10% 10s 15% 10m",
        ] {
            assert_eq!(GovernorRules::parse(bad), Err(NoRules), "{bad}");
        }
    }

    #[test]
    fn exactly_ten_percent_is_not_slow_and_one_more_is() {
        let mut governor = Governor::new(GovernorRules::default());
        for answer in 0..100 {
            let took = if answer < 10 { 3001 } else { 3000 };
            governor.note(at(0), SignedDuration::from_millis(took));
        }
        let standing = governor.standing(at(1));
        assert_eq!(standing.treatment, Treatment::Prompt);
        assert_eq!(standing.left_until_slow, 1);
        governor.note(at(1), SignedDuration::from_secs(4));
        assert_eq!(governor.standing(at(1)).treatment, Treatment::Slow);
    }

    #[test]
    fn very_late_answers_lead_to_drop() {
        let answers = Answers {
            all: 100,
            over_slow: 16,
            over_drop: 16,
        };
        let standing = Standing::of(answers, &GovernorRules::default());
        assert_eq!(standing.treatment, Treatment::Drop);
        assert_eq!(standing.left_until_drop, 0);
    }

    #[test]
    fn the_window_moves_and_its_memory_is_bounded() {
        let mut governor = Governor::new(GovernorRules::default());
        for second in 0..100_000 {
            governor.note(at(second), SignedDuration::from_secs(20));
        }
        assert!(governor.steps.len() <= STEPS as usize + 1);
        let answers = governor.answers(at(100_000));
        assert!((570..=600).contains(&answers.all), "{answers:?}");
        assert_eq!(governor.answers(at(100_600)).all, 0);
        let standing = governor.standing(at(100_600));
        assert_eq!(standing.treatment, Treatment::Prompt);
        assert_eq!(standing.left_until_slow, 1);
    }
}
