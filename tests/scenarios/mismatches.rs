//! Rows of ours that are not as declared, where no PATCH can mend that.

use evergraph::app::report::{Action, Report};
use evergraph::domain::plan::Reason;
use evergraph::domain::policy::Mode;
use evergraph::domain::subscription::Desired;
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::request::Op;
use jiff::SignedDuration;

use crate::fleet::{Fleet, done, wish};
use crate::rows::{decided, plant_like};

fn list(lifecycle: bool) -> Vec<Desired> {
    vec![Desired {
        lifecycle,
        ..wish("list", "sites/s/lists/l", "updated")
    }]
}

/// Hours pass tick by tick; the resource is never without a row.
async fn never_uncovered(fleet: &Fleet, hours: i64) -> Vec<Report> {
    let until = fleet.sim.clock.read() + SignedDuration::from_hours(hours);
    let mut reports = Vec::new();
    while fleet.sim.clock.read() < until {
        reports.push(fleet.tick().await);
        assert!(!fleet.live().is_empty());
        fleet.jump(5);
    }
    reports
}

async fn check_replaced_beside(fleet: &Fleet) {
    let began = fleet.sim.clock.read();
    let old: Vec<_> = fleet.live().into_iter().map(|row| row.id).collect();
    let reports = never_uncovered(fleet, 4).await;
    assert_eq!(
        (
            done(&reports, Action::Create),
            done(&reports, Action::Delete)
        ),
        (1, 1)
    );
    assert_eq!(
        decided(&reports, Action::Renew, Reason::ConfirmReplacement),
        1
    );
    let at = |action| {
        let decisions = reports.iter().flat_map(|report| &report.decisions);
        let mut hits = decisions.filter(|one| one.action == action && one.outcome == "done");
        hits.next().unwrap().at
    };
    let created = at(Action::Create);
    assert!(
        created.duration_since(began) >= SignedDuration::from_mins(15),
        "two sightings"
    );
    assert!(at(Action::Delete) > created, "in a later pass");
    let [row] = &fleet.live()[..] else {
        panic!("one")
    };
    assert!(!old.contains(&row.id));
}

#[tokio::test(start_paused = true)]
async fn lifecycle_events_turned_off_and_on_again_replace_the_row_without_a_gap() {
    let fleet = Fleet::new(list(true));
    fleet.tick().await;
    fleet.declare(list(false));
    check_replaced_beside(&fleet).await;
    assert_eq!(fleet.live()[0].lifecycle_url, None);
    fleet.declare(list(true));
    check_replaced_beside(&fleet).await;
    assert!(fleet.live()[0].lifecycle_url.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_row_with_the_client_state_of_another_key_is_replaced_without_a_gap() {
    let fleet = Fleet::new(list(true));
    fleet.tick().await;
    let row = fleet.live().remove(0);
    let other = Fleet::new(vec![wish("other", "sites/s/lists/m", "updated")]);
    other.tick().await;
    let stranger = other.live().remove(0).client_state.unwrap();
    plant_like(&fleet, &row, |body| {
        body.insert("clientState".into(), stranger.expose().into());
        let expires = fleet.sim.clock.read() + SignedDuration::from_hours(24 * 20);
        body.insert("expirationDateTime".into(), expires.to_string().into());
    });
    fleet.control.remove(&row.id, false).unwrap();
    check_replaced_beside(&fleet).await;
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_that_passes_by_itself_is_not_acted_upon() {
    let fleet = Fleet::new(list(true));
    fleet.tick().await;
    let before = fleet.live();
    fleet.declare(list(false));
    fleet.tick().await;
    fleet.jump(5);
    fleet.declare(list(true));
    let reports = never_uncovered(&fleet, 3).await;
    assert_eq!(
        (
            done(&reports, Action::Create),
            done(&reports, Action::Delete)
        ),
        (0, 0)
    );
    assert_eq!(fleet.live()[0].id, before[0].id);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_wait_for_the_replacement_does_not_let_the_row_that_serves_lapse() {
    let presence = |lifecycle| {
        vec![Desired {
            lifecycle,
            ..wish("p", "communications/presences/u1", "updated")
        }]
    };
    let fleet = Fleet::new(presence(true));
    fleet.run_for(SignedDuration::from_mins(60)).await;
    fleet.declare(presence(false));
    let absurd = Effect::Answer(Injected {
        retry_after: Some("999999".into()),
        ..Injected::status(429)
    });
    let rule = Rule {
        times: 0,
        ..Rule::next(Op::Create, absurd)
    };
    fleet.control.arm(rule).unwrap();
    let id = fleet.live()[0].id.clone();
    never_uncovered(&fleet, 8).await;
    assert_eq!(fleet.live()[0].id, id);
}

#[tokio::test(start_paused = true)]
async fn a_mismatched_row_that_is_about_to_end_is_renewed_while_it_waits_to_be_replaced() {
    let mut fleet = Fleet::new(vec![wish("drive", "drives/d1/root", "updated")]);
    fleet.tick().await;
    let row = fleet.live().remove(0);
    fleet.config.policy.tick = SignedDuration::from_hours(1);
    fleet.config.policy.audit_every = SignedDuration::from_hours(6);
    fleet.config.policy.mode = Mode::CreateOnly;
    fleet.jump(360);
    plant_like(&fleet, &row, |body| {
        body.insert(
            "lifecycleNotificationUrl".into(),
            "https://old.example/".into(),
        );
        let expires = fleet.sim.clock.read() + SignedDuration::from_mins(330);
        body.insert("expirationDateTime".into(), expires.to_string().into());
    });
    fleet.control.remove(&row.id, false).unwrap();
    let until = fleet.sim.clock.read() + SignedDuration::from_hours(30);
    while fleet.sim.clock.read() < until {
        fleet.tick().await;
        assert!(!fleet.live().is_empty());
        fleet.jump(60);
    }
}

#[tokio::test(start_paused = true)]
async fn two_rows_that_are_not_as_declared_give_way_although_graph_names_neither() {
    let mailbox = |lifecycle| {
        vec![Desired {
            lifecycle,
            ..wish("box", "users/u0/messages", "created")
        }]
    };
    let fleet = Fleet::new(mailbox(true));
    let nameless = serde_json::json!({"duplicates": {"name_holder": false}});
    fleet.control.patch_settings(nameless).unwrap();
    fleet.tick().await;
    let row = fleet.live().remove(0);
    plant_like(&fleet, &row, |body| {
        let expires = fleet.sim.clock.read() + SignedDuration::from_hours(24 * 6);
        body.insert("expirationDateTime".into(), expires.to_string().into());
    });
    fleet.declare(mailbox(false));
    fleet.run_for(SignedDuration::from_hours(12)).await;
    let [row] = &fleet.live()[..] else {
        panic!("{:#?}", fleet.live())
    };
    assert_eq!(row.lifecycle_url, None);
}
