//! What the tests of the kinds share: an engine, its story, and judgements about its end.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "test file, used in part by each test"
)]

use std::sync::Arc;

use evergraph::adapters::dice::FastDice;
use evergraph::adapters::event_ids::CountedIds;
use evergraph::app::ensure::{Account, Ended, Ensure, Terms};
use evergraph::domain::ensure::{Ending, Outcome, Stop};
use evergraph::ports::ensure::{Kind, NoJournal};

/// An engine of its own, as another process has it.
pub fn engine(process: u64) -> Ensure {
    let ids = CountedIds::of_process(process);
    let dice = FastDice::seeded(process);
    Ensure::new(Arc::new(NoJournal), Arc::new(dice), Arc::new(ids))
}

/// One run of one process.
pub async fn run(process: u64, kind: &dyn Kind) -> Account {
    engine(process).run(kind, Terms::default()).await
}

/// A rehearsal.
pub async fn rehearse(kind: &dyn Kind) -> Account {
    let terms = Terms {
        rehearse: true,
        ..Terms::default()
    };
    engine(9).run(kind, terms).await
}

/// The run in sentences, for messages of failed tests.
pub fn story(account: &Account) -> String {
    let steps = account.steps.iter();
    let told: Vec<String> = steps
        .map(|step| {
            let rule = step.evidence.rule.unwrap_or_default();
            format!("{:>8.3} s {step} {rule}", step.at.as_secs_f64())
        })
        .collect();
    format!("{}\n{:?}", told.join("\n"), account.ended)
}

#[track_caller]
pub fn check_done(account: &Account, want: Outcome) {
    match &account.ended {
        Ended::Over(Ending::Done { outcome, .. }) if *outcome == want => {}
        _ => panic!("wanted {want:?}:\n{}", story(account)),
    }
}

/// The next step that a person is told.
#[track_caller]
pub fn check_gave_up(account: &Account, want: Stop) -> String {
    match &account.ended {
        Ended::Over(Ending::GaveUp(up)) if up.reason == want => up.next_step.clone(),
        _ => panic!("wanted {want:?}:\n{}", story(account)),
    }
}

#[track_caller]
pub fn check_would(account: &Account, want: &str) {
    match &account.ended {
        Ended::Would(next) if next.verb().contains(want) => {}
        _ => panic!("wanted it to say that it would {want}:\n{}", story(account)),
    }
}

/// Whether a rule of the playbook decided something in the run.
#[track_caller]
pub fn check_rule(account: &Account, rule: &str) {
    let mut steps = account.steps.iter();
    let found = steps.any(|step| step.evidence.rule == Some(rule));
    assert!(found, "{rule} decided nothing:\n{}", story(account));
}
