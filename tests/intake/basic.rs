//! Basic items: who is let in.

use crate::fixture::*;
use evergraph::app::intake::Route;
use evergraph::domain::notification::refusal::Refusal;
use jiff::SignedDuration;
use serde_json::{Value, json};

#[tokio::test]
async fn a_batch_of_many_subscriptions_reaches_the_sink() {
    let world = world();
    let items: Vec<Value> = (0..100)
        .map(|number| message(if number % 2 == 0 { INBOX } else { DRIVE }, number))
        .collect();
    check(&world.post(&items).await, "202 100w 0r 0x");
    assert_eq!(*world.sink.calls.lock().unwrap(), 1, "one durable write");
    let names: Vec<_> = world
        .events()
        .iter()
        .map(|event| event["subscription"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names[..2], ["inbox", "files"]);
    assert_eq!(world.events().len(), 100);
}

#[tokio::test]
async fn one_bad_item_spoils_no_neighbour() {
    let world = world();
    let mut wrong_tenant = message(INBOX, 3);
    wrong_tenant["tenantId"] = OTHER.into();
    let mut forged = message(INBOX, 4);
    forged["clientState"] = "secretClientValue".into();
    let mut twisted = message(INBOX, 5);
    let text = twisted["clientState"].as_str().unwrap().replace('.', "..");
    twisted["clientState"] = text.into();
    let mut bare = message(INBOX, 6);
    bare.as_object_mut().unwrap().remove("clientState");
    let mut signed_elsewhere = message(INBOX, 7);
    let alien = evergraph::domain::ids::FleetId::parse("alien").unwrap();
    let state = ring("a").derive(&alien, &INBOX);
    signed_elsewhere["clientState"] = state.expose().into();
    let items = [
        message(INBOX, 1),
        wrong_tenant,
        json!("not an object"),
        forged,
        twisted,
        bare,
        signed_elsewhere,
        message(INBOX, 2),
    ];
    check(&world.post(&items).await, "202 2w 0r 6x");
    for refusal in [
        Refusal::WrongTenant,
        Refusal::Malformed,
        Refusal::NoClientState,
        Refusal::WrongClientState,
    ] {
        assert_eq!(world.refused(refusal), 1, "{refusal}");
    }
    assert_eq!(world.refused(Refusal::ForeignClientState), 2);
}

#[tokio::test]
async fn a_request_without_items_is_acknowledged_and_writes_nothing() {
    let world = world();
    check(&world.post(&[]).await, "202 0w 0r 0x");
    assert_eq!(*world.sink.calls.lock().unwrap(), 0);
}

#[tokio::test]
async fn what_is_declared_no_more_is_passed_on_without_a_name() {
    let world = world();
    let mut item = message(GONE, 1);
    item["tenantId"] = OTHER.into();
    check(&world.post(&[item]).await, "202 1w 0r 0x");
    let event = &world.events()[0];
    assert_eq!(event["tenant"], OTHER);
    assert!(event.get("subscription").is_none());
    assert_eq!(
        event["certain"], true,
        "the type in the item names the kind"
    );
}

#[tokio::test]
async fn an_unknown_key_waits_fifteen_minutes_and_its_neighbours_are_written() {
    let world = world();
    let mut rolled = message(INBOX, 1);
    rolled["clientState"] = ring("new").derive(&fleet(), &INBOX).expose().into();
    let items = [rolled, message(INBOX, 2)];
    check(&world.post(&items).await, "503 1w 0r 0x unknown_kid");
    world.pass(SignedDuration::from_mins(14));
    check(&world.post(&items).await, "503 0w 1r 0x unknown_kid");
    world.pass(SignedDuration::from_mins(1));
    check(&world.post(&items).await, "202 0w 1r 1x");
    assert_eq!(world.refused(Refusal::UnknownKid), 1);
}

#[tokio::test]
async fn figures_name_the_subscriptions_that_spoke() {
    let world = world();
    let mut forged = message(INBOX, 2);
    forged["subscriptionId"] = "forged".into();
    forged["clientState"] = "x".into();
    let mut elsewhere = message(INBOX, 3);
    elsewhere["subscriptionId"] = "elsewhere".into();
    elsewhere["tenantId"] = OTHER.into();
    world.post(&[message(INBOX, 1), forged, elsewhere]).await;
    let figures = world.intake.figures();
    let proofs = figures.seen.proofs();
    let text = |ids: std::collections::BTreeSet<_>| format!("{ids:?}");
    assert!(text(proofs.verified).contains("7f105c7d"));
    let refused = text(proofs.refused);
    // Another tenant is no word about the clientState.
    assert!(refused.contains("forged") && !refused.contains("elsewhere"));
    assert_eq!((figures.requests, figures.written), (1, 1));
    assert!(figures.last_accepted.is_some());
}

#[tokio::test]
async fn a_body_that_is_no_notification_is_told_so() {
    let world = world();
    for text in ["", "{", "null", "[]", r#"{"value":{}}"#, "<html>"] {
        check(&world.post_text(Route::Notifications, text).await, "400");
    }
    assert_eq!(world.intake.figures().unreadable, 6);
}

#[tokio::test]
async fn caps_hold_for_bytes_and_items() {
    let world = world_with(|config| {
        config.body_bytes = 100_000;
        config.items = 3;
    });
    let item = message(INBOX, 1);
    let many = vec![item; 4];
    check(&world.post(&many).await, "413");
    check(&world.post(&many[..3]).await, "202 1w 2r 0x");
    let long = " ".repeat(100_001);
    check(&world.post_text(Route::Notifications, &long).await, "413");
}
