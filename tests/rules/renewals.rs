//! Rules 7 and 9: expiry is what Graph says; how lifecycle events are answered.

use std::rc::Rc;

use evergraph::domain::plan::Reason;
use evergraph::domain::record::Miss;
use evergraph::domain::sight::{LifecycleEvent, WakeMark};
use evergraph::domain::state::Held;
use evergraph::domain::subscription::Desired;

use crate::support::build::*;
use crate::support::worker::{Event, policy};
use crate::support::world::World;

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

fn served(end: jiff::Timestamp, due: jiff::Timestamp) -> World {
    let ours = row("r1", &mail(), end);
    let held = Held { due, ..held(&ours) };
    World::new(&[mail()])
        .with_row(ours)
        .with_held(&mail(), held)
        .settled()
}

#[test]
fn a_steady_hour_costs_one_listing_and_one_patch_for_each_that_is_due() {
    let mut world = served(at(600), at(30));
    let stories = world.ticks(12);
    let sum = |count: fn(&crate::support::world::Story) -> usize| {
        stories.iter().map(count).sum::<usize>()
    };
    assert_eq!(sum(|story| story.renewed()), 1);
    assert_eq!(
        (sum(|story| story.listed()), sum(|story| story.got())),
        (0, 0)
    );
    assert_eq!(stories.len(), 1, "only a due tick is a pass");
    world.ticks(1);
    let listed: usize = world.ticks(12).iter().map(|story| story.listed()).sum();
    assert_eq!(listed, 1);
}

#[test]
fn what_graph_grants_counts_not_what_was_asked() {
    let mut world = World::new(&[mail()]);
    world.graph.grants = Some(minutes(100));
    world.pass();
    let created = world.held(&mail()).unwrap().clone();
    assert_eq!((created.expires, created.due), (at(100), at(70)));
    world.wait(minutes(70));
    world.pass();
    let renewed = world.held(&mail()).unwrap();
    assert_eq!((renewed.expires, renewed.due), (at(170), at(140)));
}

#[test]
fn a_renewal_is_recorded_with_the_end_that_graph_returned() {
    use evergraph::domain::plan::Renewal;
    let world = served(at(600), at(0));
    let mut state = world.state.clone();
    let hash = world.setup.config_hash();
    let renewal = Renewal {
        tenant: tenant(1),
        id: id("r1"),
        tag: Some(mail().key.tag()),
        expires: at(6000),
        ends: at(600),
        moves: false,
        certificate: false,
        why: Reason::Due,
    };
    let returned = row("r1", &mail(), at(1000));
    let recorder = world.setup.recorder(hash.as_deref(), world.now);
    recorder.renewed(&mut state, &renewal, None, Ok(&returned));
    let held = state.entries[&mail().key.tag()].held.clone().unwrap();
    assert_eq!((held.expires, held.due), (at(1000), at(700)));
}

#[test]
fn what_graph_shows_counts_not_what_is_remembered() {
    let mut world = served(at(600), at(0));
    world.pass();
    let shown = world.graph.rows.get_mut(&id("r1")).unwrap();
    shown.row.expires = at(90);
    world.wait(minutes(60));
    world.pass();
    let held = world.held(&mail()).unwrap();
    assert_eq!(held.expires, at(90));
    assert_eq!(
        held.due,
        at(60 + 15),
        "the earlier of a share and three ticks before the end"
    );
}

#[test]
fn a_lagging_listing_does_not_undo_a_fresh_renewal() {
    let mut world = served(at(600), at(0));
    let before = world.graph.rows[&id("r1")].row.clone();
    world.pass();
    let renewed = world.held(&mail()).unwrap().expires;
    world.graph.keep(tenant(1), before);
    world.now += minutes(1);
    world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
    world.pass();
    assert_eq!(world.held(&mail()).unwrap().expires, renewed);
}

#[test]
fn a_lifetime_under_four_ticks_is_renewed_at_every_tick_once() {
    let short = Desired {
        lifetime: evergraph::domain::subscription::Lifetime::Exactly(minutes(18)),
        ..mail()
    };
    let ours = row("r1", &short, at(18));
    let mut world = World::of(&short).with_row(ours.clone());
    world = world
        .with_held(
            &short,
            Held {
                due: at(0),
                ..held(&ours)
            },
        )
        .settled();
    for _ in 0..6 {
        let story = world.pass();
        assert_eq!(story.renewed(), 1);
        world.wait(minutes(5));
    }
}

#[test]
fn one_adopted_shortly_before_its_end_is_renewed_in_the_same_pass() {
    let mut world = World::new(&[mail()]).with_row(row("r1", &mail(), at(3)));
    let story = world.pass();
    assert_eq!((story.created(), story.renewed()), (0, 1));
    assert!(world.held(&mail()).unwrap().expires > at(60));
}

#[test]
fn a_renewal_never_shortens() {
    let mut world = served(at(60 * 24 * 40), at(0));
    world.pass();
    assert_eq!(world.held(&mail()).unwrap().expires, at(60 * 24 * 40));
}

fn marked(mut world: World, event: LifecycleEvent) -> World {
    let subscription = id("r1");
    world.setup.marks = Rc::new(vec![WakeMark {
        event,
        subscription,
    }]);
    world
}

fn unmarked(mut world: World) -> World {
    world.setup.marks = Rc::new(Vec::new());
    world
}

#[test]
fn a_call_for_reauthorization_is_answered_by_one_patch_in_ten_minutes() {
    let mut world = marked(
        served(at(6000), at(5000)),
        LifecycleEvent::ReauthorizationRequired,
    );
    let story = world.pass();
    let answered = Event::Renew(id("r1"), Reason::Reauthorize);
    assert_eq!(story.count(|event| *event == answered), 1);
    for _ in 0..9 {
        world.wait(minutes(1));
        assert_eq!(world.pass().renewed(), 0);
    }
    world.wait(minutes(1));
    assert_eq!(world.pass().renewed(), 1);
}

#[test]
fn a_call_that_has_to_wait_outlives_its_mark() {
    let mut world = served(at(6000), at(0));
    world.pass();
    world.wait(minutes(3));
    world = marked(world, LifecycleEvent::ReauthorizationRequired);
    assert_eq!(world.pass().renewed(), 0);
    world = unmarked(world);
    world.wait(minutes(7));
    assert_eq!(world.agenda(), Some(Reason::Due));
    assert_eq!(world.pass().renewed(), 1);
}

#[test]
fn a_call_whose_patch_fails_outlives_its_mark() {
    let mut world = marked(
        served(at(6000), at(5000)),
        LifecycleEvent::ReauthorizationRequired,
    );
    world.graph.refuses_renewals = Some(Miss::Unavailable(None));
    assert_eq!(world.pass().renewed(), 1);
    world.graph.refuses_renewals = None;
    world = unmarked(world);
    world.wait(minutes(5));
    assert_eq!(world.ticks(1)[0].renewed(), 1);
}

#[test]
fn a_removal_event_is_believed_only_after_a_get() {
    let mut world = marked(
        served(at(6000), at(5000)),
        LifecycleEvent::SubscriptionRemoved,
    );
    let story = world.pass();
    assert_eq!((story.got(), story.created()), (1, 0));
    world.graph.rows.clear();
    let story = world.pass();
    assert_eq!((story.got(), story.created()), (1, 1));
}

#[test]
fn a_removal_event_whose_get_had_no_answer_is_asked_about_again() {
    use crate::support::worker::{Fate, Op, Worker};
    let mut world = marked(
        served(at(6000), at(5000)),
        LifecycleEvent::SubscriptionRemoved,
    );
    world.graph.rows.clear();
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
    world.state = worker.state;
    world = unmarked(world);
    world.wait(minutes(5));
    assert_eq!(world.ticks(1)[0].created(), 1);
}

#[test]
fn jitter_is_drawn_once_and_stored() {
    let mut world = served(at(6000), at(0));
    world.pass();
    let due = world.held(&mail()).unwrap().due;
    world.ticks(20);
    assert_eq!(world.held(&mail()).unwrap().due, due);
}

#[test]
fn the_tick_of_another_length_moves_the_margin() {
    let mut world = served(at(600), at(0));
    world.setup.policy = Rc::new(policy(|policy| policy.tick = minutes(1)));
    world.pass();
    world.graph.rows.get_mut(&id("r1")).unwrap().row.expires = at(70);
    world.wait(minutes(60));
    world.pass();
    assert_eq!(world.held(&mail()).unwrap().due, at(67));
}
