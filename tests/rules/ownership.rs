//! Rule 1: what is not ours is never changed or deleted.

use std::rc::Rc;

use evergraph::domain::plan::{Brake, Reason};
use evergraph::domain::state::Going;

use crate::support::build::*;
use crate::support::worker::policy;
use crate::support::world::{Setup, World};

#[test]
fn a_foreign_row_of_the_same_resource_is_left_alone() {
    let mail = wish("mail", "users/u1/messages");
    let theirs = foreign(row("a-theirs", &mail, at(7200)));
    let mut world = World::of(&mail).with_row(theirs);
    world.ticks(40);
    assert_eq!(world.live(&mail).len(), 1);
    assert!(world.graph.rows.contains_key(&id("a-theirs")));
}

#[test]
fn a_subscription_turned_to_another_address_is_let_go_and_made_anew() {
    let mail = wish("mail", "users/u1/messages");
    let ours = row("r1", &mail, at(7200));
    let mut world = World::of(&mail)
        .with_row(foreign(ours.clone()))
        .with_held(&mail, held(&ours))
        .settled();
    world.wait(minutes(60));
    let story = world.pass();
    assert_eq!((story.created(), story.renewed()), (1, 0));
    assert_ne!(world.held(&mail).unwrap().id, id("r1"));
}

/// The configuration names an address that the state's writer did not have.
fn moved_without_saying_so() -> World {
    let mail = wish("mail", "users/u1/messages");
    let gone = wish("gone", "users/u2/messages");
    let ours = row("r1", &mail, at(7200));
    let mut world = World::new(&[mail.clone(), gone])
        .with_row(ours.clone())
        .with_held(&mail, held(&ours))
        .settled();
    let mut home = home();
    home.current = fleet_url("https://new.example.com", "prod");
    world.setup.home = Rc::new(home);
    world
}

#[test]
fn under_a_wrong_public_address_what_is_held_is_renewed_and_nothing_else_is_done() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = moved_without_saying_so();
    let end = world.held(&mail).unwrap().expires;
    for _ in 0..(7200 / 5) {
        let story = world.pass();
        assert_eq!((story.created(), story.deleted()), (0, 0));
        world.wait(minutes(5));
    }
    let held = world.held(&mail).unwrap();
    assert_eq!(held.id, id("r1"));
    assert!(held.expires > end, "it was let go of");
    assert_eq!(
        world.state.residence.unwrap().origin,
        "https://app.example.com"
    );
}

#[test]
fn another_residence_is_an_alarm_until_the_old_address_is_declared_as_former() {
    let mut world = moved_without_saying_so();
    let story = world.pass();
    let brakes = &story.plans[0].grade.brakes;
    assert!(
        matches!(brakes[..], [Brake::OtherResidence { .. }]),
        "{brakes:?}"
    );
    let mut home = (*world.setup.home).clone();
    home.former
        .push(fleet_url("https://app.example.com", "prod"));
    world.setup.home = Rc::new(home);
    let story = world.pass();
    assert!(story.plans[0].grade.brakes.is_empty());
    assert_eq!(story.created(), 1);
    assert_eq!(
        world.state.residence.unwrap().origin,
        "https://new.example.com"
    );
}

#[test]
fn a_former_address_is_moved_by_patch_at_once() {
    let mail = evergraph::domain::subscription::Desired {
        lifecycle: false,
        ..wish("mail", "users/u1/messages")
    };
    let old = former(row("r1", &mail, at(7200)));
    let mut world = World::of(&mail).with_row(old);
    let story = world.pass();
    assert!(story.rested);
    assert_eq!((story.renewed(), story.created()), (1, 0));
    let row = &world.graph.rows[&id("r1")].row;
    assert!(
        world
            .setup
            .home
            .current
            .is_notifications(&row.notification_url)
    );
}

#[test]
fn a_former_address_stays_in_a_mode_that_only_renews() {
    let mail = wish("mail", "users/u1/messages");
    let old = former(row("r1", &mail, at(7200)));
    let mut world = World::of(&mail).with_row(old.clone());
    world.setup.policy = Rc::new(policy(|policy| {
        policy.mode = evergraph::domain::policy::Mode::RenewOnly;
    }));
    world.ticks(3);
    assert_eq!(world.graph.rows[&id("r1")].row, old);
}

#[test]
fn a_former_lifecycle_address_is_replaced_since_no_patch_moves_it() {
    let mail = wish("mail", "users/u1/messages");
    let old = former(row("r1", &mail, at(7200)));
    let mut world = World::of(&mail).with_row(old);
    world.ticks(8);
    let live = world.live(&mail);
    assert_eq!(live.len(), 1);
    assert_ne!(live[0], id("r1"));
}

#[test]
fn an_address_with_a_query_or_another_path_is_not_ours() {
    let mail = wish("mail", "users/u1/messages");
    for url in [
        "https://app.example.com/api/notifications/prod?x=1",
        "https://app.example.com/api/notifications/prod2",
        "https://app.example.com.evil.example/api/notifications/prod",
        "EventHub:https://app.example.com/api/notifications/prod",
    ] {
        let mut theirs = row("a-theirs", &mail, at(7200));
        theirs.notification_url = url.to_owned();
        let mut world = World::of(&mail).with_row(theirs);
        world.ticks(6);
        assert_eq!(world.live(&mail).len(), 1, "{url}");
    }
}

#[test]
fn an_id_in_the_state_alone_earns_no_delete() {
    // The state says that r9 should go, and has for long; nothing shows that it is ours.
    let mail = wish("mail", "users/u1/messages");
    let hash = Setup::new(std::slice::from_ref(&mail))
        .config_hash()
        .unwrap();
    let theirs = foreign(row("r9", &mail, at(7200)));
    let mut world = World::of(&mail).with_row(theirs).settled();
    let watch = watch(Going::Undeclared, at(-60), &hash);
    world.state.watches.insert(id("r9"), watch);
    let story = world.pass();
    assert_eq!(story.deleted(), 0);
    assert!(world.state.watches.is_empty());
}

#[test]
fn an_echo_of_another_spelling_does_not_make_a_held_subscription_undeclared() {
    let mail = wish("mail", "users/u1/messages");
    let mut echoed = row("r1", &mail, at(7200));
    echoed.resource = "https://elsewhere/unreadable".to_owned();
    let mut world = World::of(&mail)
        .with_row(echoed.clone())
        .with_held(&mail, held(&echoed))
        .settled();
    world.ticks(40);
    assert!(world.graph.rows.contains_key(&id("r1")));
    assert_eq!(world.held(&mail).unwrap().id, id("r1"));
    assert!(world.state.watches.is_empty());
    assert!(!world.pass().has_hold(Reason::NotYetConfirmed));
}
