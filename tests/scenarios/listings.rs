//! What listings show and what they do not.

use evergraph::app::report::Action;
use evergraph::domain::plan::Reason;
use evergraph::domain::subscription::Desired;
use evergraph::ports::state::StateStore as _;
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::request::Op;
use jiff::SignedDuration;

use crate::fleet::{Fleet, calls, done, mailboxes, wish};
use crate::rows::{decided, plant_like};

/// Listings go wrong for hours; nothing is created or deleted in that time.
async fn check_incomplete(nth: u64, effect: Effect) {
    let fleet = Fleet::new(mailboxes(4));
    fleet.tick().await;
    let row = fleet.live().remove(0);
    plant_like(&fleet, &row, |_| {});
    fleet.control.remove(&fleet.live()[1].id, false).unwrap();
    let pages = serde_json::json!({"listing": {"page_size": 2}});
    fleet.control.patch_settings(pages).unwrap();
    let rule = Rule {
        nth,
        times: 0,
        ..Rule::next(Op::List, effect.clone())
    };
    let number = fleet.control.arm(rule).unwrap();
    let reports = fleet.run_for(SignedDuration::from_hours(5)).await;
    assert_eq!(
        calls(&reports, "create") + calls(&reports, "delete"),
        0,
        "{effect:?}"
    );
    let decisions = reports.iter().flat_map(|report| &report.decisions);
    let reported = decisions.filter(|one| one.action == Action::Look && one.outcome != "done");
    assert!(reported.count() >= 5, "{effect:?} is reported");
    fleet.sim.with(|service, _| service.faults.disarm(number));
    let reports = fleet.run_for(SignedDuration::from_mins(70)).await;
    assert_eq!(done(&reports, Action::Create), 1);
    assert_eq!(fleet.live().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_listing_creates_and_deletes_nothing() {
    let link = |url: &str| Effect::NextLink { url: url.into() };
    check_incomplete(1, Effect::Answer(Injected::status(500))).await;
    check_incomplete(2, Effect::Answer(Injected::status(500))).await;
    check_incomplete(2, Effect::LoseAfter).await;
    check_incomplete(
        1,
        link("https://evil.example/v1.0/subscriptions?$skiptoken=x"),
    )
    .await;
    check_incomplete(1, Effect::Body { text: "{".into() }).await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_is_no_end() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let rule = Rule {
        times: 2,
        ..Rule::next(Op::List, Effect::EmptyPage)
    };
    fleet.control.arm(rule).unwrap();
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!(
        done(&reports, Action::Create) + done(&reports, Action::LetGo),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn absent_from_a_listing_is_not_gone() {
    let fleet = Fleet::new(mailboxes(3));
    fleet.tick().await;
    let hidden = fleet.live()[0].id.clone();
    fleet.control.hide(&hidden, true).unwrap();
    let reports = fleet.run_for(SignedDuration::from_hours(5)).await;
    assert!(decided(&reports, Action::Look, Reason::AbsentFromListing) >= 4);
    assert_eq!(
        done(&reports, Action::Create) + done(&reports, Action::LetGo),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_finds_nothing_leads_to_a_get_and_then_to_a_new_one() {
    let fleet = Fleet::new(vec![wish("p", "communications/presences/u1", "updated")]);
    fleet.tick().await;
    let old = fleet.live()[0].id.clone();
    fleet.jump(44);
    fleet.control.remove(&old, false).unwrap();
    let report = fleet.tick().await;
    let reports = [report];
    assert_eq!(decided(&reports, Action::Look, Reason::PatchSaidGone), 1);
    assert_eq!(decided(&reports, Action::LetGo, Reason::ConfirmedGone), 1);
    assert_eq!(
        done(&reports, Action::Create),
        1,
        "in the same pass: {reports:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_wrongly_says_404_costs_a_get_and_nothing_else() {
    let fleet = Fleet::new(vec![wish("p", "communications/presences/u1", "updated")]);
    fleet.tick().await;
    let id = fleet.live()[0].id.clone();
    let wrong = Effect::Answer(Injected::status(404));
    fleet.control.arm(Rule::next(Op::Renew, wrong)).unwrap();
    let reports = fleet.run_for(SignedDuration::from_hours(3)).await;
    assert_eq!(decided(&reports, Action::Look, Reason::PatchSaidGone), 1);
    assert_eq!(
        done(&reports, Action::Create) + done(&reports, Action::LetGo),
        0
    );
    assert_eq!(fleet.live()[0].id, id);
}

#[tokio::test(start_paused = true)]
async fn what_ended_during_an_outage_is_created_anew() {
    let mut wishes = mailboxes(2);
    wishes.push(wish("p", "communications/presences/u1", "updated"));
    let fleet = Fleet::new(wishes);
    fleet.tick().await;
    let rule = Rule {
        operation: None,
        times: 0,
        ..Rule::next(Op::List, Effect::Unreachable)
    };
    let number = fleet.control.arm(rule).unwrap();
    fleet.run_for(SignedDuration::from_hours(24 * 8)).await;
    assert_eq!(fleet.live(), []);
    fleet.sim.with(|service, _| service.faults.disarm(number));
    fleet.run_for(SignedDuration::from_mins(65)).await;
    assert_eq!(fleet.live().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn ghosts_in_a_listing_are_not_adopted() {
    let fleet = Fleet::new(mailboxes(2));
    let ghosts = serde_json::json!({"listing": {"ghost_ms": 172_800_000_u64}});
    fleet.control.patch_settings(ghosts).unwrap();
    fleet.tick().await;
    let victim = fleet.live()[0].id.clone();
    fleet.control.remove(&victim, false).unwrap();
    // It still stands in listings; only its renewal shows that it is gone.
    let reports = fleet.run_for(SignedDuration::from_hours(24 * 6)).await;
    assert_eq!(done(&reports, Action::Create), 1);
    assert_eq!(fleet.live().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_ghost_that_is_not_as_declared_is_not_taken_for_a_row_that_serves() {
    let drive = |lifecycle| {
        vec![Desired {
            lifecycle,
            ..wish("drive", "drives/d1/root", "updated")
        }]
    };
    let fleet = Fleet::new(drive(true));
    let ghosts = serde_json::json!({"listing": {"ghost_ms": 172_800_000_u64}});
    fleet.control.patch_settings(ghosts).unwrap();
    fleet.tick().await;
    let victim = fleet.live()[0].id.clone();
    fleet.control.remove(&victim, false).unwrap();
    fleet.store.delete(&fleet.config.state_name).await.unwrap();
    fleet.declare(drive(false));
    let report = fleet.tick().await;
    assert_eq!(report.done(Action::Create), 1, "{report:#?}");
    assert_eq!(fleet.live().len(), 1);
}
