//! What is no longer declared goes, slowly.

use evergraph::app::report::{Action, Report};
use evergraph::domain::plan::Reason;
use jiff::SignedDuration;

use crate::fleet::{Fleet, done, mailboxes};
use crate::rows::decided;

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_declared_needs_two_sightings_a_quarter_of_an_hour_apart() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    fleet.declare(mailboxes(2));
    let first = fleet.tick().await;
    assert_eq!(first.done(Action::Delete), 0);
    assert_eq!(decided(&[first], Action::Hold, Reason::NotYetConfirmed), 1);
    for _ in 0..2 {
        fleet.jump(5);
        assert_eq!(fleet.tick().await.done(Action::Delete), 0);
    }
    fleet.jump(5);
    assert_eq!(fleet.tick().await.done(Action::Delete), 1);
    assert_eq!(fleet.live().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_again_in_time_stays() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let before: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    fleet.declare(mailboxes(2));
    fleet.tick().await;
    fleet.jump(10);
    fleet.declare(mailboxes(3));
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!(
        done(&reports, Action::Delete) + done(&reports, Action::Create),
        0
    );
    let after: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    assert_eq!(before, after);
}

#[tokio::test(start_paused = true)]
async fn a_declaration_that_keeps_changing_removes_nothing() {
    let fleet = Fleet::new(mailboxes(4));
    fleet.tick().await;
    for round in 0..12 {
        fleet.declare(mailboxes(2 + round % 2));
        fleet.tick().await;
        fleet.jump(10);
    }
    assert!(fleet.live().len() >= 3);
    fleet.declare(mailboxes(2));
    fleet.run_for(SignedDuration::from_hours(1)).await;
    assert_eq!(fleet.live().len(), 2);
}

async fn check_cap(declared: usize, kept: usize, cap: usize) {
    let fleet = Fleet::new(mailboxes(declared));
    fleet.tick().await;
    fleet.declare(mailboxes(kept));
    let reports: Vec<Report> = fleet.run_for(SignedDuration::from_hours(4)).await;
    let most = reports
        .iter()
        .map(|report| report.done(Action::Delete))
        .max();
    assert_eq!(most, Some(cap), "of {declared} to {kept}");
    assert!(decided(&reports, Action::Hold, Reason::RemovalCap) > 0);
    assert_eq!(fleet.live().len(), kept);
}

#[tokio::test(start_paused = true)]
async fn at_most_five_or_a_tenth_go_in_one_pass() {
    check_cap(20, 8, 5).await;
    check_cap(120, 90, 12).await;
}
