//! Figures that outlive a request: one small document for each instance.

use std::time::Duration;

use evergraph::app::statistics;
use evergraph::domain::ids::SubscriptionId;
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
