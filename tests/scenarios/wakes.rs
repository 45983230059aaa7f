//! Wake marks: durable wishes that lifecycle events leave.

use evergraph::app::marks;
use evergraph::app::report::{Action, Outcome};
use evergraph::domain::ids::SubscriptionId;
use evergraph::domain::plan::Reason;
use evergraph::domain::sight::{LifecycleEvent, WakeMark};
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::request::Op;
use jiff::SignedDuration;

use crate::fleet::{Fleet, done, mailboxes};
use crate::rows::decided;

async fn leave(fleet: &Fleet, event: LifecycleEvent, id: &str) {
    let subscription = SubscriptionId::parse(id).unwrap();
    let mark = WakeMark {
        event,
        subscription,
    };
    marks::leave(&fleet.store, &mark).await.unwrap();
}

async fn lying(fleet: &Fleet) -> usize {
    marks::lying(&fleet.store).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn what_graph_removed_is_created_anew_at_once() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let id = fleet.live()[1].id.clone();
    fleet.control.remove(&id, false).unwrap();
    leave(&fleet, LifecycleEvent::SubscriptionRemoved, &id).await;
    let report = fleet.tick().await;
    assert_eq!(report.done(Action::Create), 1, "{report:#?}");
    assert_eq!((fleet.live().len(), lying(&fleet).await), (3, 0));
    assert_eq!(fleet.tick().await.outcome, Outcome::Idle);
}

#[tokio::test(start_paused = true)]
async fn a_removal_event_of_a_row_that_stands_changes_nothing() {
    let fleet = Fleet::new(mailboxes(2));
    fleet.tick().await;
    let id = fleet.live()[0].id.clone();
    leave(&fleet, LifecycleEvent::SubscriptionRemoved, &id).await;
    let report = fleet.tick().await;
    assert_eq!(report.done(Action::Create) + report.done(Action::LetGo), 0);
    assert_eq!(lying(&fleet).await, 0);
}

#[tokio::test(start_paused = true)]
async fn reauthorization_costs_one_patch_in_ten_minutes_however_often_it_is_asked_for() {
    let fleet = Fleet::new(mailboxes(2));
    fleet.tick().await;
    fleet.jump(30);
    let id = fleet.live()[0].id.clone();
    let mut reports = Vec::new();
    for _ in 0..10 {
        leave(&fleet, LifecycleEvent::ReauthorizationRequired, &id).await;
        reports.push(fleet.tick().await);
        fleet.jump(2);
    }
    assert_eq!(done(&reports, Action::Renew), 2, "twenty minutes, two");
    assert_eq!(decided(&reports, Action::Renew, Reason::Reauthorize), 2);
    assert_eq!(lying(&fleet).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_could_not_be_granted_stays_for_the_next_pass() {
    let fleet = Fleet::new(mailboxes(2));
    fleet.tick().await;
    fleet.jump(30);
    let id = fleet.live()[0].id.clone();
    let wait = Effect::Answer(Injected {
        retry_after: Some("700".into()),
        ..Injected::status(429)
    });
    fleet.control.arm(Rule::next(Op::Renew, wait)).unwrap();
    leave(&fleet, LifecycleEvent::ReauthorizationRequired, &id).await;
    assert_eq!(fleet.tick().await.done(Action::Renew), 0);
    assert_eq!(lying(&fleet).await, 1, "it was not granted");
    let reports = fleet.run_for(SignedDuration::from_mins(30)).await;
    assert_eq!(done(&reports, Action::Renew), 1);
    assert_eq!(lying(&fleet).await, 0);
}

#[tokio::test(start_paused = true)]
async fn marks_of_strangers_and_of_missed_notifications_are_taken_away() {
    let fleet = Fleet::new(mailboxes(1));
    fleet.tick().await;
    let id = fleet.live()[0].id.clone();
    leave(&fleet, LifecycleEvent::Missed, &id).await;
    leave(&fleet, LifecycleEvent::SubscriptionRemoved, "0123-not-ours").await;
    let report = fleet.tick().await;
    assert_eq!(report.outcome, Outcome::Complete);
    assert_eq!(lying(&fleet).await, 0);
}
