//! Every small world: each plan made in it is safe, and quiet passes bring it to rest with exactly
//! one subscription of ours for each declared one.

#![allow(clippy::unwrap_used, reason = "test file")]

mod support;

use evergraph::domain::plan::{Plan, Step};
use evergraph::domain::policy::Mode;
use evergraph::domain::reconcile::{Progress, reconcile};
use evergraph::domain::sight::{ById, Listing, Sight, Sights};
use evergraph::domain::state::{
    Blocked, BlockedBy, Entry, Going, Held, HeldOrigin, Intent, Obstacle, Retry,
};
use evergraph::domain::subscription::{Desired, Observed};
use std::rc::Rc;
use support::build::*;
use support::safety;
use support::worker::policy;
use support::world::{Setup, World};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Address {
    Current,
    Former,
    Foreign,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Signature {
    Good,
    Other,
    Hidden,
    UnknownKid,
}

/// One row of a small world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Shape {
    /// Of the first wish, or of the second.
    first: bool,
    address: Address,
    /// Minutes until it ends.
    left: i64,
    signature: Signature,
    lifecycle: bool,
}

const GOOD: Shape = Shape {
    first: true,
    address: Address::Current,
    left: 7200,
    signature: Signature::Good,
    lifecycle: true,
};

/// What the state remembers of the first wish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Memory {
    Nothing,
    /// It holds the first row, however it came to it; due or not.
    Holds(HeldOrigin, bool),
    /// It holds a row that Graph does not know.
    HoldsGhost,
    HoldsDoubted,
    Intent,
    Blocked,
    Obstacle,
    Retry,
}

const MEMORIES: &[Memory] = &[
    Memory::Nothing,
    Memory::Holds(HeldOrigin::Created, true),
    Memory::Holds(HeldOrigin::Created, false),
    Memory::Holds(HeldOrigin::Unproven, false),
    Memory::Holds(HeldOrigin::Mismatched, true),
    Memory::HoldsGhost,
    Memory::HoldsDoubted,
    Memory::Intent,
    Memory::Blocked,
    Memory::Obstacle,
    Memory::Retry,
];

fn wishes() -> [Desired; 2] {
    [
        wish("mail", "users/u1/messages"),
        wish("events", "users/u1/events"),
    ]
}

/// Every shape, or those that matter most.
fn shapes(all: bool) -> Vec<Shape> {
    let mut out = Vec::new();
    for first in [true, false] {
        for left in [8, 7200] {
            let base = Shape {
                first,
                left,
                ..GOOD
            };
            out.push(Shape {
                address: Address::Foreign,
                ..base
            });
            for address in [Address::Current, Address::Former] {
                for signature in [
                    Signature::Good,
                    Signature::Other,
                    Signature::Hidden,
                    Signature::UnknownKid,
                ] {
                    for lifecycle in [true, false] {
                        out.push(Shape {
                            address,
                            signature,
                            lifecycle,
                            ..base
                        });
                    }
                }
            }
        }
    }
    let matters = |shape: &Shape| {
        let odd = usize::from(shape.address == Address::Former)
            + usize::from(shape.signature != Signature::Good)
            + usize::from(!shape.lifecycle)
            + usize::from(!shape.first);
        all || (shape.left > 60 && odd <= 1)
    };
    out.retain(matters);
    out
}

fn row_of(shape: Shape, text: &str) -> Observed {
    let wishes = wishes();
    let wish = &wishes[usize::from(!shape.first)];
    let mut one = row(text, wish, at(shape.left));
    one = match shape.address {
        Address::Current => one,
        Address::Former => former(one),
        Address::Foreign => return foreign(one),
    };
    if !shape.lifecycle {
        one = without_lifecycle(one);
    }
    let tag = wish.key.tag();
    match shape.signature {
        Signature::Good => one,
        Signature::Other => signed(one, Some("1.a.x.y")),
        Signature::Hidden => signed(one, None),
        Signature::UnknownKid => {
            let text = ring(&["zz"]).derive(&home().current.fleet, &tag);
            signed(one, Some(text.expose()))
        }
    }
}

fn world(shapes: &[Shape], memory: Memory, declared: &[Desired]) -> World {
    let [mail, _] = wishes();
    let mut world = World::new(declared);
    for (at, shape) in shapes.iter().enumerate() {
        let row = row_of(*shape, &format!("r{at}"));
        if shape.signature == Signature::Hidden && shape.address != Address::Foreign {
            world.graph.hides.insert(row.id.clone());
        }
        world = world.with_row(row);
    }
    world = world.settled();
    remember(&mut world, &mail, memory);
    if matches!(memory, Memory::Holds(_, true)) {
        // What the state created is renewed by id when it is due, seen or not.
        world.sacred.retain(|row| row.id != id("r0"));
    }
    world
}

fn remember(world: &mut World, wish: &Desired, memory: Memory) {
    let mut entry = Entry::new(wish.key.clone());
    entry.name = Some(wish.name.clone());
    let first = world
        .graph
        .rows
        .values()
        .next()
        .map(|kept| kept.row.clone());
    let any = first.unwrap_or_else(|| row("ghost", wish, at(7200)));
    match memory {
        Memory::Nothing => return,
        Memory::Holds(origin, due) => {
            if any.key(&tenant(1)).map(|key| key.tag()) != Some(wish.key.tag()) {
                return;
            }
            let due = if due { at(0) } else { any.expires - minutes(1) };
            let kid = None;
            entry.held = Some(Held {
                origin,
                due,
                kid,
                ..held(&any)
            });
        }
        Memory::HoldsGhost => entry.held = Some(held(&row("ghost", wish, at(7200)))),
        Memory::HoldsDoubted => {
            let ghost = held(&row("ghost", wish, at(7200)));
            entry.held = Some(Held {
                doubted: true,
                ..ghost
            });
        }
        Memory::Intent => {
            entry.intent = Some(Intent {
                at: at(-1),
                instead_of: None,
            })
        }
        Memory::Blocked => {
            entry.blocked = Some(Blocked {
                cause: BlockedBy::Foreign,
                holder: Some(any.id.clone()),
                until: at(30),
                since: at(-5),
            });
        }
        Memory::Obstacle => {
            entry.obstacle = Some(Obstacle {
                cause: evergraph::domain::conflict::Cause::AlreadyExists,
                holder: Some(any.id.clone()),
                at: at(-1),
            });
        }
        Memory::Retry => {
            entry.retry = Some(Retry {
                failures: 2,
                not_before: at(3),
            })
        }
    }
    world.state.entries.insert(wish.key.tag(), entry);
}

fn each_world(all: bool, rows: usize, mut visit: impl FnMut(&[Shape], Memory)) {
    let shapes = shapes(all);
    let mut chosen = vec![0_usize; rows];
    loop {
        let picked: Vec<Shape> = chosen.iter().map(|at| shapes[*at]).collect();
        for memory in MEMORIES {
            visit(&picked, *memory);
        }
        let Some(at) = chosen.iter().rposition(|at| at + 1 < shapes.len()) else {
            return;
        };
        chosen[at] += 1;
        for later in &mut chosen[at + 1..] {
            *later = 0;
        }
    }
}

/// The plans that a pass could make with these looks: nothing listed, an incomplete and a
/// complete listing, and all rows read by id.
fn sights(world: &World) -> Vec<Sights> {
    let rows = world.graph.list(&tenant(1));
    let found = world.graph.rows.keys();
    let by_id = found.map(|id| (id.clone(), world.graph.get(id))).collect();
    let unanswered = world.graph.rows.keys();
    let no_answer = unanswered.map(|id| (id.clone(), ById::NoAnswer)).collect();
    let complete = Listing::Complete {
        rows: rows.clone(),
        begun_at: world.now,
    };
    let why = "a page is missing".to_owned();
    let sight = |listing: Listing, by_id| Sight {
        app: Some(app("app-1")),
        no_token: None,
        listing,
        by_id,
    };
    let ways = [
        sight(Listing::NotTaken, Default::default()),
        sight(Listing::Incomplete { rows, why }, Default::default()),
        sight(complete.clone(), Default::default()),
        sight(complete.clone(), by_id),
        sight(complete, no_answer),
    ];
    ways.map(|sight| Sights::from([(tenant(1), sight)])).into()
}

fn plan_in(world: &World, sights: &Sights) -> Plan {
    plan_with(&world.setup, world, sights)
}

fn plan_with(setup: &Setup, world: &World, sights: &Sights) -> Plan {
    let progress = Progress::new(world.now);
    let inputs = setup.inputs(&world.state, sights, &progress, world.now);
    let plan = reconcile(&inputs);
    safety::check(&inputs, &plan);
    plan
}

fn backwards(sights: &Sights) -> Sights {
    let mut sights = sights.clone();
    for sight in sights.values_mut() {
        if let Listing::Complete { rows, .. } | Listing::Incomplete { rows, .. } =
            &mut sight.listing
        {
            rows.reverse();
        }
    }
    sights
}

/// In a lower mode nothing of a higher kind is done, and whatever is due is renewed all the same.
fn check_modes_nest(world: &World, sights: &Sights) {
    let mut setup = world.setup.clone();
    let mut due: Option<Vec<_>> = None;
    for mode in Mode::ALL.into_iter().rev() {
        setup.policy = Rc::new(policy(|policy| policy.mode = mode));
        let plan = plan_with(&setup, world, sights);
        for step in &plan.steps {
            let needed = match step {
                Step::Renew(_) => Mode::RenewOnly,
                Step::Create(_) => Mode::CreateOnly,
                _ => Mode::Full,
            };
            assert!(mode >= needed, "{step:?} in mode {mode}");
        }
        let held = world
            .state
            .entries
            .values()
            .filter_map(|entry| entry.held.as_ref());
        let wanted = held
            .filter(|held| held.due <= world.now)
            .map(|held| held.id.clone());
        let wanted: Vec<_> = wanted.collect();
        let renewed: Vec<_> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Renew(renewal) => Some(&renewal.id),
                Step::Collapse { survivor, .. } => Some(&survivor.id),
                _ => None,
            })
            .filter(|id| wanted.contains(id))
            .cloned()
            .collect();
        match &due {
            Some(due) if mode >= Mode::RenewOnly => {
                assert!(
                    due.iter().all(|id| renewed.contains(id)),
                    "{mode} forgets {due:?}"
                );
            }
            None => due = Some(renewed),
            Some(_) => {}
        }
    }
}

#[test]
fn every_plan_of_every_small_world_is_safe_and_the_order_of_rows_does_not_matter() {
    let [mail, events] = wishes();
    let subsets = [
        vec![],
        vec![mail.clone()],
        vec![events.clone()],
        vec![mail, events],
    ];
    let mut count = 0_usize;
    for rows in 0..=2 {
        each_world(rows < 2, rows, |shapes, memory| {
            for declared in &subsets {
                let world = world(shapes, memory, declared);
                for sights in sights(&world) {
                    let plan = plan_in(&world, &sights);
                    assert_eq!(plan, plan_in(&world, &backwards(&sights)));
                    if declared.len() == 2 {
                        check_modes_nest(&world, &sights);
                    }
                    count += 1;
                }
            }
        });
    }
    assert!(count > 20_000, "{count}");
}

/// What must be there when everything has settled.
fn check_end(world: &World, shapes: &[Shape], memory: Memory, wish: &Desired, first: bool) {
    let of_wish = shapes.iter().filter(|shape| shape.first == first);
    let own: Vec<_> = of_wish
        .filter(|shape| shape.address != Address::Foreign)
        .collect();
    let live = world.live(wish);
    let clear = own
        .iter()
        .all(|shape| matches!(shape.signature, Signature::Good | Signature::Other));
    let hidden_alone = own.len() == 1 && own[0].signature == Signature::Hidden;
    let story = format!("{shapes:?} {memory:?} {:?} {live:?}", wish.name);
    if clear || hidden_alone {
        assert_eq!(live.len(), 1, "{story}\n{:#?}", world.state);
        assert_eq!(
            world.held(wish).map(|held| &held.id),
            live.first(),
            "{story}"
        );
        let row = &world.graph.rows[&live[0]].row;
        let home = &world.setup.home.current;
        assert!(home.is_notifications(&row.notification_url), "{story}");
        let lifecycle = row
            .lifecycle_url
            .as_ref()
            .is_some_and(|url| home.is_lifecycle(url));
        assert!(lifecycle, "{story}");
    } else {
        // Something cannot be told apart by us; nothing may be lost for that.
        assert!(!live.is_empty(), "{story}");
    }
}

fn check_comes_to_rest(shapes: &[Shape], memory: Memory, declared: &[Desired]) {
    let mut world = world(shapes, memory, declared);
    // A pass that nothing in the state asks for: the audit.
    world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
    let passes = world.ticks(30).len();
    assert!(passes < 14, "{passes} passes: {shapes:?} {memory:?}");
    let [mail, events] = wishes();
    for (wish, first) in [(&mail, true), (&events, false)] {
        if declared.iter().any(|one| one.key == wish.key) {
            check_end(&world, shapes, memory, wish, first);
        } else {
            let live = world.live(wish);
            assert!(
                live.is_empty(),
                "undeclared, but there: {shapes:?} {memory:?} {live:?}"
            );
        }
    }
}

#[test]
fn every_small_world_comes_to_rest_with_one_subscription_of_each() {
    let [mail, events] = wishes();
    let both = [mail.clone(), events];
    for rows in 0..=2 {
        each_world(rows < 2, rows, |shapes, memory| {
            check_comes_to_rest(shapes, memory, &both);
            check_comes_to_rest(shapes, memory, &both[..1]);
            check_comes_to_rest(shapes, memory, &both[1..]);
        });
    }
    each_world(false, 3, |shapes, memory| {
        if matches!(
            memory,
            Memory::Nothing | Memory::Holds(HeldOrigin::Created, false)
        ) {
            check_comes_to_rest(shapes, memory, std::slice::from_ref(&mail));
        }
    });
}

#[test]
fn a_watch_is_kept_for_what_should_go() {
    // The shapes above would prove little if nothing were ever confirmed in them.
    let [mail, _] = wishes();
    let good = Shape {
        first: false,
        ..GOOD
    };
    let mut world = world(&[GOOD, good], Memory::Nothing, &[mail]);
    world.pass();
    world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
    world.pass();
    let watched = world.state.watches.get(&id("r1")).map(|watch| watch.why);
    assert_eq!(watched, Some(Going::Undeclared));
}
