//! The stored form of a shard's memory: what goes in comes out, what is unknown stays, what is
//! not understood is refused.

#![allow(clippy::unwrap_used, reason = "test file")]

use evergraph::app::state_doc::StateDoc;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A document with every field, and unknown ones at every level.
fn document() -> Value {
    json!({
        "format": "evergraph-state",
        "version": 1,
        "fleet": "prod-eu",
        "origin": "https://app.example.com",
        "config_hash": "abc",
        "clock_offset_ms": -3000,
        "instruments": {
            "conflicts": [{
                "service": "graph-subscriptions", "cause": "OfALaterRelease", "remedy": "x",
                "outcome": "open", "count": 3
            }],
            "adopted_after_conflict": 1, "silent_duplicates": 2, "unclassified": 3,
            "budget_exhausted": 4
        },
        "of_a_later_release": {"kept": true},
        "tenants": {
            "84bd8158-6d4d-4958-8b9f-9d6445542f95": {
                "app": "11111111-2222-3333-4444-555555555555",
                "audited_at": "2030-01-01T00:00:00Z",
                "verify_at": "2030-01-01T00:02:00Z",
                "quiet_until": "2030-01-01T00:01:00Z",
                "throttles": 2,
                "look_again": {"failures": 1, "not_before": "2030-01-01T00:02:00Z"},
                "tenant_extra": 1
            }
        },
        "entries": {
            "PLACEHOLDER": {
                "tenant": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
                "resource": "users/a/messages",
                "change_types": "created,updated",
                "name": "inbox",
                "held": {
                    "id": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
                    "expires": "2030-01-07T00:00:00Z",
                    "due": "2030-01-05T00:00:00Z",
                    "obtained_at": "2030-01-01T00:00:00Z",
                    "origin": "adopted",
                    "kid": "k1",
                    "certificate_id": "c1",
                    "certificate_asked": "c1",
                    "patched_at": "2030-01-02T00:00:00Z",
                    "doubted": true,
                    "held_extra": "x"
                },
                "intent": {"at": "2030-01-01T00:00:00Z", "instead_of": "old"},
                "obstacle": {"cause": "AlreadyExists", "holder": "other", "at": "2030-01-01T00:00:00Z"},
                "blocked": {"by": "own-row", "holder": "other", "until": "2030-01-01T01:00:00Z", "since": "2030-01-01T00:00:00Z"},
                "retry": {"failures": 3, "not_before": "2030-01-01T00:09:00Z"},
                "gap": {"deleted": "old", "since": "2030-01-01T00:08:00Z"},
                "renewals": 7,
                "creations": 2,
                "entry_extra": [1, 2]
            }
        },
        "watches": {
            "stray": {
                "tenant": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
                "why": "undeclared",
                "since": "2030-01-01T00:00:00Z",
                "config_hash": "abc",
                "watch_extra": null
            }
        }
    })
}

/// The document with the tag that its key really has.
fn tagged() -> Value {
    let mut document = document();
    let refusal = StateDoc::decode(document.to_string().as_bytes()).unwrap_err();
    let tag = refusal.to_string().rsplit(' ').next().unwrap().to_owned();
    let entries = document["entries"].as_object_mut().unwrap();
    let entry = entries.remove("PLACEHOLDER").unwrap();
    entries.insert(tag, entry);
    document
}

#[test]
fn what_goes_in_comes_out_unknown_fields_included() {
    let document = tagged();
    let doc = StateDoc::decode(document.to_string().as_bytes()).unwrap();
    let back: Value = serde_json::from_slice(&doc.encode()).unwrap();
    assert_eq!(back, document);
}

#[test]
fn the_unknown_fields_of_something_that_is_gone_go_with_it() {
    let mut doc = StateDoc::decode(tagged().to_string().as_bytes()).unwrap();
    doc.state.entries.clear();
    doc.state.watches.clear();
    let text = String::from_utf8(doc.encode()).unwrap();
    assert!(
        !text.contains("entry_extra") && !text.contains("watch_extra"),
        "{text}"
    );
    assert!(
        text.contains("of_a_later_release") && text.contains("tenant_extra"),
        "{text}"
    );
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Value), wanted: &str) {
    let mut document = tagged();
    change(&mut document);
    let refusal = StateDoc::decode(document.to_string().as_bytes())
        .unwrap_err()
        .to_string();
    assert!(refusal.contains(wanted), "{refusal}");
}

#[test]
fn a_document_that_is_not_understood_is_refused_with_the_place() {
    check_refused(
        |doc| doc["version"] = json!(2),
        "its version is 2, this program reads up to 1",
    );
    check_refused(|doc| doc["version"] = json!(0), "version is 0");
    check_refused(
        |doc| drop(doc.as_object_mut().unwrap().remove("version")),
        "no version",
    );
    check_refused(|doc| doc["format"] = json!("other"), "its format is");
    check_refused(|doc| doc["fleet"] = json!("NO"), "fleet.NO");
    check_refused(
        |doc| drop(doc.as_object_mut().unwrap().remove("origin")),
        "without an origin",
    );
    check_refused(
        |doc| doc["tenants"]["contoso"] = json!({}),
        "tenants.contoso",
    );
    check_refused(
        |doc| doc["watches"]["a/b"] = doc["watches"]["stray"].clone(),
        "watches.a/b",
    );
    check_refused(
        |doc| doc["entries"] = json!([]),
        "version 1 does not fit it",
    );
    let refusal = StateDoc::decode(b"\xff").unwrap_err().to_string();
    assert!(refusal.contains("no JSON document of ours"), "{refusal}");
    assert!(StateDoc::decode(b"").is_err());
}

#[test]
fn an_empty_fleet_is_a_document_too() {
    let doc = StateDoc::default();
    assert_eq!(StateDoc::decode(&doc.encode()).unwrap(), doc);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _read = StateDoc::decode(&bytes);
    }

    #[test]
    fn a_truncated_document_is_never_taken_for_a_whole_one(share in 0.0..1.0_f64) {
        let text = tagged().to_string();
        let cut = (text.len() as f64 * share) as usize;
        prop_assert!(StateDoc::decode(&text.as_bytes()[..cut]).is_err());
    }
}
