//! The records of a pass as a whole: the lifecycle events that it took up, and its end.

use jiff::Timestamp;

use crate::app::pass::Pass;
use crate::app::report::{Action, Outcome, Report};
use crate::domain::audit::{About, DONE, Kind, Record, Traits};
use crate::domain::plan::Brake;
use crate::domain::policy::Mode;
use crate::domain::sight::{LifecycleEvent, WakeMark};

impl Pass<'_> {
    /// Keeps the lifecycle events that this pass took up.
    pub(in crate::app) fn keep_marks<'m>(&self, marks: impl Iterator<Item = &'m WakeMark>) {
        for mark in marks {
            let entries = &self.doc.state.entries;
            let mut serving = entries.iter().filter(|(_, entry)| {
                entry
                    .held
                    .as_ref()
                    .is_some_and(|held| held.id == mark.subscription)
            });
            let tag = serving.next().map(|(tag, _)| tag);
            let record = Record {
                about: About {
                    id: Some(mark.subscription.to_string()),
                    ..self.about(tag)
                },
                words: heard(mark.event).to_owned(),
                ..Record::new(Kind::Lifecycle, self.now(), mark.event.as_str())
            };
            self.keep(record);
        }
    }

    /// The records of this pass go out, with one of its end. What cannot be written is an alarm.
    pub(in crate::app) async fn end_records(&mut self, outcome: &Outcome) {
        if self.lead.is_none() {
            return;
        }
        self.keep(end_of(self.report, outcome, self.now()));
        if !self.flush_records().await
            && let Some(why) = self.progress.audit_failing.clone()
        {
            let mode = Mode::parse(self.report.mode)
                .unwrap_or(Mode::CreateOnly)
                .min(Mode::CreateOnly);
            self.report.brake(mode, &[Brake::AuditFailing(why)]);
        }
    }
}

fn heard(event: LifecycleEvent) -> &'static str {
    match event {
        LifecycleEvent::ReauthorizationRequired => {
            "Graph asked for a new authorization; a renewal is one"
        }
        LifecycleEvent::SubscriptionRemoved => "Graph said that it was removed; it was looked at",
        LifecycleEvent::Missed => {
            "Graph said that notifications were missed; the consumer was told to read anew"
        }
    }
}

fn end_of(report: &Report, outcome: &Outcome, now: Timestamp) -> Record {
    let (word, why) = match outcome {
        Outcome::Idle => ("idle", None),
        Outcome::Complete => (DONE, None),
        Outcome::Busy => ("busy", None),
        Outcome::Stopped { why } => ("stopped", Some(why)),
        Outcome::Failed { why } => ("failed", Some(why)),
    };
    let brakes: Vec<&str> = report.brakes.iter().map(|brake| brake.brake).collect();
    let mut after = Traits::from([("mode".to_owned(), report.mode.to_owned())]);
    if !brakes.is_empty() {
        after.insert("brakes".to_owned(), brakes.join(", "));
    }
    let calls = report.calls.iter();
    after.extend(calls.map(|(kind, n)| (format!("calls.{kind}"), n.to_string())));
    let gaps = report.gaps_ms.iter();
    after.extend(gaps.map(|(id, ms)| (format!("gap_ms.{id}"), ms.to_string())));
    Record {
        reason: report
            .began_for
            .map(|reason| reason.as_str().to_owned())
            .unwrap_or_default(),
        outcome: word.to_owned(),
        words: why.cloned().unwrap_or_default(),
        seen: counts(report),
        after,
        ..Record::new(Kind::Pass, now, "pass")
    }
}

fn counts(report: &Report) -> String {
    format!(
        "renewed {}, created {}, adopted {}, deleted {}; {} calls of Graph",
        report.done(Action::Renew),
        report.done(Action::Create),
        report.done(Action::Adopt),
        report.done(Action::Delete),
        report.calls.values().sum::<u32>()
    )
}
