//! A fleet at rest: what a tick costs when nothing is due, when some are, and at an audit.

use evergraph::devhost::RunningHost;
use evergraph::sim::request::Op;
use evergraph::sim::settings::Settings;
use jiff::{SignedDuration, Timestamp};

use crate::bed::{Bed, health};
use crate::door::{Door, Seen};
use crate::passes::{self, Ended};
use crate::place::Place;

const COUNT: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_steady_fleet_costs_what_is_due_with_files() {
    steady(None, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_steady_fleet_costs_what_is_due_with_blobs() {
    let Some(place) = Place::azurite("a_steady_fleet_costs_what_is_due_with_blobs") else {
        return;
    };
    let Place::Container(url) = &place else {
        panic!("Azurite holds containers");
    };
    let door = Door::before(url).await;
    steady(Some(place), Some(door)).await;
}

async fn steady(place: Option<Place>, door: Option<Door>) {
    let mut bed = Bed::new("a steady fleet", COUNT, Settings::default(), place).await;
    if let Some(door) = &door {
        bed.set("EVERGRAPH_STATE", &door.url);
    }
    let strangers = bed.plant_strangers();
    let host = bed.host("host").await;
    begin(&bed, &host).await;
    idle_ticks_touch_nothing(&bed, &host, door.as_ref()).await;
    bed.jump(SignedDuration::from_mins(5));
    lists_once(&bed, &host).await;
    host.stop().await;

    // Without audits in between, days can be jumped: renewals alone are seen.
    bed.set("EVERGRAPH_AUDIT_EVERY", "7d");
    let host = bed.host("host").await;
    // Twenty-five are due at about the same time, the others weeks later.
    for wanted in [1, 5, 12] {
        as_many_calls_as_are_due(&bed, &host, wanted).await;
    }
    let (status, word) = health(&bed.public_url).await;
    assert_eq!((status, word.as_str()), (200, "ok"));
    bed.check_served_once().await;
    bed.check_untouched(&strangers);
    assert_eq!(bed.console.errors(), Vec::<String>::new());
    host.stop().await;
}

/// The first pass creates everything, and the next has nothing to do.
async fn begin(bed: &Bed, host: &RunningHost) {
    let after = bed.last_call();
    let pass = passes::run(host).await;
    assert_eq!(pass.ended, Ended::Complete, "{:?}", pass.lines);
    let seen = bed.calls_after(after);
    assert_eq!(seen[&Op::Create], 40);
    assert_eq!(seen[&Op::List], 1);
    assert_eq!(seen.len(), 2, "{seen:?}");
    bed.check_served_once().await;

    // What was created is looked at once more, by one listing.
    bed.jump(SignedDuration::from_mins(5));
    lists_once(bed, host).await;
}

/// Eleven ticks, up to the audit.
async fn idle_ticks_touch_nothing(bed: &Bed, host: &RunningHost, door: Option<&Door>) {
    let (before, after) = (bed.place.stored().await, bed.last_call());
    for _ in 0..11 {
        bed.jump(SignedDuration::from_mins(5));
        let beat = bed.place.document("heartbeat.json").await.unwrap();
        let _earlier = door.map(Door::take);
        let pass = passes::run(host).await;
        assert_eq!(pass.ended, Ended::Idle, "{:?}", pass.lines);
        if let Some(door) = door {
            check_idle_storage(&door.take());
        }
        let next = bed.place.document("heartbeat.json").await.unwrap();
        assert_ne!(beat.bytes, next.bytes, "the heartbeat is rewritten");
    }
    assert_eq!(bed.place.stored().await, before, "the state is not");
    assert_eq!(bed.last_call(), after, "Graph was called");
}

fn check_idle_storage(seen: &[Seen]) {
    let mut what: Vec<&str> = seen.iter().map(|one| one.what.as_str()).collect();
    what.sort_unstable();
    let expected = ["GET shards/0.json", "LIST", "PUT heartbeat.json"];
    assert_eq!(what, expected);
}

/// An audit, or the look at what was created: one listing and nothing else.
async fn lists_once(bed: &Bed, host: &RunningHost) {
    let after = bed.last_call();
    let pass = passes::run(host).await;
    assert_eq!(pass.ended, Ended::Complete, "{:?}", pass.lines);
    let seen = bed.calls_after(after);
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(Op::List, 1)]);
}

/// Jumps to the moment at which so many are due, and counts the calls of one tick.
async fn as_many_calls_as_are_due(bed: &Bed, host: &RunningHost, wanted: usize) {
    let moment = due_moments(bed).await[wanted - 1];
    // A little later, so that it does not matter when within the second the pass begins.
    let away = moment.duration_since(bed.control().now());
    bed.jump(away + SignedDuration::from_secs(30));
    let now = bed.control().now();
    let due = due_moments(bed)
        .await
        .iter()
        .filter(|due| **due <= now)
        .count();
    assert!(due >= wanted);
    let after = bed.last_call();
    let pass = passes::run(host).await;
    assert_eq!(pass.ended, Ended::Complete, "{:?}", pass.lines);
    let seen = bed.calls_after(after);
    let due = u64::try_from(due).unwrap();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(Op::Renew, due)]);
    assert_eq!(pass.calls, due);
}

/// When the fleet's subscriptions are due, the earliest first.
async fn due_moments(bed: &Bed) -> Vec<Timestamp> {
    let state = bed.place.state().await;
    let held = state
        .entries
        .values()
        .filter_map(|entry| entry.held.as_ref());
    let mut moments: Vec<Timestamp> = held.map(|held| held.due).collect();
    moments.sort();
    moments
}
