//! The decisions of a pass, read from the lines that the handler answers to the timer.

use serde::Serialize;

use crate::app::report::Action;

/// How a pass ended, by the first line of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Ending {
    /// Nothing was due.
    Idle,
    /// Everything that could be done was done.
    Complete,
    /// Another worker holds the lease.
    Busy,
    /// Anything else: the next tick goes on.
    Other,
}

impl Ending {
    pub(in crate::cli) fn of(lines: &[String]) -> Self {
        let first = lines.first().map_or("", String::as_str);
        match first.split(';').next() {
            Some("pass nothing was due") => Self::Idle,
            Some("pass complete") => Self::Complete,
            Some("pass another worker holds the lease") => Self::Busy,
            _ => Self::Other,
        }
    }
}

/// One decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Decided {
    /// On the virtual clock.
    pub(super) at: String,
    pub(super) action: String,
    /// The declared name, or an id.
    pub(super) subject: String,
    pub(super) reason: String,
    /// What else the handler said.
    pub(super) words: String,
}

const ACTIONS: [Action; 8] = [
    Action::Renew,
    Action::Create,
    Action::Adopt,
    Action::Delete,
    Action::LetGo,
    Action::Block,
    Action::Hold,
    Action::Look,
];

impl Decided {
    /// Reads `action subject: reason[, outcome][ (words)]`; other lines are no decisions.
    pub(super) fn read(line: &str, at: &str) -> Option<Self> {
        let (head, rest) = line.split_once(": ")?;
        let (action, subject) = head.split_once(' ')?;
        if !ACTIONS.iter().any(|one| one.as_str() == action) {
            return None;
        }
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        let (reason, words) = rest.split_at(end);
        let words = words.trim_start_matches([',', ' ']);
        let words = match words
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
        {
            Some(inner) => inner,
            None => words,
        };
        Some(Self {
            at: at.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            reason: reason.to_owned(),
            words: words.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::report::{Decision, Outcome, Report};
    use crate::domain::plan::Reason;
    use crate::domain::policy::Mode;
    use jiff::Timestamp;

    #[track_caller]
    fn check_ending(outcome: Outcome, wanted: Ending) {
        let mut report = Report::begin(Timestamp::UNIX_EPOCH, Mode::Full);
        report.outcome = outcome;
        assert_eq!(Ending::of(&[report.summary()]), wanted);
    }

    #[test]
    fn the_summary_of_a_report_says_how_the_pass_ended() {
        check_ending(Outcome::Idle, Ending::Idle);
        check_ending(Outcome::Complete, Ending::Complete);
        check_ending(Outcome::Busy, Ending::Busy);
        let why = "x".to_owned();
        check_ending(Outcome::Stopped { why: why.clone() }, Ending::Other);
        check_ending(Outcome::Failed { why }, Ending::Other);
        assert_eq!(Ending::of(&[]), Ending::Other);
    }

    #[test]
    fn the_sentence_of_a_decision_is_read_back() {
        let mut decision = Decision {
            at: Timestamp::UNIX_EPOCH,
            action: Action::Create,
            reason: Reason::Missing,
            outcome: "done".to_owned(),
            tenant: "t".to_owned(),
            name: Some("people".to_owned()),
            id: None,
            words: "until noon".to_owned(),
            request_id: None,
            until: None,
            conflict: None,
        };
        let read = |one: &Decision| Decided::read(&one.sentence(), "08:00").unwrap();
        let seen = read(&decision);
        assert_eq!(
            (seen.action.as_str(), seen.subject.as_str()),
            ("create", "people")
        );
        assert_eq!(
            (seen.reason.as_str(), seen.words.as_str()),
            ("missing", "until noon")
        );
        decision.outcome = "conflict".to_owned();
        let seen = read(&decision);
        assert_eq!(seen.reason, "missing");
        assert_eq!(seen.words, "conflict (until noon)");
        for action in ACTIONS {
            decision.action = action;
            assert_eq!(read(&decision).action, action.as_str());
        }
        assert_eq!(Decided::read("pass complete; renewed 0", ""), None);
        assert_eq!(Decided::read("key-missing: put it back", ""), None);
    }
}
