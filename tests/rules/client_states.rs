//! How a row whose clientState cannot be seen is judged.

use std::collections::BTreeSet;
use std::rc::Rc;

use evergraph::domain::plan::Reason;
use evergraph::domain::sight::Proofs;
use evergraph::domain::state::{BlockedBy, HeldOrigin};
use evergraph::domain::subscription::Desired;

use crate::support::build::*;
use crate::support::world::World;

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

fn hidden(rows: &[&str]) -> World {
    let mut world = World::new(&[mail()]);
    for text in rows {
        world = world.with_row(row(text, &mail(), at(7200)));
        world.graph.hides.insert(id(text));
    }
    world
}

fn prove(world: &mut World, verified: &[&str], refused: &[&str]) {
    let set = |texts: &[&str]| texts.iter().map(|text| id(text)).collect::<BTreeSet<_>>();
    world.setup.proofs = Rc::new(Proofs {
        verified: set(verified),
        refused: set(refused),
    });
}

#[test]
fn listings_hide_it_so_it_is_read_by_id_before_anything_is_decided() {
    let mut world = World::new(&[mail()]).with_row(row("r1", &mail(), at(7200)));
    let story = world.pass();
    assert_eq!((story.got(), story.created()), (1, 0));
    let held = world.held(&mail()).unwrap();
    assert_eq!(held.origin, HeldOrigin::Adopted);
    assert_eq!(held.kid.as_ref().map(|kid| kid.as_str()), Some("a"));
}

#[test]
fn a_wrong_one_is_mismatched_and_the_row_serves_until_it_is_replaced() {
    for text in ["", "secret", "1.a.x.y"] {
        let wrong = signed(row("r1", &mail(), at(7200)), Some(text));
        let mut world = World::new(&[mail()]).with_row(wrong);
        world.pass();
        assert_eq!(world.held(&mail()).unwrap().origin, HeldOrigin::Mismatched);
        assert_eq!(world.live(&mail()), [id("r1")]);
        world.ticks(8);
        assert_eq!(world.live(&mail()).len(), 1);
        assert_ne!(world.live(&mail()), [id("r1")]);
    }
}

#[test]
fn one_that_belongs_to_another_key_is_wrong() {
    let other = wish("other", "users/u2/messages");
    let text = ring(&["a"]).derive(&home().current.fleet, &other.key.tag());
    let wrong = signed(row("r1", &mail(), at(7200)), Some(text.expose()));
    let mut world = World::new(&[mail()]).with_row(wrong);
    world.pass();
    assert_eq!(world.held(&mail()).unwrap().origin, HeldOrigin::Mismatched);
}

#[test]
fn one_hidden_even_by_id_is_adopted_as_unproven_and_a_notification_proves_it() {
    let mut world = hidden(&["r1"]);
    world.pass();
    assert_eq!(world.held(&mail()).unwrap().origin, HeldOrigin::Unproven);
    prove(&mut world, &["r1"], &[]);
    world.pass();
    assert_eq!(world.held(&mail()).unwrap().origin, HeldOrigin::Adopted);
}

#[test]
fn an_unproven_one_that_was_refused_is_replaced() {
    let mut world = hidden(&["r1"]);
    world.pass();
    prove(&mut world, &[], &["r1"]);
    world.ticks(40);
    assert_eq!(world.live(&mail()).len(), 1);
    assert_ne!(world.live(&mail()), [id("r1")]);
}

#[test]
fn no_duplicate_of_an_unproven_one_is_deleted() {
    let mut world = hidden(&["r1", "r2"]);
    world.ticks(40);
    assert_eq!(world.live(&mail()).len(), 2);
    prove(&mut world, &["r1", "r2"], &[]);
    world.ticks(14);
    assert_eq!(world.live(&mail()), [id("r1")]);
}

#[test]
fn not_even_good_ones_go_while_one_among_them_is_unproven() {
    let good = row("r2", &mail(), at(7200));
    let mut world = hidden(&["r1"])
        .with_row(good.clone())
        .with_row(row("r3", &mail(), at(7200)))
        .with_held(&mail(), held(&good));
    world.ticks(30);
    assert_eq!(world.live(&mail()).len(), 3);
    prove(&mut world, &["r1"], &[]);
    world.ticks(14);
    assert_eq!(world.live(&mail()), [id("r1")]);
}

#[test]
fn nor_is_a_mismatched_row_that_only_an_unproven_one_could_replace() {
    let wrong = without_lifecycle(row("r1", &mail(), at(7200)));
    let mut world = hidden(&["r2"]).with_row(wrong);
    world.ticks(40);
    assert!(world.graph.rows.contains_key(&id("r1")));
    prove(&mut world, &["r2"], &[]);
    world.ticks(30);
    assert_eq!(world.live(&mail()), [id("r2")]);
}

#[test]
fn what_the_state_created_is_good_without_being_seen_again() {
    let mut world = World::new(&[mail()]);
    world.pass();
    let created = world.live(&mail())[0].clone();
    world.graph.hides.insert(created.clone());
    let got: usize = world.ticks(30).iter().map(|story| story.got()).sum();
    assert_eq!(got, 0);
    assert_eq!(world.live(&mail()), [created]);
}

#[test]
fn a_forged_notification_makes_nothing_of_ours_mismatched() {
    // Anybody who knows an id can post a notification with a wrong clientState for it.
    let mut world = World::new(&[mail()]);
    world.pass();
    let created = world.live(&mail())[0].clone();
    prove(&mut world, &[], &[created.as_str()]);
    world.ticks(40);
    assert_eq!(world.live(&mail()), [created]);
    let mut world = World::new(&[mail()]).with_row(row("r1", &mail(), at(7200)));
    prove(&mut world, &[], &["r1"]);
    world.ticks(40);
    assert_eq!(world.live(&mail()), [id("r1")]);
}

#[test]
fn a_verified_notification_outweighs_a_refused_one() {
    let mut world = hidden(&["r1"]);
    prove(&mut world, &["r1"], &["r1"]);
    world.ticks(40);
    assert_eq!(world.live(&mail()), [id("r1")]);
}

#[test]
fn one_signed_by_an_unknown_key_is_neither_taken_nor_doubled_nor_asked_about_at_every_tick() {
    let text = ring(&["zz"]).derive(&home().current.fleet, &mail().key.tag());
    let strange = signed(row("r1", &mail(), at(7200)), Some(text.expose()));
    let mut world = World::new(&[mail()]).with_row(strange);
    let story = world.pass();
    assert!(story.has_hold(Reason::UnknownKey));
    assert_eq!(
        world.entry(&mail()).blocked.clone().unwrap().cause,
        BlockedBy::Unclassified
    );
    let stories = world.ticks(24);
    assert!(stories.len() <= 3, "{}", stories.len());
    assert_eq!(world.live(&mail()), [id("r1")]);
    assert!(world.held(&mail()).is_none());
}
