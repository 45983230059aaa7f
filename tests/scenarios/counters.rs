//! Each counter moves by exactly the story that names it, in the report, in the state and in the log.

use std::io;
use std::sync::{Arc, Mutex};

use evergraph::adapters::state::memory::MemoryStore;
use evergraph::app::instruments::{Ending, Instruments, Met};
use evergraph::app::report::{Action, Report};
use evergraph::app::state_doc::StateDoc;
use evergraph::ports::state::StateStore as _;
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::request::Op;
use jiff::SignedDuration;
use serde_json::Value;

use crate::fleet::{Fleet, mailboxes, wish};
use crate::rows::{plant_foreign, words};

/// The counters of all passes; their sum stands in the state as well.
async fn counted(fleet: &Fleet, reports: &[Report]) -> Instruments {
    let mut sum = Instruments::default();
    for report in reports {
        sum.merge(&report.instruments);
    }
    let doc = StateDoc::decode(&fleet.state_bytes().await).unwrap();
    assert_eq!(doc.instruments, sum, "{}", words(reports));
    sum
}

fn met(cause: &str, remedy: &str, outcome: Ending) -> Met {
    Met {
        service: "graph-subscriptions".into(),
        cause: cause.into(),
        remedy: remedy.into(),
        outcome: outcome.as_str().into(),
        count: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn a_steady_fleet_moves_no_counter() {
    let fleet = Fleet::new(mailboxes(3));
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 8)).await;
    assert!(counted(&fleet, &reports).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_adoption_after_a_409_is_counted_with_its_cause() {
    let fleet = Fleet::new(mailboxes(1));
    fleet.tick().await;
    // The memory is lost, and listings do not show yet what was just created.
    fleet.store.delete(&fleet.config.state_name).await.unwrap();
    let lag = serde_json::json!({"listing": {"lag_ms": 100_000}});
    fleet.control.patch_settings(lag).unwrap();
    let reports = fleet.run_for(SignedDuration::from_mins(30)).await;
    assert_eq!(reports[0].done(Action::Adopt), 1, "{}", words(&reports));
    let wanted = Instruments {
        conflicts: vec![met("AlreadyExists", "AdoptExisting", Ending::Adopted)],
        adopted_after_conflict: 1,
        ..Instruments::default()
    };
    assert_eq!(counted(&fleet, &reports).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_holder_is_counted_as_a_conflict_that_waits() {
    let fleet = Fleet::new(mailboxes(1));
    plant_foreign(&fleet, "users/u0/messages", "created,updated", 48);
    let reports = fleet.run_for(SignedDuration::from_mins(30)).await;
    let wanted = Instruments {
        conflicts: vec![met("AlreadyExists", "AdoptExisting", Ending::Waiting)],
        ..Instruments::default()
    };
    assert_eq!(counted(&fleet, &reports).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_silent_duplicate_is_counted_once() {
    let list = || vec![wish("list", "sites/s/lists/l", "updated")];
    let fleet = Fleet::new(list());
    let rival = Fleet::over(Arc::clone(&fleet.sim), MemoryStore::new(), list());
    let latency = serde_json::json!({"latency": {"min_ms": 200, "max_ms": 200}});
    fleet.control.patch_settings(latency).unwrap();
    let (first, _) = tokio::join!(fleet.tick(), rival.tick());
    assert_eq!(fleet.live().len(), 2);
    let mut reports = vec![first];
    reports.extend(fleet.run_for(SignedDuration::from_hours(3)).await);
    let wanted = Instruments {
        silent_duplicates: 1,
        ..Instruments::default()
    };
    assert_eq!(counted(&fleet, &reports).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_no_rule_knows_is_counted_as_unclassified() {
    let fleet = Fleet::new(mailboxes(1));
    let strange = Injected {
        code: Some("SomethingNobodyHasSeen".into()),
        message: Some("the flux is out of phase".into()),
        ..Injected::status(409)
    };
    fleet
        .control
        .arm(Rule::next(Op::Create, Effect::Answer(strange)))
        .unwrap();
    let reports = [fleet.tick().await];
    let sum = counted(&fleet, &reports).await;
    assert_eq!(sum.unclassified, 1);
    let [only] = &sum.conflicts[..] else {
        panic!("{sum:?}")
    };
    assert_eq!(
        (only.cause.as_str(), only.outcome.as_str(), only.count),
        ("Unclassified", "waiting", 1)
    );
    let rest = Instruments {
        unclassified: 0,
        conflicts: Vec::new(),
        ..sum
    };
    assert!(rest.is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_pass_whose_budget_is_used_up_is_counted() {
    let mut fleet = Fleet::new(mailboxes(10));
    fleet.config.calls_max = 4;
    fleet.config.concurrency = 2;
    let reports = fleet.run_for(SignedDuration::from_mins(30)).await;
    let stopped = reports
        .iter()
        .filter(|report| report.summary().contains("used up"))
        .count();
    assert!(stopped >= 2, "{}", words(&reports));
    let wanted = Instruments {
        budget_exhausted: u64::try_from(stopped).unwrap(),
        ..Instruments::default()
    };
    assert_eq!(counted(&fleet, &reports).await, wanted);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_moved_is_an_event_with_fields_and_what_did_not_is_none() {
    let counted = Instruments {
        conflicts: vec![met("AlreadyExists", "AdoptExisting", Ending::Adopted)],
        adopted_after_conflict: 2,
        ..Instruments::default()
    };
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || counted.log());
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone())
        .collect();
    let [conflict, plain] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(conflict["conflict.service"], "graph-subscriptions");
    assert_eq!(conflict["conflict.cause"], "AlreadyExists");
    assert_eq!(conflict["conflict.remedy"], "AdoptExisting");
    assert_eq!(conflict["conflict.outcome"], "adopted");
    assert_eq!(conflict["count"], 1);
    assert_eq!(
        (&plain["counter"], &plain["count"]),
        (&"adopted-after-conflict".into(), &2.into())
    );
}
