//! Rules 4 and 5: look before acting again; an incomplete listing creates and deletes nothing.

use evergraph::domain::plan::Reason;
use evergraph::domain::sight::ById;
use evergraph::domain::state::{Held, Intent};
use evergraph::domain::subscription::Desired;

use crate::support::build::*;
use crate::support::worker::{Fate, Op, Worker};
use crate::support::world::World;

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

#[test]
fn what_is_declared_and_missing_is_created_once() {
    let mut world = World::new(&[mail()]);
    let story = world.pass();
    assert!(story.rested);
    assert_eq!((story.created(), world.live(&mail()).len()), (1, 1));
    let later: usize = world.ticks(24).iter().map(|story| story.created()).sum();
    assert_eq!(later, 0);
}

/// A pass in which the reply to the create is lost; `arrives` says whether it took effect.
fn lost_create(arrives: bool, lags: bool) -> World {
    let mut world = World::new(&[mail()]);
    world.graph.lags = lags;
    let mut worker = Worker::begin(world.state.clone(), world.now);
    while !worker.is_done() {
        if worker.needs_plan() {
            worker.plan(&world.setup, world.now);
            continue;
        }
        let lost = if arrives {
            Fate::LostAfter
        } else {
            Fate::LostBefore
        };
        let fate = match worker.queue.front() {
            Some(Op::Create(_)) => lost,
            _ => Fate::Well,
        };
        worker.act_with(&world.setup, &mut world.graph, world.now, fate);
    }
    assert!(worker.rested);
    world.state = worker.state;
    assert!(world.entry(&mail()).intent.is_some());
    world
}

#[test]
fn a_lost_create_is_not_repeated_before_its_settle_time_and_a_look() {
    for arrives in [true, false] {
        let mut world = lost_create(arrives, true);
        for _ in 0..3 {
            let story = world.pass();
            assert_eq!(story.created(), 0);
            assert!(story.has_hold(Reason::Settling));
            world.now += jiff::SignedDuration::from_secs(39);
        }
        world.wait(minutes(1));
        let story = world.pass();
        assert_eq!(
            (story.listed(), story.created()),
            (1, usize::from(!arrives))
        );
        assert_eq!(world.live(&mail()).len(), 1);
        assert!(world.entry(&mail()).intent.is_none());
    }
}

#[test]
fn a_listing_from_before_the_settle_time_does_not_count() {
    let mut world = lost_create(false, false);
    let began = world.now + minutes(1);
    let mut worker = Worker::begin(world.state.clone(), began);
    let sight = worker.sight(&tenant(1));
    sight.app = Some(app("app-1"));
    sight.listing = evergraph::domain::sight::Listing::Complete {
        rows: vec![],
        begun_at: began,
    };
    world.now += minutes(3);
    let plan = worker.plan(&world.setup, world.now);
    assert!(plan.steps.is_empty(), "{plan:#?}");
}

#[test]
fn a_create_that_nobody_wants_any_more_is_looked_for_and_what_it_left_is_removed() {
    let mut world = lost_create(true, true);
    let other = wish("other", "users/u2/messages");
    world.setup.declaration = std::rc::Rc::new(declared(std::slice::from_ref(&other)));
    world.pass();
    assert!(
        world.state.entries.contains_key(&mail().key.tag()),
        "forgotten before it was looked for"
    );
    world.wait(minutes(2));
    world.ticks(8);
    assert!(!world.state.entries.contains_key(&mail().key.tag()));
    assert!(world.live(&mail()).is_empty());
}

#[test]
fn an_incomplete_listing_creates_and_deletes_nothing() {
    let stray = wish("stray", "users/u3/messages");
    let mut world = World::new(&[mail()]).with_row(row("r1", &stray, at(7200)));
    world.graph.incomplete = true;
    for _ in 0..12 {
        let story = world.pass();
        assert!(story.rested);
        assert_eq!((story.created(), story.deleted()), (0, 0));
        world.wait(minutes(5));
    }
    world.graph.incomplete = false;
    world.ticks(8);
    assert_eq!(
        (world.live(&mail()).len(), world.live(&stray).len()),
        (1, 0)
    );
}

#[test]
fn absent_from_a_listing_is_not_gone() {
    let ours = row("r1", &mail(), at(7200));
    let mut world = World::new(&[mail()])
        .with_row(ours.clone())
        .with_held(&mail(), held(&ours))
        .settled();
    world.graph.rows.get_mut(&id("r1")).unwrap().lags = true;
    world.now += minutes(60);
    let story = world.pass();
    assert_eq!((story.listed(), story.got(), story.created()), (1, 1, 0));
    assert_eq!(world.held(&mail()).unwrap().id, id("r1"));
}

#[test]
fn gone_is_what_a_get_by_id_says_and_a_404_on_a_renewal_leads_to_it() {
    let ours = row("r1", &mail(), at(200));
    let due = Held {
        due: at(0),
        ..held(&ours)
    };
    let mut world = World::new(&[mail()]).with_held(&mail(), due).settled();
    let story = world.pass();
    assert!(story.rested);
    assert_eq!(
        (
            story.renewed(),
            story.got(),
            story.listed(),
            story.created()
        ),
        (1, 1, 1, 1)
    );
    assert_eq!(world.live(&mail()).len(), 1);
}

#[test]
fn a_get_without_an_answer_proves_nothing() {
    let ours = row("r1", &mail(), at(200));
    let doubted = Held {
        doubted: true,
        ..held(&ours)
    };
    let world = World::new(&[mail()]).with_held(&mail(), doubted).settled();
    let mut worker = Worker::begin(world.state.clone(), world.now);
    worker.sight(&tenant(1)).app = Some(app("app-1"));
    worker
        .sight(&tenant(1))
        .by_id
        .insert(id("r1"), ById::NoAnswer);
    let plan = worker.plan(&world.setup, world.now);
    assert!(
        plan.steps.is_empty() && plan.changes.is_empty(),
        "{plan:#?}"
    );
    assert_eq!(plan.holds[0].why, Reason::NoAnswer);
}

#[test]
fn a_patch_that_says_gone_where_a_get_finds_it_does_not_go_round_in_circles() {
    let ours = row("r1", &mail(), at(200));
    let due = Held {
        due: at(0),
        ..held(&ours)
    };
    let mut world = World::new(&[mail()])
        .with_row(ours)
        .with_held(&mail(), due)
        .settled();
    world.graph.refuses_renewals = Some(evergraph::domain::record::Miss::Gone);
    let story = world.pass();
    assert!(story.rested);
    assert_eq!((story.renewed(), story.got(), story.created()), (1, 1, 0));
}

#[test]
fn a_create_left_open_beside_a_good_row_is_settled_by_a_listing() {
    let ours = row("r1", &mail(), at(7200));
    let mut world = World::new(&[mail()])
        .with_row(ours.clone())
        .with_held(&mail(), held(&ours))
        .settled();
    let entry = world.state.entries.get_mut(&mail().key.tag()).unwrap();
    entry.intent = Some(Intent {
        at: at(0),
        instead_of: None,
    });
    assert_eq!(world.agenda(), None);
    world.wait(minutes(2));
    assert_eq!(world.agenda(), Some(Reason::OpenIntent));
    let story = world.pass();
    assert_eq!((story.listed(), story.created()), (1, 0));
    assert!(world.entry(&mail()).intent.is_none());
    assert_eq!(world.agenda(), None);
}
