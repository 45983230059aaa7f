//! Items with content: tokens and envelopes.

use crate::fixture::*;
use evergraph::domain::notification::refusal::{Refusal, TokenFault};
use serde_json::{Value, json};

fn good() -> Value {
    json!([format!("good:{OTHER}"), format!("good:{TENANT}")])
}

#[tokio::test]
async fn content_is_opened_and_stands_in_the_place_of_its_envelope() {
    let world = world();
    let answer = world.post_with(&[rich(RICH, 1, "good")], good()).await;
    check(&answer, "202 1w 0r 0x");
    let data = &world.events()[0]["data"];
    assert_eq!(data["decryptedContent"], json!({ "subject": "opened" }));
    assert!(data.get("encryptedContent").is_none() && data.get("clientState").is_none());
    assert_eq!(data["resourceData"]["id"], "m1");
}

#[tokio::test]
async fn content_may_be_passed_on_sealed() {
    let world = world();
    let items = [rich(SEALED, 1, "whatever"), rich(GONE, 2, "whatever")];
    check(&world.post_with(&items, good()).await, "202 2w 0r 0x");
    for event in world.events() {
        assert_eq!(event["data"]["encryptedContent"]["dataKey"], "key");
        assert!(event["data"].get("clientState").is_none());
    }
}

#[tokio::test]
async fn without_good_tokens_nothing_with_content_passes_and_basic_items_do() {
    for (tokens, refusal) in [
        (json!(null), Refusal::NoTokens),
        (json!([]), Refusal::NoTokens),
        (json!(["bad"]), Refusal::Token(TokenFault::Signature)),
        (
            json!([format!("good:{TENANT}"), "bad"]),
            Refusal::Token(TokenFault::Signature),
        ),
        (json!([format!("good:{OTHER}")]), Refusal::NoTokenOfTenant),
        (json!({}), Refusal::Token(TokenFault::Form)),
        (json!([null]), Refusal::Token(TokenFault::Form)),
    ] {
        let world = world();
        let mut bare = message(RICH, 4);
        bare["resourceData"]["id"] = "bare".into();
        let items = [
            rich(RICH, 1, "good"),
            message(INBOX, 2),
            rich(SEALED, 3, "good"),
            bare, // leaving the content out is no way around the tokens
        ];
        check(&world.post_with(&items, tokens).await, "202 1w 0r 3x");
        assert_eq!(world.refused(refusal), 3, "{refusal}");
    }
}

#[tokio::test]
async fn a_request_without_the_member_has_no_tokens() {
    let world = world();
    check(&world.post(&[rich(RICH, 1, "good")]).await, "202 0w 0r 1x");
    assert_eq!(world.refused(Refusal::NoTokens), 1);
}

#[tokio::test]
async fn what_cannot_be_checked_now_is_asked_for_again() {
    let world = world();
    let items = [rich(RICH, 1, "good"), message(INBOX, 2)];
    let answer = world.post_with(&items, json!(["away"])).await;
    check(&answer, "503 1w 0r 0x authority_unreachable");
    check(&world.post_with(&items, good()).await, "202 1w 1r 0x");

    let mut later = rich(RICH, 3, "good");
    later["encryptedContent"]["encryptionCertificateId"] = "next".into();
    let items = [later, rich(RICH, 4, "good")];
    let answer = world.post_with(&items, good()).await;
    check(&answer, "503 1w 0r 0x certificate_not_loaded");
}

#[tokio::test]
async fn an_envelope_that_does_not_open_spoils_no_neighbour() {
    let world = world();
    let mut unsigned = rich(RICH, 1, "good");
    let envelope = unsigned["encryptedContent"].as_object_mut().unwrap();
    envelope.remove("dataSignature");
    let mut no_json = rich(RICH, 2, "good");
    no_json["encryptedContent"]["data"] = "{\"a\":".into();
    let items = [
        unsigned,
        rich(RICH, 3, "bad"),
        no_json,
        rich(RICH, 4, "good"),
    ];
    check(&world.post_with(&items, good()).await, "202 1w 0r 3x");
    for refusal in [
        Refusal::NoDataSignature,
        Refusal::DataSignature,
        Refusal::Content,
    ] {
        assert_eq!(world.refused(refusal), 1, "{refusal}");
    }
    assert_eq!(world.events()[0]["subject"], "Users('u')/Messages('m4')");
}

#[tokio::test]
async fn a_refused_item_never_enters_the_repeat_window() {
    let world = world();
    check(
        &world.post_with(&[rich(RICH, 1, "bad")], good()).await,
        "202 0w 0r 1x",
    );
    check(
        &world.post_with(&[rich(RICH, 1, "good")], good()).await,
        "202 1w 0r 0x",
    );
}

#[tokio::test]
async fn tenants_may_be_mixed() {
    let world = world();
    let mut other = rich(GONE, 2, "good");
    other["tenantId"] = OTHER.into();
    let items = [rich(RICH, 1, "good"), other];
    check(&world.post_with(&items, good()).await, "202 2w 0r 0x");
    let only = json!([format!("good:{TENANT}")]);
    let mut alone = rich(GONE, 3, "good");
    alone["tenantId"] = "".into();
    check(&world.post_with(&[alone], only).await, "202 0w 0r 1x");
}
