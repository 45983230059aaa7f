//! Basic items: taken in, refused, repeated.

use axum::body::Body;
use axum::http::StatusCode;
use evergraph::domain::notification::refusal::Refusal;
use jiff::SignedDuration;
use serde_json::json;

use crate::fleet::wish;
use crate::world::*;

#[tokio::test]
async fn what_is_acknowledged_lies_in_the_folder() {
    let world = World::new();
    let (mail, drive) = (world.change(&inbox(), 1), world.change(&files(), 2));
    assert_eq!(world.post(&[mail, drive]).await, 202);
    let events = world.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["specversion"], "1.0");
    assert_eq!(events[0]["type"], "evergraph.change.updated");
    assert_eq!(events[0]["subscription"], "inbox");
    assert_eq!(events[0]["certain"], true);
    assert_eq!(events[0]["data"]["resourceData"]["id"], "m1");
    assert!(events[0]["data"].get("clientState").is_none());
    assert_eq!(events[1]["subscription"], "files");
    assert_eq!(events[1]["certain"], false);
}

#[tokio::test]
async fn a_forged_item_is_acknowledged_counted_and_nothing_else() {
    let world = World::new();
    let mut forged = world.change(&inbox(), 1);
    let state = world.client_state(&inbox());
    forged["clientState"] = format!("{}AAAA", &state[..state.len() - 4]).into();
    let mut bare = world.change(&inbox(), 2);
    bare["clientState"] = serde_json::Value::Null;
    let good = world.change(&inbox(), 3);
    assert_eq!(world.post(&[forged, bare, json!(7), good]).await, 202);
    assert_eq!(world.events().len(), 1);
    let refused = world.figures().refused;
    for reason in [
        Refusal::WrongClientState,
        Refusal::NoClientState,
        Refusal::Malformed,
    ] {
        assert_eq!(refused.get(&reason), Some(&1), "{reason}");
    }
}

#[tokio::test]
async fn only_certain_repeats_are_suppressed() {
    let world = World::new();
    let (mail, drive) = (world.change(&inbox(), 1), world.change(&files(), 2));
    for _ in 0..3 {
        assert_eq!(world.post(&[mail.clone(), drive.clone()]).await, 202);
    }
    let names: Vec<_> = world
        .events()
        .iter()
        .map(|event| event["subscription"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["inbox", "files", "files", "files"]);
    assert_eq!(world.figures().repeats, 2);
}

#[tokio::test]
async fn a_path_of_no_fleet_of_ours_is_404_and_a_former_one_is_ours() {
    let world = World::new();
    let body = json!({ "value": [world.change(&inbox(), 1)] }).to_string();
    for path in ["/api/notifications/other", "/api/lifecycle/PROD"] {
        let status = world.post_body(path, body.clone()).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(world.events().is_empty());
    let status = world.post_body("/api/notifications/staging", body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(world.events().len(), 1);
}

#[tokio::test]
async fn a_token_beside_items_does_not_swallow_them() {
    let world = World::new();
    let body = json!({ "value": [world.change(&inbox(), 1)] }).to_string();
    let path = format!("{NOTIFICATIONS}?validationToken=abc");
    let status = world.post_body(&path, body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(world.events().len(), 1);
}

#[tokio::test]
async fn a_body_in_chunks_is_taken_and_what_is_no_notification_is_not() {
    let world = World::new();
    let text = json!({ "value": [world.change(&inbox(), 1)] }).to_string();
    let chunks: Vec<Result<String, std::io::Error>> = text
        .as_bytes()
        .chunks(7)
        .map(|chunk| Ok(String::from_utf8(chunk.to_vec()).unwrap()))
        .collect();
    let chunked = Body::from_stream(futures::stream::iter(chunks));
    let status = world.post_body(NOTIFICATIONS, chunked).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(world.events().len(), 1);
    for text in ["", "{", "[]", "{}", "text", "{\"value\":1}"] {
        let status = world.post_body(NOTIFICATIONS, text).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{text:?}");
    }
    let broken = Body::from_stream(futures::stream::iter([
        Ok("{\"value\":["),
        Err(std::io::Error::other("gone")),
    ]));
    let status = world.post_body(NOTIFICATIONS, broken).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn more_than_the_bound_is_refused_whole() {
    let world = World::of(Plan {
        change: |config| config.body_bytes = 10_000,
        ..Plan::default()
    });
    let mut item = world.change(&inbox(), 1);
    item["filling"] = "x".repeat(10_000).into();
    assert_eq!(world.post(&[item]).await, 413);
    assert!(world.events().is_empty());
    assert_eq!(world.post(&[world.change(&inbox(), 2)]).await, 202);
}

/// Paused time: the declaration is read again after half a minute, when the next request comes.
#[tokio::test(start_paused = true)]
async fn what_is_declared_later_gets_its_name_and_the_old_stays_while_none_can_be_read() {
    let world = World::in_memory();
    let late = wish("late", "users/late/messages", "updated");
    assert_eq!(world.post(&[world.change(&late, 1)]).await, 202);
    assert_eq!(world.events()[0].get("subscription"), None, "not declared");
    world.fleet.declare(vec![inbox(), late.clone()]);
    let wait = async || {
        tokio::time::sleep(std::time::Duration::from_secs(31)).await;
        assert_eq!(world.post(&[world.change(&files(), 0)]).await, 202);
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    wait().await;
    assert_eq!(world.post(&[world.change(&late, 2)]).await, 202);
    assert_eq!(world.events().last().unwrap()["subscription"], "late");
    world.fleet.break_declaration("a slip of the pen");
    wait().await;
    assert_eq!(world.post(&[world.change(&late, 3)]).await, 202);
    assert_eq!(world.events().last().unwrap()["subscription"], "late");
}

#[tokio::test]
async fn without_any_usable_declaration_verified_items_pass_without_a_name() {
    let world = World::new();
    world.fleet.break_declaration("a slip of the pen");
    assert_eq!(world.post(&[world.change(&inbox(), 1)]).await, 202);
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].get("subscription"), None);
}

#[tokio::test]
async fn an_unknown_key_is_waited_for_and_then_refused() {
    let world = World::new();
    let other = crate::fleet::ring(&["k2"]);
    let mut early = world.change(&inbox(), 1);
    let fleet = &world.fleet.config.home.current.fleet;
    early["clientState"] = other.derive(fleet, &inbox().key.tag()).expose().into();
    let good = world.change(&inbox(), 2);
    let items = [early, good];
    assert_eq!(world.post(&items).await, 503);
    assert_eq!(world.events().len(), 1, "its neighbour is written");
    world.jump(SignedDuration::from_mins(14));
    assert_eq!(world.post(&items).await, 503);
    world.jump(SignedDuration::from_mins(2));
    assert_eq!(world.post(&items).await, 202);
    let figures = world.figures();
    assert_eq!(figures.refused.get(&Refusal::UnknownKid), Some(&1));
    assert_eq!(world.events().len(), 1);
}
