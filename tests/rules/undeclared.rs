//! Rule 15: what is no longer declared goes slowly, a few at a time, and never for an empty set.

use std::rc::Rc;

use evergraph::domain::plan::Reason;
use evergraph::domain::subscription::Desired;

use crate::support::build::*;
use crate::support::world::World;

fn many(count: usize) -> Vec<Desired> {
    let name = |at: usize| format!("users/u{at}/messages");
    (0..count)
        .map(|at| wish(&format!("m{at}"), &name(at)))
        .collect()
}

fn serving(wishes: &[Desired]) -> World {
    let mut world = World::new(wishes);
    for (at_row, wish) in wishes.iter().enumerate() {
        let ours = row(&format!("r{at_row}"), wish, at(7200));
        world = world.with_row(ours.clone()).with_held(wish, held(&ours));
    }
    world.settled()
}

fn declare(world: &mut World, wishes: &[Desired]) {
    world.setup.declaration = Rc::new(declared(wishes));
}

#[test]
fn it_goes_after_two_passes_a_quarter_of_an_hour_apart() {
    let wishes = many(2);
    let mut world = serving(&wishes);
    declare(&mut world, &wishes[..1]);
    assert_eq!(world.pass().deleted(), 0);
    world.wait(minutes(14));
    let story = world.pass();
    assert_eq!(story.deleted(), 0);
    world.wait(minutes(1));
    assert_eq!(world.agenda(), Some(Reason::Removal));
    assert_eq!(world.pass().deleted(), 1);
    assert_eq!(
        (world.live(&wishes[0]).len(), world.live(&wishes[1]).len()),
        (1, 0)
    );
    assert!(!world.state.entries.contains_key(&wishes[1].key.tag()));
}

#[test]
fn another_declaration_meanwhile_starts_the_clock_anew() {
    let wishes = many(3);
    let mut world = serving(&wishes);
    declare(&mut world, &wishes[..2]);
    world.pass();
    world.wait(minutes(14));
    declare(&mut world, &wishes[..1]);
    world.pass();
    world.wait(minutes(14));
    assert_eq!(world.pass().deleted(), 0);
    world.wait(minutes(1));
    assert_eq!(world.pass().deleted(), 2);
}

#[test]
fn one_declared_again_in_time_stays() {
    let wishes = many(2);
    let mut world = serving(&wishes);
    declare(&mut world, &wishes[..1]);
    world.pass();
    world.wait(minutes(10));
    declare(&mut world, &wishes);
    world.ticks(30);
    assert_eq!(world.live(&wishes[1]), [id("r1")]);
    assert!(world.state.watches.is_empty());
}

#[test]
fn a_few_at_a_time() {
    let wishes = many(30);
    let mut world = serving(&wishes);
    declare(&mut world, &wishes[..2]);
    world.pass();
    world.wait(minutes(15));
    let mut gone = 0;
    while gone < 28 {
        let deleted = world.pass().deleted();
        assert!((1..=5).contains(&deleted), "{deleted}");
        gone += deleted;
        world.wait(minutes(5));
    }
    assert_eq!(world.graph.rows.len(), 2);
}

#[test]
fn an_empty_set_deletes_nothing_and_is_an_alarm() {
    let wishes = many(3);
    let mut world = serving(&wishes);
    declare(&mut world, &[]);
    for _ in 0..30 {
        let story = world.pass();
        assert!(story.rested);
        assert_eq!(story.deleted(), 0);
        assert_eq!(story.plans[0].grade.brakes.len(), 1);
        world.wait(minutes(5));
    }
    assert_eq!(world.graph.rows.len(), 3);
}

#[test]
fn until_it_goes_it_is_kept_alive() {
    let wishes = many(2);
    let mut world = serving(&wishes);
    world.setup.policy = Rc::new(crate::support::worker::policy(|policy| {
        policy.mode = evergraph::domain::policy::Mode::CreateOnly;
    }));
    declare(&mut world, &wishes[..1]);
    world.ticks(12 * 24 * 6);
    assert_eq!(world.live(&wishes[1]), [id("r1")]);
}

#[test]
fn a_delete_that_fails_is_tried_later_not_again_in_the_same_pass() {
    use crate::support::worker::{Fate, Op, Worker};
    let wishes = many(2);
    let mut world = serving(&wishes);
    declare(&mut world, &wishes[..1]);
    world.pass();
    world.wait(minutes(15));
    let mut worker = Worker::begin(world.state.clone(), world.now);
    let mut tries = 0;
    while !worker.is_done() {
        if worker.needs_plan() {
            worker.plan(&world.setup, world.now);
            continue;
        }
        let delete = matches!(worker.queue.front(), Some(Op::Delete(_)));
        tries += usize::from(delete);
        let fate = if delete { Fate::LostBefore } else { Fate::Well };
        worker.act_with(&world.setup, &mut world.graph, world.now, fate);
    }
    assert!(worker.rested);
    assert_eq!(tries, 1);
    world.state = worker.state;
    world.wait(minutes(5));
    world.ticks(3);
    assert!(world.live(&wishes[1]).is_empty());
}

#[test]
fn one_that_neither_a_listing_nor_a_get_shows_is_watched_on() {
    use crate::support::worker::{Fate, Op, Worker};
    let wishes = many(2);
    let mut world = serving(&wishes);
    declare(&mut world, &wishes[..1]);
    world.pass();
    let since = world.state.watches[&id("r1")].since;
    world.wait(minutes(16));
    world.graph.rows.get_mut(&id("r1")).unwrap().lags = true;
    let mut worker = Worker::begin(world.state.clone(), world.now);
    while !worker.is_done() {
        if worker.needs_plan() {
            worker.plan(&world.setup, world.now);
            continue;
        }
        let lost = matches!(worker.queue.front(), Some(Op::Get(..)));
        let fate = if lost { Fate::LostBefore } else { Fate::Well };
        worker.act_with(&world.setup, &mut world.graph, world.now, fate);
    }
    assert!(worker.rested);
    assert_eq!(worker.state.watches[&id("r1")].since, since);
}
