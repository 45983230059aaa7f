//! Somebody else holds the combination, or we hold it more than once.

use evergraph::app::report::{Action, Outcome, Report};
use evergraph::domain::plan::Reason;
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::request::Op;
use evergraph::sim::row::Row;
use jiff::SignedDuration;

use crate::fleet::{Fleet, calls, done, mailboxes, wish};
use crate::rows::{answered, decided, plant_foreign, plant_like, sent, words};

#[tokio::test(start_paused = true)]
async fn a_foreign_holder_is_recognised_left_alone_and_waited_for() {
    let fleet = Fleet::new(mailboxes(1));
    let foreign = plant_foreign(&fleet, "users/u0/messages", "created,updated", 48);
    let report = fleet.tick().await;
    assert_eq!(report.outcome, Outcome::Complete, "{report:#?}");
    let reports = [report];
    assert_eq!(decided(&reports, Action::Block, Reason::ForeignHolder), 1);
    let block = reports[0]
        .decisions
        .iter()
        .find(|one| one.action == Action::Block)
        .unwrap();
    assert_eq!(block.id.as_deref(), Some(foreign.id.as_str()));
    let until = block.until.unwrap();
    // Until the next audit there is nothing to do.
    while fleet.sim.clock.read() + fleet.config.policy.tick < until {
        fleet.jump(5);
        assert_eq!(fleet.tick().await.outcome, Outcome::Idle);
    }
    let reports = fleet.run_for(SignedDuration::from_hours(10)).await;
    let tried = calls(&reports, "create");
    assert!(
        (8..=11).contains(&tried),
        "once for each audit, not {tried}"
    );
    assert_eq!(fleet.live(), std::slice::from_ref(&foreign), "untouched");
    fleet.control.remove(&foreign.id, false).unwrap();
    let reports = fleet.run_for(SignedDuration::from_mins(65)).await;
    assert_eq!(done(&reports, Action::Create), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_taken_right_after_its_foreign_holder_has_ended() {
    let fleet = Fleet::new(mailboxes(1));
    let foreign = plant_foreign(&fleet, "users/u0/messages", "created,updated", 1);
    let ends = foreign.expires;
    fleet.run_for(SignedDuration::from_mins(55)).await;
    assert_eq!(fleet.live(), [foreign]);
    fleet.run_for(SignedDuration::from_mins(10)).await;
    let [row] = &fleet.live()[..] else {
        panic!("one")
    };
    assert!(row.created.duration_since(ends) < SignedDuration::from_mins(10));
}

#[tokio::test(start_paused = true)]
async fn silent_duplicates_collapse_to_the_smallest_id_which_is_renewed_first() {
    let fleet = Fleet::new(vec![wish("list", "sites/s/lists/l", "updated")]);
    fleet.tick().await;
    let row = fleet.live().remove(0);
    let twins: Vec<Row> = (0..3).map(|_| plant_like(&fleet, &row, |_| {})).collect();
    let smallest = twins
        .iter()
        .chain([&row])
        .map(|row| row.id.clone())
        .min()
        .unwrap();
    let reports = fleet.run_for(SignedDuration::from_mins(70)).await;
    assert_eq!(done(&reports, Action::Delete), 3);
    let left: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    assert_eq!(left, std::slice::from_ref(&smallest));
    let log = answered(&fleet);
    let renewed = log
        .iter()
        .position(|call| *call == ("renew", smallest.clone()));
    let deleted = log.iter().position(|call| call.0 == "delete");
    assert!(renewed.unwrap() < deleted.unwrap(), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn where_graph_allows_one_the_old_row_goes_first_and_the_gap_is_reported() {
    let fleet = Fleet::new(vec![wish("chats", "chats/getAllMessages", "created")]);
    fleet.tick().await;
    let old = fleet.live().remove(0);
    fleet.declare(vec![wish(
        "chats",
        "chats/getAllMessages",
        "created,updated",
    )]);
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    let gaps: Vec<_> = reports
        .iter()
        .flat_map(|report| report.gaps_ms.keys())
        .collect();
    assert_eq!(gaps, [&old.id]);
    let [row] = &fleet.live()[..] else {
        panic!("one")
    };
    assert_eq!(row.change_type, "created,updated");
    let log = answered(&fleet);
    let deleted = log
        .iter()
        .position(|call| *call == ("delete", old.id.clone()));
    let created = log
        .iter()
        .position(|call| *call == ("create", row.id.clone()));
    assert_eq!(
        created.unwrap(),
        deleted.unwrap() + 1,
        "no call in between: {log:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gap_lasts_until_coverage_stands_again_and_is_called_open_before() {
    let fleet = Fleet::new(vec![wish("chats", "chats/getAllMessages", "created")]);
    fleet.tick().await;
    let old = fleet.live().remove(0);
    fleet.declare(vec![wish(
        "chats",
        "chats/getAllMessages",
        "created,updated",
    )]);
    let mut reports = fleet.run_for(SignedDuration::from_mins(10)).await;
    // From here on the next create is the one that follows the delete; it fails twice.
    let unavailable = Effect::Answer(Injected::status(503));
    let rule = Rule {
        times: 2,
        ..Rule::next(Op::Create, unavailable)
    };
    fleet.control.arm(rule).unwrap();
    reports.extend(fleet.run_for(SignedDuration::from_hours(2)).await);
    let at = |wanted: &dyn Fn(&Report) -> bool| reports.iter().position(wanted).unwrap();
    let deleted = at(&|report| report.done(Action::Delete) == 1);
    let closed = at(&|report| !report.gaps_ms.is_empty());
    assert!(closed > deleted, "{}", words(&reports));
    for report in &reports[deleted..closed] {
        let open: Vec<_> = report.gaps_open.keys().collect();
        let idle = report.outcome == Outcome::Idle;
        assert!(idle || open == [&old.id], "{report:#?}");
    }
    let ticks = i64::try_from(closed - deleted).unwrap();
    let least = fleet.config.policy.tick.as_millis() * i128::from(ticks);
    let gap = i128::from(reports[closed].gaps_ms[&old.id]);
    assert!((least..least + 10_000).contains(&gap), "{gap} ms, {least}");
    assert!(reports[closed].gaps_open.is_empty());
    let told = reports.iter().filter(|report| !report.gaps_ms.is_empty());
    assert_eq!(told.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn of_two_presences_the_declared_one_that_stands_is_never_given_up() {
    let fleet = Fleet::new(vec![
        wish("p1", "communications/presences/u1", "updated"),
        wish("p2", "communications/presences/u2", "updated"),
    ]);
    let reports = fleet.run_for(SignedDuration::from_hours(6)).await;
    assert_eq!(
        (
            done(&reports, Action::Create),
            done(&reports, Action::Delete)
        ),
        (1, 0)
    );
    assert_eq!(fleet.live().len(), 1);
    assert!(sent(&fleet, "create") < 20, "{}", sent(&fleet, "create"));
}
