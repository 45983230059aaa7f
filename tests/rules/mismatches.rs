//! Rule 3, second half: what is ours but not as declared is replaced, with patience.

use std::rc::Rc;

use evergraph::domain::plan::Reason;
use evergraph::domain::policy::Mode;
use evergraph::domain::record::Miss;
use evergraph::domain::state::{Going, Held, HeldOrigin};
use evergraph::domain::subscription::{Desired, EncryptionCertificate};

use crate::support::build::*;
use crate::support::graph::Duplicates;
use crate::support::worker::{Event, policy};
use crate::support::world::{Story, World};

fn mail() -> Desired {
    wish("mail", "users/u1/messages")
}

/// One subscription of ours that lacks its lifecycle address; the state created it.
fn mismatched() -> World {
    let old = without_lifecycle(row("r1", &mail(), at(7200)));
    World::new(&[mail()])
        .with_row(old.clone())
        .with_held(&mail(), held(&old))
        .settled()
}

/// A pass that takes a listing.
#[track_caller]
fn audit(world: &mut World) -> Story {
    world.state.tenants.get_mut(&tenant(1)).unwrap().audited_at = None;
    let story = world.pass();
    assert!(story.rested, "{:#?}", story.plans.last());
    story
}

#[test]
fn it_is_replaced_after_two_sightings_a_quarter_of_an_hour_apart_and_goes_a_pass_later() {
    let mut world = mismatched();
    assert_eq!(audit(&mut world).created(), 0);
    world.wait(minutes(14));
    assert_eq!(audit(&mut world).created(), 0);
    world.wait(minutes(1));
    let story = audit(&mut world);
    assert_eq!((story.created(), story.deleted()), (1, 0));
    assert_eq!(world.live(&mail()).len(), 2);
    world.wait(minutes(5));
    let story = audit(&mut world);
    let confirmed = |event: &&Event| matches!(event, Event::Renew(_, Reason::ConfirmReplacement));
    assert_eq!(story.events.iter().filter(confirmed).count(), 1);
    assert_eq!(story.deleted(), 1);
    assert_eq!(
        world.live(&mail()),
        [world.held(&mail()).unwrap().id.clone()]
    );
}

#[test]
fn a_replacement_that_cannot_be_confirmed_leaves_the_old_one_standing() {
    let mut world = mismatched();
    audit(&mut world);
    world.wait(minutes(15));
    audit(&mut world);
    world.wait(minutes(5));
    world.graph.refuses_renewals = Some(Miss::Unavailable(None));
    let story = audit(&mut world);
    assert_eq!((story.renewed(), story.deleted()), (1, 0));
    assert_eq!(world.live(&mail()).len(), 2);
}

#[test]
fn another_configuration_starts_the_clock_anew() {
    let mut world = mismatched();
    audit(&mut world);
    world.wait(minutes(14));
    let other = wish("other", "users/u2/messages");
    world.setup.declaration = Rc::new(declared(&[mail(), other]));
    audit(&mut world);
    world.wait(minutes(14));
    let story = audit(&mut world);
    assert_eq!(
        story.count(|event| *event == Event::Create("mail".into())),
        0
    );
    world.wait(minutes(1));
    assert_eq!(audit(&mut world).created(), 1);
}

#[test]
fn one_that_mended_itself_is_watched_no_longer() {
    let mut world = mismatched();
    audit(&mut world);
    assert_eq!(world.state.watches.len(), 1);
    let good = row("r1", &mail(), at(7200));
    world.graph.keep(tenant(1), good);
    audit(&mut world);
    assert!(world.state.watches.is_empty());
}

#[test]
fn a_listing_that_hides_what_decides_does_not_stop_the_clock() {
    // A wrong clientState shows only by GET; the first plan of every pass has not made it yet.
    let old = signed(row("r1", &mail(), at(7200)), Some("1.a.x.y"));
    let mut world = World::new(&[mail()]).with_row(old).settled();
    audit(&mut world);
    assert_eq!(world.held(&mail()).unwrap().origin, HeldOrigin::Mismatched);
    let since = world.state.watches[&id("r1")].since;
    world.wait(minutes(10));
    audit(&mut world);
    assert_eq!(world.state.watches[&id("r1")].since, since);
    world.ticks(6);
    assert_eq!(world.live(&mail()).len(), 1);
    assert_ne!(world.live(&mail()), [id("r1")]);
}

#[test]
fn a_replacement_that_always_fails_never_keeps_the_old_one_from_being_renewed() {
    let mut world = mismatched();
    world.graph.refuses_creates = Some(Miss::Denied);
    world.ticks(12 * 24 * 14);
    assert_eq!(world.live(&mail()), [id("r1")], "it ran out");
}

#[test]
fn one_that_is_due_is_renewed_in_the_very_pass_that_would_replace_it() {
    let mut world = mismatched();
    audit(&mut world);
    world.wait(minutes(15));
    let entry = world.state.entries.get_mut(&mail().key.tag()).unwrap();
    entry.held.as_mut().unwrap().due = at(0);
    world.graph.refuses_creates = Some(Miss::Denied);
    let story = audit(&mut world);
    assert_eq!((story.renewed(), story.created()), (1, 1));
}

#[test]
fn nothing_is_created_beside_a_row_that_could_not_be_read() {
    use crate::support::worker::{Fate, Op, Worker};
    let mut world = mismatched().with_row(row("r5", &mail(), at(7200)));
    let hash = world.setup.config_hash().unwrap();
    world
        .state
        .watches
        .insert(id("r1"), watch(Going::Mismatched, at(-60), &hash));
    let mut worker = Worker::begin(world.state.clone(), world.now);
    while !worker.is_done() {
        if worker.needs_plan() {
            worker.plan(&world.setup, world.now);
            continue;
        }
        let lost = matches!(worker.queue.front(), Some(Op::Get(_, which)) if *which == id("r5"));
        let fate = if lost { Fate::LostBefore } else { Fate::Well };
        worker.act_with(&world.setup, &mut world.graph, world.now, fate);
    }
    assert!(worker.rested);
    assert_eq!(world.live(&mail()).len(), 2);
}

#[test]
fn a_replacement_left_by_a_lost_reply_is_adopted_not_made_again() {
    let mut world = mismatched().with_row(row("r5", &mail(), at(7200)));
    world.pass();
    let story = audit(&mut world);
    assert_eq!(story.created(), 0);
    assert_eq!(world.held(&mail()).unwrap().id, id("r5"));
    world.ticks(8);
    assert_eq!(world.live(&mail()), [id("r5")]);
}

#[test]
fn in_a_mode_that_deletes_nothing_the_replacement_stands_beside_it() {
    let mut world = mismatched();
    world.setup.policy = Rc::new(policy(|policy| policy.mode = Mode::CreateOnly));
    audit(&mut world);
    world.wait(minutes(15));
    audit(&mut world);
    for _ in 0..20 {
        world.wait(minutes(5));
        world.pass();
    }
    assert_eq!(world.live(&mail()).len(), 2);
}

fn many_mismatched(count: usize) -> (World, Vec<Desired>) {
    let name = |at: usize| format!("users/u{at}/messages");
    let wishes: Vec<_> = (0..count)
        .map(|at| wish(&format!("m{at}"), &name(at)))
        .collect();
    let mut world = World::new(&wishes);
    for (number, wish) in wishes.iter().enumerate() {
        let old = without_lifecycle(row(&format!("r{number}"), wish, at(7200)));
        world = world.with_row(old.clone()).with_held(wish, held(&old));
    }
    (world.settled(), wishes)
}

#[test]
fn at_most_five_or_a_tenth_are_acted_upon_in_one_pass() {
    for (count, cap) in [(12, 5), (80, 8)] {
        let (mut world, wishes) = many_mismatched(count);
        audit(&mut world);
        world.wait(minutes(15));
        assert_eq!(audit(&mut world).created(), cap);
        let stories = world.ticks(count / cap * 3 + 4);
        assert!(
            stories
                .iter()
                .all(|story| story.created() + story.deleted() <= cap)
        );
        for wish in &wishes {
            assert_eq!(world.live(wish).len(), 1);
            let live = &world.graph.rows[&world.live(wish)[0]].row;
            assert!(
                live.lifecycle_url.is_some(),
                "{} was not replaced",
                wish.name
            );
        }
    }
}

#[test]
fn any_key_of_the_ring_is_good_and_rotation_replaces_nothing() {
    let old = row("r1", &mail(), at(7200));
    let mut world = World::new(&[mail()]).with_row(old).settled();
    world.setup.ring = Rc::new(ring(&["b", "a"]));
    audit(&mut world);
    assert_eq!(world.held(&mail()).unwrap().origin, HeldOrigin::Adopted);
    assert_eq!(
        world.held(&mail()).unwrap().kid.as_ref().unwrap().as_str(),
        "a"
    );
    assert!(world.state.watches.is_empty());
}

#[test]
fn where_graph_names_it_as_the_holder_it_goes_first_under_an_intent() {
    for duplicates in [Duplicates::RefusedByName, Duplicates::Refused] {
        let mut world = mismatched();
        world.graph.duplicates = duplicates;
        audit(&mut world);
        world.wait(minutes(15));
        let story = audit(&mut world);
        let effects: Vec<_> = story
            .events
            .iter()
            .filter(|event| matches!(event, Event::Create(_) | Event::Delete(..) | Event::Save))
            .cloned()
            .collect();
        let gone = Event::Delete(id("r1"), Reason::InTheWay);
        let from = effects.iter().position(|event| *event == gone).unwrap();
        assert_eq!(effects[from - 1], Event::Save, "{duplicates:?}");
        assert_eq!(effects[from + 1], Event::Create("mail".into()));
        assert_eq!(world.live(&mail()).len(), 1);
        assert!(world.held(&mail()).is_some());
    }
}

#[test]
fn a_replace_needs_a_complete_listing_and_a_confirmed_mismatch() {
    let mut world = mismatched();
    world.graph.duplicates = Duplicates::RefusedByName;
    let hash = world.setup.config_hash().unwrap();
    let entry = world.state.entries.get_mut(&mail().key.tag()).unwrap();
    entry.obstacle = Some(evergraph::domain::state::Obstacle {
        cause: evergraph::domain::conflict::Cause::AlreadyExists,
        holder: Some(id("r1")),
        at: at(-1),
    });
    let fresh = world.clone();
    let watched = watch(Going::Mismatched, at(-60), &hash);
    world.state.watches.insert(id("r1"), watched);
    world.graph.incomplete = true;
    assert_eq!(world.pass().deleted(), 0);
    let mut world = fresh;
    assert_eq!(world.pass().deleted(), 0);
    assert!(world.held(&mail()).is_some());
}

#[test]
fn the_old_one_stays_where_it_is_not_what_graph_means() {
    // Two own rows of one resource: which of them Graph means cannot be told.
    let other = Desired {
        key: evergraph::domain::subscription::SubscriptionKey {
            change_types: evergraph::domain::subscription::ChangeTypes::parse("created").unwrap(),
            ..mail().key
        },
        ..wish("other", "users/u1/messages")
    };
    let mut world = mismatched().with_row(row("r2", &other, at(7200)));
    world.setup.declaration = Rc::new(declared(&[mail(), other]));
    world.graph.refuses_creates = Some(crate::support::graph::already_exists(None));
    audit(&mut world);
    world.wait(minutes(15));
    let story = audit(&mut world);
    assert_eq!(
        story.count(|event| matches!(event, Event::Delete(_, Reason::InTheWay))),
        0
    );
}

fn rich() -> Desired {
    let mut mail = wish("mail", "users/u1/messages?$select=subject");
    mail.key.resource_data = true;
    mail.certificate = Some(EncryptionCertificate {
        id: "new".to_owned(),
        der_base64: "AA==".to_owned(),
        opening: evergraph::domain::notification::roster::Opening::Decrypt,
    });
    mail
}

#[test]
fn a_certificate_still_old_after_a_patch_makes_it_mismatched_and_one_never_asked_for_does_not() {
    // Its id is smaller than that of any replacement: among equals it would survive.
    let old = evergraph::domain::subscription::Observed {
        certificate_id: Some("old".to_owned()),
        ..row("a1", &rich(), at(7200))
    };
    for (asked, replaced) in [(None, false), (Some("new".to_owned()), true)] {
        let remembered = Held {
            certificate_asked: asked,
            ..held(&old)
        };
        let mut world = World::new(&[rich()])
            .with_row(old.clone())
            .with_held(&rich(), remembered)
            .settled();
        audit(&mut world);
        world.wait(minutes(15));
        assert_eq!(audit(&mut world).created(), usize::from(replaced));
        world.ticks(30);
        assert_eq!(world.live(&rich()).len(), 1);
        assert_eq!(world.live(&rich())[0] != id("a1"), replaced);
    }
}

#[test]
fn a_new_certificate_is_sent_with_the_next_renewal() {
    let old = evergraph::domain::subscription::Observed {
        certificate_id: Some("old".to_owned()),
        ..row("r1", &rich(), at(100))
    };
    let mut world = World::new(&[rich()])
        .with_row(old.clone())
        .with_held(&rich(), held(&old))
        .settled();
    world.wait(minutes(45));
    world.pass();
    let row = &world.graph.rows[&id("r1")].row;
    assert_eq!(row.certificate_id.as_deref(), Some("new"));
    assert_eq!(
        world.held(&rich()).unwrap().certificate_id.as_deref(),
        Some("new")
    );
}
