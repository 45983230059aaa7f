//! Rule 14: a token of another application changes nothing.

use std::collections::BTreeSet;
use std::rc::Rc;

use evergraph::domain::plan::Reason;
use evergraph::domain::state::Held;

use crate::support::build::*;
use crate::support::world::World;

fn served() -> World {
    let mail = wish("mail", "users/u1/messages");
    let ours = row("r1", &mail, at(600));
    World::of(&mail)
        .with_row(ours.clone())
        .with_held(
            &mail,
            Held {
                due: at(0),
                ..held(&ours)
            },
        )
        .settled()
}

#[test]
fn the_application_of_the_first_token_is_recorded() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = World::new(&[mail]);
    world.pass();
    assert_eq!(world.state.tenants[&tenant(1)].app, Some(app("app-1")));
}

#[test]
fn another_application_changes_nothing_and_both_are_named() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = served();
    world.graph.app = app("laptop");
    let before = world.clone();
    for _ in 0..20 {
        let story = world.pass();
        let hold = &story.plans.last().unwrap().holds[0];
        assert_eq!(hold.why, Reason::OtherApplication);
        assert!(
            hold.words.contains("laptop") && hold.words.contains("app-1"),
            "{}",
            hold.words
        );
        world.wait(minutes(5));
    }
    assert_eq!(world.graph.rows, before.graph.rows);
    assert_eq!(world.held(&mail), before.held(&mail));
    assert_eq!(world.state.tenants[&tenant(1)].app, Some(app("app-1")));
}

#[test]
fn a_declared_move_records_the_new_one_and_starts_from_a_complete_listing() {
    let mail = wish("mail", "users/u1/messages");
    let mut world = served();
    world.graph.app = app("new-app");
    world.setup.former_apps = Rc::new(BTreeSet::from([app("app-1")]));
    let story = world.pass();
    assert!(story.rested);
    assert_eq!(
        (story.listed(), story.renewed(), story.created()),
        (1, 0, 1)
    );
    assert_eq!(world.state.tenants[&tenant(1)].app, Some(app("new-app")));
    assert_ne!(world.held(&mail).unwrap().id, id("r1"));
}

#[test]
fn a_tenant_without_a_token_is_left_alone_and_the_others_are_served() {
    use crate::support::worker::{Op, Worker};
    let (first, second) = (wish("first", "users"), wish_of(2, "second", "users"));
    let mut world = World::new(&[first.clone(), second.clone()]);
    let mut worker = Worker::begin(world.state.clone(), world.now);
    let mut holds = Vec::new();
    while !worker.is_done() {
        if worker.needs_plan() {
            holds = worker.plan(&world.setup, world.now).holds;
        } else if worker.queue.front() == Some(&Op::App(tenant(1))) {
            worker.queue.pop_front();
            worker.sight(&tenant(1)).no_token = Some("consent is missing".into());
        } else {
            worker.act(&world.setup, &mut world.graph, world.now);
        }
    }
    assert!(worker.rested);
    assert!(
        holds
            .iter()
            .any(|hold| hold.why == Reason::NoToken && hold.tenant == tenant(1))
    );
    let kept: Vec<_> = world
        .graph
        .rows
        .values()
        .map(|kept| kept.tenant.clone())
        .collect();
    assert_eq!(kept, [tenant(2)]);
}
