//! Modes, limits of a pass, and the sign of life.

use std::time::Duration;

use evergraph::app::heartbeat::{Health, Heartbeat};
use evergraph::app::report::{Action, Outcome};
use evergraph::domain::policy::Mode;
use evergraph::ports::state::StateStore as _;
use jiff::SignedDuration;

use crate::fleet::{Fleet, calls, done, mailboxes, wish};
use crate::rows::plant_like;

fn in_mode(fleet: &mut Fleet, mode: Mode) {
    fleet.config.policy.mode = mode;
}

#[tokio::test(start_paused = true)]
async fn an_observer_leaves_no_trace() {
    let mut fleet = Fleet::new(mailboxes(3));
    in_mode(&mut fleet, Mode::Observe);
    let reports = fleet.run_for(SignedDuration::from_hours(2)).await;
    assert!(calls(&reports, "list") > 0);
    for kind in ["create", "renew", "delete"] {
        assert_eq!(calls(&reports, kind), 0, "{kind}");
    }
    assert_eq!(
        fleet.store.list("", 10).await.unwrap(),
        [],
        "nothing is written"
    );
}

#[tokio::test(start_paused = true)]
async fn an_observer_of_a_living_fleet_changes_neither_state_nor_heartbeat() {
    let mut fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    fleet.control.remove(&fleet.live()[0].id, false).unwrap();
    let (state, beat) = (
        fleet.state_bytes().await,
        Heartbeat::read(&fleet.store).await,
    );
    in_mode(&mut fleet, Mode::Observe);
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 6)).await;
    for kind in ["create", "renew", "delete"] {
        assert_eq!(calls(&reports, kind), 0, "{kind}");
    }
    assert!(reports.iter().all(|report| report.state_writes == 0));
    assert_eq!(fleet.state_bytes().await, state);
    assert_eq!(Heartbeat::read(&fleet.store).await, beat);
}

#[tokio::test(start_paused = true)]
async fn renew_only_renews_and_create_only_also_creates_but_neither_deletes() {
    let mut fleet = Fleet::new(vec![
        wish("list", "sites/s/lists/l", "updated"),
        wish("box", "users/u0/messages", "created"),
        wish("extra", "users/u1/messages", "created"),
    ]);
    fleet.tick().await;
    let row = fleet
        .live()
        .into_iter()
        .find(|row| row.resource.starts_with("sites"))
        .unwrap();
    plant_like(&fleet, &row, |body| {
        let expires = fleet.sim.clock.read() + SignedDuration::from_hours(24 * 28);
        body.insert("expirationDateTime".into(), expires.to_string().into());
    });
    fleet.declare(vec![
        wish("list", "sites/s/lists/l", "updated"),
        wish("box", "users/u0/messages", "created"),
        wish("new", "users/u2/messages", "created"),
    ]);
    in_mode(&mut fleet, Mode::RenewOnly);
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 8)).await;
    assert_eq!(calls(&reports, "create") + calls(&reports, "delete"), 0);
    assert!(done(&reports, Action::Renew) >= 2);
    assert_eq!(fleet.live().len(), 4);
    in_mode(&mut fleet, Mode::CreateOnly);
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!(
        (calls(&reports, "create"), calls(&reports, "delete")),
        (1, 0)
    );
    in_mode(&mut fleet, Mode::Full);
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!(
        calls(&reports, "delete"),
        2,
        "the duplicate and the undeclared one"
    );
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pass_stops_at_its_limit_of_calls_and_the_next_tick_goes_on() {
    let mut fleet = Fleet::new(mailboxes(10));
    fleet.config.calls_max = 4;
    fleet.config.concurrency = 2;
    let first = fleet.tick().await;
    let Outcome::Stopped { why } = &first.outcome else {
        panic!("{:?}", first.outcome)
    };
    assert!(why.contains("the next tick goes on"), "{why}");
    let spent: u32 = first.calls.values().sum();
    assert!((4..=5).contains(&spent), "{:?}", first.calls);
    let reports = fleet.run_for(SignedDuration::from_mins(30)).await;
    assert_eq!(
        first.done(Action::Create) + done(&reports, Action::Create),
        10
    );
    assert_eq!(fleet.live().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_pass_stops_when_its_time_is_used_up_and_the_next_tick_goes_on() {
    let mut fleet = Fleet::new(mailboxes(12));
    fleet.config.budget = Duration::from_secs(3);
    fleet.config.concurrency = 2;
    let slow = serde_json::json!({"latency": {"min_ms": 900, "max_ms": 900}});
    fleet.control.patch_settings(slow).unwrap();
    let began = tokio::time::Instant::now();
    let first = fleet.tick().await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(
        matches!(first.outcome, Outcome::Stopped { .. }),
        "{:?}",
        first.outcome
    );
    let reports = fleet.run_for(SignedDuration::from_mins(60)).await;
    assert_eq!(
        first.done(Action::Create) + done(&reports, Action::Create),
        12
    );
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_tells_when_the_last_pass_was_and_what_ends_first() {
    let fleet = Fleet::new(vec![
        wish("box", "users/u0/messages", "created"),
        wish("p", "communications/presences/u1", "updated"),
    ]);
    let tick = fleet.config.policy.tick;
    assert_eq!(
        Heartbeat::read(&fleet.store).await,
        None,
        "none before the first pass"
    );
    fleet.tick().await;
    let beat = Heartbeat::read(&fleet.store).await.unwrap();
    let now = fleet.sim.clock.read();
    let first = fleet.live().into_iter().map(|row| row.expires).min();
    assert_eq!((beat.completed_at, beat.earliest_expiry), (now, first));
    assert_eq!(beat.health(now, tick), Health::Ok);
    let minutes = |minutes| now + SignedDuration::from_mins(minutes);
    assert_eq!(beat.health(minutes(15), tick), Health::Ok);
    assert_eq!(
        beat.health(minutes(16), tick),
        Health::Stale,
        "no pass for three ticks"
    );
    fleet.run_for(SignedDuration::from_hours(5)).await;
    let beat = Heartbeat::read(&fleet.store).await.unwrap();
    assert_eq!(beat.health(fleet.sim.clock.read(), tick), Health::Ok);
    let ending = beat.earliest_expiry.unwrap() - SignedDuration::from_mins(9);
    let fresh = Heartbeat {
        audit_failing: false,
        completed_at: ending,
        ..beat
    };
    assert_eq!(
        fresh.health(ending, tick),
        Health::Stale,
        "something ends within two ticks"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_fails_does_not_beat() {
    let fleet = Fleet::new(mailboxes(2));
    fleet.tick().await;
    let before = Heartbeat::read(&fleet.store).await;
    fleet
        .store
        .put(&fleet.config.state_name, b"spoilt".to_vec())
        .await
        .unwrap();
    fleet.run_for(SignedDuration::from_mins(30)).await;
    assert_eq!(Heartbeat::read(&fleet.store).await, before);
}
