//! Rule 3, first half: of several good rows of one key the smallest stays, renewed first.

use std::rc::Rc;

use evergraph::domain::plan::{Reason, Step};
use evergraph::domain::policy::Mode;
use evergraph::domain::record::Miss;

use crate::support::build::*;
use crate::support::worker::{Event, policy};
use crate::support::world::World;

fn three_of_one() -> World {
    let mail = wish("mail", "users/u1/messages");
    World::of(&mail)
        .with_row(row("r2", &mail, at(7200)))
        .with_row(row("r1", &mail, at(7200)))
        .with_row(row("r3", &mail, at(7200)))
        .with_held(&mail, held(&row("r2", &mail, at(7200))))
}

#[test]
fn the_smallest_id_stays_whichever_was_recorded_and_is_renewed_before_the_others_go() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = three_of_one();
    let story = world.pass();
    assert!(story.rested);
    let effects: Vec<_> = story
        .events
        .iter()
        .filter(|event| matches!(event, Event::Renew(..) | Event::Delete(..)))
        .cloned()
        .collect();
    let wanted = [
        Event::Renew(id("r1"), Reason::Survivor),
        Event::Delete(id("r2"), Reason::Surplus),
        Event::Delete(id("r3"), Reason::Surplus),
    ];
    assert_eq!(effects, wanted);
    assert_eq!(world.live(&mail), [id("r1")]);
    assert_eq!(world.held(&mail).unwrap().id, id("r1"));
}

#[test]
fn nothing_goes_where_the_survivor_could_not_be_renewed_and_the_pass_ends() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = three_of_one();
    world.graph.refuses_renewals = Some(Miss::Unavailable(None));
    let story = world.pass();
    assert!(story.rested);
    assert_eq!((story.renewed(), story.deleted()), (1, 0));
    assert_eq!(world.live(&mail).len(), 3);
}

#[test]
fn duplicates_seen_on_an_incomplete_listing_stay() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = three_of_one().settled();
    world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
    world.graph.incomplete = true;
    let story = world.pass();
    assert!(story.has_hold(Reason::IncompleteListing));
    assert_eq!(world.live(&mail).len(), 3);
}

#[test]
fn a_mode_that_deletes_nothing_still_renews_what_is_due_among_duplicates() {
    let mail = wish("mail", "users/u1/messages");
    for mode in [Mode::RenewOnly, Mode::CreateOnly] {
        let mut world = three_of_one();
        world.setup.policy = Rc::new(policy(|policy| policy.mode = mode));
        world.pass();
        assert_eq!(world.held(&mail).unwrap().id, id("r1"));
        world
            .state
            .entries
            .get_mut(&mail.key.tag())
            .unwrap()
            .held
            .as_mut()
            .unwrap()
            .due = at(0);
        world.wait(minutes(60));
        let story = world.pass();
        assert_eq!(
            (story.listed(), story.renewed(), story.deleted()),
            (1, 1, 0),
            "{mode}"
        );
    }
}

#[test]
fn every_worker_agrees_on_the_survivor_whatever_it_remembers() {
    let mail = wish("mail", "users/u1/messages");
    for recorded in ["r1", "r2", "r3", "r9"] {
        let mut world = three_of_one();
        world = world.with_held(&mail, held(&row(recorded, &mail, at(7200))));
        world.pass();
        assert_eq!(world.live(&mail), [id("r1")], "recorded {recorded}");
    }
}

#[test]
fn a_survivor_that_cannot_be_read_by_id_is_not_overtaken_by_its_duplicates() {
    // r2 serves and was absent from the listing; its GET had no answer.
    use evergraph::domain::sight::ById;
    let mut world = three_of_one().settled();
    world.graph.rows.get_mut(&id("r2")).unwrap().lags = true;
    let mut worker = crate::support::worker::Worker::begin(world.state.clone(), world.now);
    let sight = worker.sight(&tenant(1));
    sight.app = Some(app("app-1"));
    sight.listing = evergraph::domain::sight::Listing::Complete {
        rows: world.graph.list(&tenant(1)),
        begun_at: world.now,
    };
    for (text, answer) in [
        ("r1", world.graph.get(&id("r1"))),
        ("r2", ById::NoAnswer),
        ("r3", world.graph.get(&id("r3"))),
    ] {
        worker.sight(&tenant(1)).by_id.insert(id(text), answer);
    }
    let plan = worker.plan(&world.setup, world.now);
    let changes_hands = |step: &Step| matches!(step, Step::Collapse { .. });
    assert!(!plan.steps.iter().any(changes_hands), "{plan:#?}");
}

/// What was created in one pass, while somebody else created the same.
fn created_twice() -> World {
    let mail = wish("mail", "users/u1/messages");
    let mut world = World::of(&mail);
    let story = world.pass();
    assert_eq!((story.created(), story.listed()), (1, 1));
    world.graph.keep(tenant(1), row("a-rival", &mail, at(4000)));
    world
}

#[test]
fn what_was_created_is_looked_at_once_more_after_its_settle_time_and_a_silent_duplicate_goes() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = created_twice();
    world.wait(jiff::SignedDuration::from_secs(119));
    assert_eq!(world.agenda(), None);
    world.wait(jiff::SignedDuration::from_secs(1));
    assert_eq!(world.agenda(), Some(Reason::VerifyCreates));
    let story = world.pass();
    assert_eq!((story.listed(), story.deleted()), (1, 1));
    assert_eq!(world.live(&mail), [id("a-rival")]);
    // Once: from here on only the audit lists.
    world.wait(minutes(5));
    let listed: usize = world.ticks(10).iter().map(|story| story.listed()).sum();
    assert_eq!(listed, 0);
}

#[test]
fn a_listing_from_before_the_settle_time_verifies_nothing() {
    let mut world = created_twice();
    world.graph.lags = true;
    let known = world.state.tenants.get_mut(&tenant(1)).unwrap();
    known.audited_at = None;
    world.wait(minutes(1));
    assert_eq!(world.pass().listed(), 1);
    assert_eq!(world.agenda(), None);
    world.wait(minutes(1));
    assert_eq!(world.agenda(), Some(Reason::VerifyCreates));
}

#[test]
fn many_creates_are_verified_by_one_listing() {
    let name = |at: usize| format!("users/u{at}/messages");
    let wishes: Vec<_> = (0..9)
        .map(|at| wish(&format!("m{at}"), &name(at)))
        .collect();
    let mut world = World::new(&wishes);
    assert_eq!(world.pass().created(), 9);
    world.wait(minutes(5));
    let story = world.pass();
    assert_eq!((story.listed(), story.touched()), (1, 1));
    assert_eq!(world.agenda(), None);
}
