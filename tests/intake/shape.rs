//! What leaves: CloudEvents.

use crate::fixture::*;
use evergraph::app::intake::Route;
use serde_json::{Value, json};

#[tokio::test]
async fn an_event_is_the_item_in_an_envelope_without_its_secret() {
    let world = world();
    let item = message(INBOX, 1);
    world.post(std::slice::from_ref(&item)).await;
    let event = world.events().remove(0);
    let mut data = item;
    data.as_object_mut().unwrap().remove("clientState");
    let id = event["id"].clone();
    let wanted = json!({
        "specversion": "1.0",
        "id": id,
        "source": "urn:evergraph:prod",
        "type": "evergraph.change.created",
        "time": "2030-01-02T03:04:05Z",
        "datacontenttype": "application/json",
        "subject": "Users('u')/Messages('m1')",
        "tenant": TENANT,
        "subscription": "inbox",
        "certain": true,
        "data": data,
    });
    assert_eq!(event, wanted);
    assert!(id.as_str().unwrap().starts_with("c."));
}

#[tokio::test]
async fn the_text_of_an_item_is_left_as_it_came_but_for_line_breaks() {
    let world = world();
    let state = client_state(INBOX);
    let text = format!(
        "{{\"value\":[{{\n  \"x\" : 1.50e+3,\r\n \"clientState\" : \"{state}\",\n \
         \"resource\":\"a\\u0022b\\/c\",\"n\":12345678901234567890123 }}]}}"
    );
    check(
        &world.post_text(Route::Notifications, &text).await,
        "202 1w 0r 0x",
    );
    let events = world.sink.events.lock().unwrap();
    let json = std::str::from_utf8(&events[0].json).unwrap();
    assert!(!json.contains(['\n', '\r']), "{json}");
    let data = &json[json.find("\"data\":").unwrap()..];
    assert_eq!(
        data,
        "\"data\":{   \"x\" : 1.50e+3,   \"resource\":\"a\\u0022b\\/c\",\
         \"n\":12345678901234567890123 }}"
    );
    let event: Value = serde_json::from_str(json).unwrap();
    assert_eq!(event["subject"], "a\"b/c");
    assert_eq!(event["type"], "evergraph.change.unknown");
}

#[tokio::test]
async fn a_change_type_of_a_later_graph_is_passed_on() {
    let world = world();
    for (word, wanted) in [
        ("restored", "evergraph.change.restored"),
        ("a\"b", "evergraph.change.unknown"),
        ("DELETED", "evergraph.change.deleted"),
    ] {
        let mut item = message(INBOX, 1);
        item["changeType"] = word.into();
        check(&world.post(&[item]).await, "202 1w 0r 0x");
        assert_eq!(world.events().pop().unwrap()["type"], wanted);
    }
}

#[tokio::test]
async fn whether_repeats_share_an_id_is_said() {
    let world = world();
    let items = [message(DRIVE, 1), message(DRIVE, 1)];
    check(&world.post(&items).await, "202 2w 0r 0x");
    let events = world.events();
    assert_eq!(events[0]["certain"], false);
    assert!(events[0]["id"].as_str().unwrap().starts_with("u."));
    assert_ne!(events[0]["id"], events[1]["id"]);
}

#[tokio::test]
async fn a_directory_item_is_known_by_its_number() {
    let world = world();
    let group = |number: u64| {
        let state = client_state(GONE);
        format!(
            r##"{{"value":[{{"changeType":"updated","clientState":"{state}",
            "resource":"Groups/g","subscriptionId":"s","tenantId":"{TENANT}",
            "resourceData":{{"@odata.type":"#Microsoft.Graph.Group","id":"g",
            "eventTime":"2018-11-22T01:47:00.2455823Z","sequenceNumber":{number}}}}}]}}"##
        )
    };
    let route = Route::Notifications;
    let (first, next) = (636_784_480_202_455_800, 636_784_480_202_455_801);
    check(&world.post_text(route, &group(first)).await, "202 1w 0r 0x");
    check(&world.post_text(route, &group(first)).await, "202 0w 1r 0x");
    check(&world.post_text(route, &group(next)).await, "202 1w 0r 0x");
}

#[tokio::test]
async fn nothing_that_is_printed_holds_an_event() {
    let world = world();
    world.post(&[message(INBOX, 1)]).await;
    let events = world.sink.events.lock().unwrap();
    assert!(!format!("{events:?}").contains("Messages"));
}
