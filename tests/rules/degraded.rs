//! Rule 16: degrade, do not die.

use std::rc::Rc;

use evergraph::domain::ids::Kid;
use evergraph::domain::plan::{Brake, Reason};
use evergraph::domain::policy::Mode;
use evergraph::domain::record::Miss;
use evergraph::domain::state::{Held, ShardState};
use evergraph::domain::subscription::{Declaration, Desired};

use crate::support::build::*;
use crate::support::world::{Story, World};

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

fn due() -> World {
    let ours = row("r1", &mail(), at(200));
    let held = Held {
        due: at(0),
        kid: Some(Kid::parse("a").unwrap()),
        ..held(&ours)
    };
    let missing = wish("missing", "users/u2/messages");
    let stray = wish("stray", "users/u3/messages");
    World::new(&[mail(), missing])
        .with_row(ours)
        .with_row(row("r3", &stray, at(7200)))
        .with_held(&mail(), held)
        .settled()
}

#[track_caller]
fn check_renews_only(world: &mut World) -> Story {
    let story = world.pass();
    assert!(story.rested);
    assert_eq!(
        (story.renewed(), story.created(), story.deleted()),
        (1, 0, 0)
    );
    assert_eq!(story.plans[0].grade.mode, Mode::RenewOnly);
    for _ in 0..10 {
        world.wait(minutes(5));
        let story = world.pass();
        assert_eq!((story.created(), story.deleted()), (0, 0));
    }
    story
}

#[test]
fn a_bad_declaration_makes_the_pass_renew_only() {
    let mut world = due();
    let why = "line 3".to_owned();
    world.setup.declaration = Rc::new(Declaration::Unusable { why });
    let story = check_renews_only(&mut world);
    assert!(matches!(
        story.plans[0].grade.brakes[..],
        [Brake::DeclarationUnusable(_)]
    ));
}

#[test]
fn a_bad_declaration_of_something_that_needs_a_lifecycle_address_asks_for_what_is_always_granted() {
    let chat = wish("chat", "chats/getAllMessages");
    let ours = row("r1", &chat, at(30));
    let mut world = World::of(&chat)
        .with_row(without_lifecycle(ours.clone()))
        .with_held(
            &chat,
            Held {
                due: at(0),
                // Graph grants no more than an hour to a row without a lifecycle address.
                obtained_at: at(-25),
                ..held(&ours)
            },
        )
        .settled();
    world.setup.declaration = Rc::new(Declaration::Unusable {
        why: "line 3".into(),
    });
    assert_eq!(world.pass().renewed(), 1);
    assert!(world.graph.rows[&id("r1")].row.expires <= at(60));
}

#[test]
fn a_missing_key_makes_the_pass_renew_only() {
    let mut world = due();
    world.setup.ring = Rc::new(ring(&["b"]));
    let story = check_renews_only(&mut world);
    let missing = Brake::KeyMissing(Kid::parse("a").unwrap());
    assert_eq!(story.plans[0].grade.brakes, [missing]);
}

#[test]
fn an_unreadable_state_renews_own_rows_of_a_complete_listing_and_nothing_else() {
    let mut world = due();
    let theirs = foreign(row("theirs", &mail(), at(8)));
    world = world.with_row(theirs);
    world.graph.rows.get_mut(&id("r1")).unwrap().row.expires = at(8);
    world.state = ShardState::default();
    world.setup.unreadable = Some("version 9");
    let story = world.pass();
    assert!(story.rested);
    assert_eq!(
        (story.renewed(), story.created(), story.deleted()),
        (1, 0, 0)
    );
    assert!(world.graph.rows[&id("r1")].row.expires > at(600));
    assert_eq!(
        world.state,
        ShardState::default(),
        "something was remembered"
    );
}

#[test]
fn an_unreadable_state_and_an_incomplete_listing_renew_nothing() {
    let mut world = due();
    world.graph.rows.get_mut(&id("r1")).unwrap().row.expires = at(8);
    world.state = ShardState::default();
    world.setup.unreadable = Some("version 9");
    world.graph.incomplete = true;
    assert_eq!(world.pass().renewed(), 0);
}

#[test]
fn an_unreadable_state_tries_each_renewal_once_in_a_pass() {
    let mut world = due();
    world.graph.rows.get_mut(&id("r1")).unwrap().row.expires = at(8);
    world.state = ShardState::default();
    world.setup.unreadable = Some("version 9");
    world.graph.refuses_renewals = Some(Miss::Unavailable(None));
    let story = world.pass();
    assert!(story.rested);
    assert_eq!(story.renewed(), 1);
}

#[test]
fn modes_do_what_they_say() {
    for (mode, wanted) in [
        (Mode::Observe, (0, 0, 0)),
        (Mode::RenewOnly, (1, 0, 0)),
        (Mode::CreateOnly, (1, 1, 0)),
        (Mode::Full, (1, 1, 1)),
    ] {
        let mut world = due();
        world.setup.policy = Rc::new(crate::support::worker::policy(|policy| policy.mode = mode));
        let hash = world.setup.config_hash().unwrap();
        let watched = watch(evergraph::domain::state::Going::Undeclared, at(-20), &hash);
        world.state.watches.insert(id("r3"), watched);
        world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
        let story = world.pass();
        assert!(story.rested);
        let did = (story.renewed(), story.created(), story.deleted());
        assert_eq!(did, wanted, "{mode}");
        assert_eq!(
            mode < Mode::Full,
            story.has_hold(Reason::ModeForbids),
            "{mode}"
        );
    }
}

#[test]
fn without_a_memory_own_rows_are_adopted_not_made_again() {
    let mut world = due();
    world.state = ShardState::default();
    let story = world.pass();
    assert_eq!(story.created(), 1, "only the missing one");
    assert_eq!(world.held(&mail()).unwrap().id, id("r1"));
}
