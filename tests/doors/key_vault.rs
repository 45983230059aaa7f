//! The name of a deleted secret.

use std::sync::Arc;

use evergraph::domain::conflict::{Automatic, Cause, Operation, Remedy, Service};
use evergraph::sim::clock::SimClock;
use evergraph::sim::services::key_vault::{KeyVault, Manners};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{House, check_verdict, column, verdict};

const SECRET: &str = "/secrets/db-password";
const DELETED: &str = "/deletedsecrets/db-password";
const RECOVER: &str = "/deletedsecrets/db-password/recover";

async fn house() -> (Arc<KeyVault>, House) {
    let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let vault = KeyVault::new(Arc::new(SimClock::standing(start)));
    (vault.clone(), House::of(vault).await)
}

fn later(vault: &KeyVault) {
    vault.clock().advance(SignedDuration::from_secs(6));
}

async fn set(house: &House, value: &str) -> (u16, Value) {
    house.call("PUT", SECRET, &json!({"value": value})).await
}

/// Set, deleted through the API, and the delete is over.
async fn gone(vault: &KeyVault, house: &House) {
    assert_eq!(set(house, "old").await.0, 200);
    let (status, told) = house.call("DELETE", SECRET, &Value::Null).await;
    assert_eq!(status, 200);
    assert!(told["recoveryId"].as_str().unwrap().ends_with(DELETED));
    later(vault);
}

fn check_busy(answer: &(u16, Value), inner: &str, rule: &str, cause: Cause) {
    assert_eq!(answer.0, 409);
    assert_eq!(answer.1["error"]["code"], "Conflict");
    assert_eq!(answer.1["error"]["innererror"]["code"], inner);
    let found = verdict(Service::KeyVault, Operation::CreateByPut, answer);
    check_verdict(&found, rule, cause, Remedy::PollThenRetry);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_is_nowhere_in_an_older_portal_and_named_by_the_api_which_recovers_it() {
    let (vault, house) = house().await;
    vault.set_manners(Manners {
        portal_shows_deleted: false,
        ..Manners::default()
    });
    gone(&vault, &house).await;
    // The portal: nothing in its list, no page of deleted secrets, and a refusal without a reason.
    let (_, listed) = house.get("/_portal/secrets").await;
    assert_eq!(listed, json!({"value": []}));
    assert_eq!(house.get("/_portal/deleted").await.0, 422);
    let wish = json!({"name": "db-password", "value": "new"});
    let (status, told) = house.call("POST", "/_portal/secrets", &wish).await;
    assert_eq!(status, 422);
    assert!(!told.to_string().contains("deleted"), "{told}");

    // The API: the refusal names the cause, and the deleted secret can be read.
    let refused = set(&house, "new").await;
    assert_eq!(refused.0, 409);
    let found = verdict(Service::KeyVault, Operation::CreateByPut, &refused);
    check_verdict(
        &found,
        "keyvault/deleted-but-recoverable",
        Cause::SoftDeletedHolder,
        Remedy::RestoreSoftDeleted,
    );
    assert_eq!(found.automatic, Automatic::Policy);
    assert_eq!(house.get(DELETED).await.0, 200);
    let (_, listed) = house.get("/deletedsecrets").await;
    assert_eq!(column(&listed, "recoveryId").len(), 1);

    // Recovered with its old value, then set.
    assert_eq!(house.call("POST", RECOVER, &Value::Null).await.0, 200);
    later(&vault);
    let (status, read) = house.get(SECRET).await;
    assert_eq!((status, &read["value"]), (200, &json!("old")));
    assert_eq!(set(&house, "new").await.0, 200);
    assert_eq!(house.get(SECRET).await.1["value"], "new");
    assert_eq!(house.get(DELETED).await.0, 404);
    assert_eq!(vault.portal_secrets(), ["db-password"]);
}

#[tokio::test(start_paused = true)]
async fn a_portal_of_today_shows_the_deleted_secret_and_recovers_it() {
    let (vault, house) = house().await;
    gone(&vault, &house).await;
    let (_, listed) = house.get("/_portal/deleted").await;
    assert_eq!(listed, json!({"value": ["db-password"]}));
    let recover = "/_portal/deleted/db-password/recover";
    assert_eq!(house.call("POST", recover, &Value::Null).await.0, 200);
    later(&vault);
    assert_eq!(set(&house, "new").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn right_after_the_delete_the_secret_is_in_neither_list_and_can_only_be_waited_for() {
    let (vault, house) = house().await;
    vault.portal_set("db-password", "old").unwrap();
    vault.portal_delete("db-password").unwrap();
    assert_eq!(house.get(SECRET).await.0, 404);
    assert_eq!(house.get(DELETED).await.0, 404);
    for early in [
        set(&house, "new").await,
        house.call("POST", RECOVER, &Value::Null).await,
    ] {
        let rule = "keyvault/being-deleted";
        check_busy(
            &early,
            "ObjectIsBeingDeleted",
            rule,
            Cause::DeletionInProgress,
        );
    }
    later(&vault);
    assert_eq!(house.get(DELETED).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_being_recovered_reads_well_and_cannot_be_set_yet() {
    let (vault, house) = house().await;
    gone(&vault, &house).await;
    assert_eq!(house.call("POST", RECOVER, &Value::Null).await.0, 200);
    assert_eq!(house.get(SECRET).await.0, 200);
    let early = set(&house, "new").await;
    let rule = "keyvault/being-recovered";
    check_busy(
        &early,
        "ObjectIsBeingRecovered",
        rule,
        Cause::OperationInProgress,
    );
    later(&vault);
    assert_eq!(set(&house, "new").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_live_secret_is_simply_set_anew_whatever_the_letter_case() {
    let (_, house) = house().await;
    set(&house, "one").await;
    let two = json!({"value": "two"});
    assert_eq!(house.call("PUT", "/secrets/DB-Password", &two).await.0, 200);
    assert_eq!(house.get(SECRET).await.1["value"], "two");
    let (_, listed) = house.get("/secrets").await;
    assert_eq!(column(&listed, "id").len(), 1);
    assert!(!listed.to_string().contains("two"), "{listed}");
    assert_eq!(house.without_token(SECRET).await, 401);
}
