//! Ticks and passes of the real use cases, story by story.

#![allow(clippy::unwrap_used, reason = "test file")]

mod fleet;

use evergraph::app::report::{Action, Outcome};
use fleet::{Fleet, calls, done, mailboxes, wish};
use jiff::SignedDuration;

#[tokio::test(start_paused = true)]
async fn what_is_declared_is_checked_for_and_created_once() {
    let fleet = Fleet::new(mailboxes(4));
    let report = fleet.tick().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report:#?}");
    assert_eq!(report.done(Action::Create), 4);
    assert_eq!(report.calls.get("list"), Some(&1));
    assert_eq!(fleet.live().len(), 4);
    let again = fleet.tick().await;
    assert_eq!(again.outcome, Outcome::Idle, "{again:#?}");
    assert!(again.calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_steady_fleet_costs_one_patch_for_each_renewal_and_one_listing_for_each_audit() {
    let fleet = Fleet::new(mailboxes(20));
    fleet.tick().await;
    fleet.jump(5);
    let verified = fleet.tick().await;
    assert_eq!(
        verified.calls,
        [("list", 1)].into(),
        "what was created is seen once more"
    );
    let before = fleet.live();
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 21)).await;
    assert_eq!(
        calls(&reports, "renew") as usize,
        done(&reports, Action::Renew)
    );
    assert_eq!(calls(&reports, "list"), 21 * 24 - 1, "one for each hour");
    assert_eq!(
        calls(&reports, "create") + calls(&reports, "delete") + calls(&reports, "get"),
        0
    );
    // 7 days each, renewed after 63 to 70 %: four times in three weeks.
    let renewed = done(&reports, Action::Renew);
    assert!((20 * 4..=20 * 5).contains(&renewed), "{renewed}");
    let mut after: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    let mut ids: Vec<_> = before.into_iter().map(|row| row.id).collect();
    ids.sort();
    after.sort();
    assert_eq!(ids, after);
}

#[tokio::test(start_paused = true)]
async fn an_idle_tick_calls_nobody_and_writes_no_state() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    fleet.jump(5);
    fleet.tick().await;
    let state = fleet.state_bytes().await;
    for _ in 0..10 {
        fleet.jump(5);
        let report = fleet.tick().await;
        assert_eq!((report.outcome, report.state_writes), (Outcome::Idle, 0));
    }
    assert_eq!(fleet.state_bytes().await, state);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_removed_is_created_anew_within_an_audit() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let victim = fleet.live()[0].id.clone();
    fleet.control.remove(&victim, false).unwrap();
    let reports = fleet.run_for(SignedDuration::from_mins(65)).await;
    assert_eq!(done(&reports, Action::Create), 1);
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_short_lived_ones_is_kept_at_one_each() {
    let fleet = Fleet::new(vec![wish("p", "communications/presences/u1", "updated")]);
    let reports = fleet.run_for(SignedDuration::from_hours(24)).await;
    assert_eq!(done(&reports, Action::Create), 1);
    assert!(done(&reports, Action::Renew) > 24);
    assert_eq!(fleet.live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_kept_even_where_the_outcome_is_unknown() {
    use evergraph::sim::faults::{Effect, Injected, Rule};
    use evergraph::sim::request::Op;
    let fleet = Fleet::new(mailboxes(1));
    let busy = Injected {
        retry_after: Some("1800".into()),
        ..Injected::status(503)
    };
    fleet
        .control
        .arm(Rule::next(Op::Create, Effect::Answer(busy)))
        .unwrap();
    let report = fleet.tick().await;
    assert_eq!(report.calls.get("create"), Some(&1), "{report:#?}");
    let quiet = fleet.run_for(SignedDuration::from_mins(29)).await;
    assert_eq!(
        quiet.iter().map(|report| report.calls.len()).sum::<usize>(),
        0,
        "{quiet:#?}"
    );
    let after = fleet.run_for(SignedDuration::from_mins(70)).await;
    assert_eq!((calls(&after, "create"), fleet.live().len()), (1, 1));
}
