//! Random histories of bigger worlds: several tenants, several wishes, rows of every kind, lost
//! replies, crashes, outside hands, changes of mind. Then silence, in which all must come right.

#![allow(clippy::unwrap_used, reason = "test file")]

mod support;

use std::rc::Rc;

use evergraph::domain::subscription::Desired;
use proptest::prelude::*;
use support::build::*;
use support::graph::Ids;
use support::safety;
use support::worker::{Fate, Worker};
use support::world::World;

const WISHES: u32 = 5;

/// Something that happens.
#[derive(Clone, Debug)]
enum Happening {
    /// A pass without faults.
    Pass,
    /// A pass whose call of this number meets the fate; it dies there, or goes on.
    Faulty {
        call: usize,
        fate: Fate,
        dies: bool,
    },
    Wait(i64),
    /// A row appears: for this wish, of this kind.
    Appears {
        wish: u32,
        kind: Kind,
        name: u8,
    },
    /// Somebody removes the row at this place.
    Vanishes(usize),
    /// The row at this place is turned to a foreign address.
    Turned(usize),
    /// Only the wishes of this mask are declared from now on.
    Declares(u8),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Good,
    Former,
    WithoutLifecycle,
    WrongState,
    Foreign,
}

fn happening() -> impl Strategy<Value = Happening> {
    let fate = prop_oneof![Just(Fate::LostBefore), Just(Fate::LostAfter)];
    let kind = prop_oneof![
        Just(Kind::Good),
        Just(Kind::Former),
        Just(Kind::WithoutLifecycle),
        Just(Kind::WrongState),
        Just(Kind::Foreign),
    ];
    prop_oneof![
        4 => Just(Happening::Pass),
        4 => (0_usize..12, fate, any::<bool>())
            .prop_map(|(call, fate, dies)| Happening::Faulty { call, fate, dies }),
        4 => prop_oneof![Just(1_i64), Just(5), Just(16), Just(61), Just(600)]
            .prop_map(Happening::Wait),
        2 => (0..WISHES, kind, 0_u8..20)
            .prop_map(|(wish, kind, name)| Happening::Appears { wish, kind, name }),
        1 => (0_usize..8).prop_map(Happening::Vanishes),
        1 => (0_usize..8).prop_map(Happening::Turned),
        1 => (1_u8..32).prop_map(Happening::Declares),
    ]
}

/// Wishes of two tenants.
fn wishes() -> Vec<Desired> {
    let of = |number: u32| {
        let resource = format!("users/u{number}/messages");
        wish_of(number % 2 + 1, &format!("m{number}"), &resource)
    };
    (0..WISHES).map(of).collect()
}

fn happen(world: &mut World, happening: &Happening) {
    match happening {
        Happening::Pass => {
            world.pass();
        }
        Happening::Faulty { call, fate, dies } => faulty_pass(world, *call, *fate, *dies),
        Happening::Wait(time) => world.wait(minutes(*time)),
        Happening::Appears { wish, kind, name } => appear(world, *wish, *kind, *name),
        Happening::Vanishes(place) => {
            if let Some(id) = own_at(world, *place) {
                world.graph.rows.remove(&id);
            }
        }
        Happening::Turned(place) => {
            if let Some(id) = own_at(world, *place) {
                let kept = world.graph.rows.get_mut(&id).unwrap();
                kept.row = foreign(kept.row.clone());
            }
        }
        Happening::Declares(mask) => {
            let all = wishes().into_iter().enumerate();
            let some: Vec<_> = all
                .filter(|(number, _)| mask & (1 << number) != 0)
                .map(|(_, wish)| wish)
                .collect();
            world.setup.declaration = Rc::new(declared(&some));
        }
    }
}

fn own_at(world: &World, place: usize) -> Option<evergraph::domain::ids::SubscriptionId> {
    let own = world
        .graph
        .rows
        .values()
        .filter(|kept| world.setup.home.owner_of(&kept.row).is_ours());
    own.map(|kept| kept.row.id.clone()).nth(place)
}

fn appear(world: &mut World, wish: u32, kind: Kind, name: u8) {
    let wish = &wishes()[wish as usize];
    let text = format!("x{name:03}");
    if world.graph.rows.contains_key(&id(&text)) {
        return;
    }
    let good = row(&text, wish, world.now + minutes(7200));
    let row = match kind {
        Kind::Good => good,
        Kind::Former => former(good),
        Kind::WithoutLifecycle => without_lifecycle(good),
        Kind::WrongState => signed(good, Some("1.a.x.y")),
        Kind::Foreign => foreign(good),
    };
    if matches!(kind, Kind::Foreign) {
        world.sacred.push(row.clone());
    }
    world.graph.keep(wish.key.tenant.clone(), row);
}

fn faulty_pass(world: &mut World, call: usize, fate: Fate, dies: bool) {
    let mut worker = Worker::begin(world.state.clone(), world.now);
    let (mut calls, mut last) = (0, None);
    while !worker.is_done() {
        if worker.needs_plan() {
            let plan = worker.plan(&world.setup, world.now);
            let (state, sights) = (&worker.before, &worker.sights);
            let inputs = world
                .setup
                .inputs(state, sights, &worker.progress, world.now);
            safety::check(&inputs, &plan);
            last = Some(plan);
            continue;
        }
        let meets = calls == call;
        let fate = if meets { fate } else { Fate::Well };
        let event = worker.act_with(&world.setup, &mut world.graph, world.now, fate);
        calls += 1;
        if meets && dies {
            return;
        }
        if event == support::worker::Event::Save {
            world.state = worker.state.clone();
        }
    }
    assert!(worker.rested, "{last:#?}");
}

/// After an audit or two everything declared is served by exactly one good row of ours, and
/// nothing of ours is left that nobody declares.
fn check_heals(mut world: World) {
    let stories = world.ticks(30);
    assert!(stories.len() <= 20, "{} passes in silence", stories.len());
    let set: Vec<Desired> = world.setup.wishes().map(|(_, wish)| wish.clone()).collect();
    for wish in wishes() {
        let live = world.live(&wish);
        if set.iter().all(|one| one.key != wish.key) {
            let known = world.state.tenants.contains_key(&wish.key.tenant)
                && set.iter().any(|one| one.key.tenant == wish.key.tenant);
            assert!(
                live.is_empty() || !known,
                "{} is declared by nobody: {live:?}",
                wish.name
            );
            continue;
        }
        assert_eq!(live.len(), 1, "{}: {live:?}\n{:#?}", wish.name, world.state);
        assert_eq!(world.held(&wish).map(|held| &held.id), live.first());
        let row = &world.graph.rows[&live[0]].row;
        let home = &world.setup.home.current;
        assert!(home.is_notifications(&row.notification_url));
        assert!(
            row.lifecycle_url
                .as_ref()
                .is_some_and(|url| home.is_lifecycle(url))
        );
    }
    let quiet = world.ticks(11);
    let acts: usize = quiet
        .iter()
        .map(|story| story.created() + story.deleted())
        .sum();
    assert_eq!(acts, 0, "it does not rest");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happened_silence_heals(
        happenings in prop::collection::vec(happening(), 1..25),
        rising in any::<bool>(),
        lags in any::<bool>(),
    ) {
        let mut world = World::new(&wishes());
        world.graph.ids = if rising { Ids::Rising } else { Ids::Falling };
        world.graph.lags = lags;
        for happening in &happenings {
            happen(&mut world, happening);
        }
        check_heals(world);
    }
}
