//! Figures that outlive a request: one small document for each instance.

use std::time::Duration;

use evergraph::app::audit::line::decode;
use evergraph::app::statistics;
use evergraph::domain::audit::{Kind, Record};
use evergraph::domain::ids::SubscriptionId;
use evergraph::ports::audit::{AuditError, Book};
use evergraph::ports::state::{DocName, StateStore as _};

use crate::world::*;

const SEEN: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";

async fn documents(world: &World) -> Vec<DocName> {
    world.fleet.store.list("stats/", 100).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn they_are_written_once_a_minute_while_something_comes() {
    let world = World::in_memory();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(documents(&world).await, [], "nothing while idle");
    for number in 0..10 {
        assert_eq!(world.post(&[world.change(&inbox(), number)]).await, 202);
    }
    assert_eq!(documents(&world).await, [], "not at once");
    tokio::time::sleep(Duration::from_secs(61)).await;
    let [name] = documents(&world).await.try_into().unwrap();
    let first = world.fleet.store.read(&name).await.unwrap().unwrap();
    let all = statistics::all(&world.fleet.store).await;
    assert_eq!((all[0].requests, all[0].written), (10, 10));
    assert_eq!(all[0].answers[0], 10);
    assert!(all[0].proven.contains_key(SEEN));

    tokio::time::sleep(Duration::from_secs(600)).await;
    let later = world.fleet.store.read(&name).await.unwrap().unwrap();
    assert_eq!(later.version, first.version, "nothing while idle");
    world.post(&[world.change(&inbox(), 0)]).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    let all = statistics::all(&world.fleet.store).await;
    assert_eq!((all.len(), all[0].requests, all[0].repeats), (1, 11, 1));
}

#[tokio::test(start_paused = true)]
async fn what_notifications_prove_is_there_for_a_pass() {
    let world = World::in_memory();
    world.post(&[world.change(&inbox(), 1)]).await;
    let mut forged = world.change(&inbox(), 2);
    forged["subscriptionId"] = "another".into();
    forged["clientState"] = "x".into();
    world.post(&[forged]).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    let proofs = statistics::proofs(&world.fleet.store).await;
    let id = |text: &str| SubscriptionId::parse(text).unwrap();
    assert_eq!(proofs.verified, [id(SEEN)].into());
    assert_eq!(proofs.refused, [id("another")].into());
}

#[tokio::test(start_paused = true)]
async fn documents_of_long_ago_are_removed_and_unreadable_ones_left_out() {
    let world = World::in_memory();
    for name in [
        "stats/20290101-00000000000000aa.json",
        "stats/20291231-00000000000000bb.json",
        "stats/note.json",
    ] {
        let name = DocName::parse(name).unwrap();
        world.fleet.store.put(&name, b"?".to_vec()).await.unwrap();
    }
    world.post(&[world.change(&inbox(), 1)]).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    let names: Vec<String> = documents(&world)
        .await
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!names.iter().any(|name| name.contains("20290101")));
    assert_eq!(statistics::all(&world.fleet.store).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_subscription_is_proven_by_its_notifications() {
    let world = World::of(Plan {
        wishes: vec![inbox()],
        memory: true,
        ..Plan::default()
    });
    world.fleet.tick().await;
    let row = world.fleet.live().remove(0);
    // The memory is lost, and Graph hides clientState: what is adopted must prove itself.
    let hidden = serde_json::json!({ "answers": { "client_state_on_get": false } });
    world.fleet.control.patch_settings(hidden).unwrap();
    let name = world.fleet.config.state_name.clone();
    world.fleet.store.delete(&name).await.unwrap();
    let waits = async || {
        world.fleet.jump(61);
        world.fleet.tick().await;
        let state = String::from_utf8(world.fleet.state_bytes().await).unwrap();
        assert!(state.contains(row.id.as_str()), "{state}");
        state.contains("unproven")
    };
    assert!(waits().await);
    assert!(waits().await, "nothing came yet");
    let mut item = world.change(&inbox(), 1);
    item["subscriptionId"] = row.id.to_string().into();
    assert_eq!(world.post(&[item]).await, 202);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(!waits().await, "the next audit takes the proof up");
    assert_eq!(world.fleet.live().len(), 1);
}

fn refusals(world: &World) -> Vec<Record> {
    let lines = world.fleet.audit.lines(Book::Refusals);
    lines.iter().map(|line| decode(line).unwrap()).collect()
}

async fn flood(world: &World, count: u32) {
    for number in 0..count {
        let mut forged = world.change(&inbox(), number);
        forged["clientState"] = format!("forged-{number}").into();
        forged["subscriptionId"] = format!("chosen-by-whoever-forged-it-{number}").into();
        assert_eq!(world.post(&[forged]).await, 202);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_forgeries_is_one_record_for_each_reason_and_minute() {
    let world = World::in_memory();
    flood(&world, 500).await;
    assert_eq!(
        world.fleet.audit.appends(),
        0,
        "not on the way of a request"
    );
    tokio::time::sleep(Duration::from_secs(61)).await;
    let written = refusals(&world);
    assert_eq!(written.len(), 1, "{written:#?}");
    assert_eq!(written[0].kind, Kind::Refusals);
    assert_eq!(written[0].reason, "foreign_client_state");
    assert_eq!(written[0].count, 500);
    let lines = world.fleet.audit.lines(Book::Refusals).join("");
    assert!(
        !lines.contains("forged") && !lines.contains("chosen"),
        "{lines}"
    );
    assert_eq!(world.fleet.audit.lines(Book::Decisions), [""; 0]);

    flood(&world, 3).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(refusals(&world)[1].count, 3);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(refusals(&world).len(), 2, "nothing while nothing comes");
}

#[tokio::test(start_paused = true)]
async fn refusals_that_could_not_be_written_are_in_the_next_record_and_stop_no_pass() {
    let world = World::in_memory();
    let failure = AuditError::Unavailable {
        place: "a test".to_owned(),
        why: "away".to_owned(),
    };
    world.fleet.audit.fail(Some(failure));
    flood(&world, 4).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(refusals(&world), []);
    assert_eq!(world.fleet.services.trail.failing(), None);
    world.fleet.audit.fail(None);
    flood(&world, 2).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(refusals(&world)[0].count, 6);
}
