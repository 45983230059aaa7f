//! The account as any client sees it: tokens, sessions, and the codes of its refusals.

use evergraph::domain::conflict::{Answer, Cause, Operation, Service, classify};
use evergraph::sim::services::cosmos::{REGIONS, Setup};
use serde_json::{Value, json};

use super::bed::{Bed, ID, PARTITION, bed, marked};

const TOKEN: &str = "type%3Daad%26ver%3D1.0%26sig%3Dey.J.x";

struct Told {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn cause(&self, operation: Operation) -> Cause {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = Answer {
            service: Service::Cosmos,
            operation,
            status: self.status,
            headers: &headers,
            body: self.body.as_bytes(),
        };
        classify(&answer).cause
    }
}

impl Bed {
    async fn call(
        &self,
        region: usize,
        method: &str,
        below: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Told {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/dbs/db/colls/things{below}", self.regions[region].url());
        let mut call = client
            .request(method.parse().unwrap(), url)
            .header("x-ms-date", "Sun, 01 Mar 2026 12:00:00 GMT")
            .header("x-ms-version", "2018-12-31")
            .header(
                "x-ms-documentdb-partitionkey",
                json!([PARTITION]).to_string(),
            );
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            call = call.header("authorization", TOKEN);
        }
        for (name, value) in headers {
            call = call.header(*name, *value);
        }
        if !body.is_null() {
            call = call.body(body.to_string());
        }
        let answer = call.send().await.unwrap();
        let headers = answer.headers().iter();
        let headers = headers.map(|(name, value)| {
            let value = value.to_str().unwrap().to_owned();
            (name.as_str().to_owned(), value)
        });
        Told {
            headers: headers.collect(),
            status: answer.status().as_u16(),
            body: answer.text().await.unwrap(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_percent_encoded_is_refused() {
    let bed = bed(Setup::default()).await;
    let below = format!("/docs/{ID}");
    for wrong in ["type=aad&ver=1.0&sig=ey.J.x", "Bearer ey.J.x"] {
        let headers = [("authorization", wrong)];
        let told = bed.call(0, "GET", &below, &headers, &Value::Null).await;
        assert_eq!(told.status, 401, "{wrong}");
    }
    let told = bed.call(0, "GET", &below, &[], &Value::Null).await;
    assert_eq!(told.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_has_not_seen_our_session_says_404_with_1002() {
    let bed = bed(Setup::default()).await;
    let item = marked("evergraph/us/t", 1);
    let made = bed.call(0, "POST", "/docs", &[], &item).await;
    assert_eq!(made.status, 201);
    let session = made.header("x-ms-session-token").unwrap();
    let headers = [("x-ms-session-token", session)];
    let below = format!("/docs/{ID}");
    let told = bed.call(1, "GET", &below, &headers, &Value::Null).await;
    assert_eq!(
        (told.status, told.header("x-ms-substatus")),
        (404, Some("1002"))
    );
    assert_eq!(told.cause(Operation::Read), Cause::NotVisibleYet);
    // Without the session the same region simply says that it is not there.
    let told = bed.call(1, "GET", &below, &[], &Value::Null).await;
    assert_eq!((told.status, told.header("x-ms-substatus")), (404, None));

    bed.cosmos.replicate();
    let told = bed.call(1, "GET", &below, &headers, &Value::Null).await;
    assert_eq!(told.status, 200);
}

#[tokio::test(start_paused = true)]
async fn two_regions_both_accept_one_id_and_neither_says_409() {
    let bed = bed(Setup::default()).await;
    for region in 0..REGIONS {
        let item = marked("evergraph/us/t", 1);
        let told = bed.call(region, "POST", "/docs", &[], &item).await;
        assert_eq!(told.status, 201);
        let told = bed.call(region, "POST", "/docs", &[], &item).await;
        assert_eq!(told.status, 409);
        assert_eq!(told.cause(Operation::Create), Cause::AlreadyExists);
    }
}

#[tokio::test(start_paused = true)]
async fn the_conflict_feed_is_told_apart_from_an_empty_one() {
    let bed = bed(super::bed::custom()).await;
    let told = bed.call(0, "GET", "/conflicts", &[], &Value::Null).await;
    assert_eq!(told.status, 200);
    for region in 0..REGIONS {
        bed.cosmos.put(region, &marked("evergraph/us/t", 1));
    }
    bed.cosmos.replicate();
    let told = bed.call(0, "GET", "/conflicts", &[], &Value::Null).await;
    assert_eq!(told.cause(Operation::Read), Cause::ReplicationConflict);
    let body: Value = serde_json::from_str(&told.body).unwrap();
    let entry = &body["Conflicts"][0];
    assert_eq!(entry["operationType"], "create");
    let content: Value = serde_json::from_str(entry["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["id"], ID);
}

#[tokio::test(start_paused = true)]
async fn an_etag_that_no_longer_stands_is_a_412() {
    let bed = bed(Setup::default()).await;
    bed.cosmos.put(0, &marked("evergraph/us/t", 1));
    let below = format!("/docs/{ID}");
    let headers = [("if-match", "\"another\"")];
    let told = bed.call(0, "PUT", &below, &headers, &marked("x", 2)).await;
    assert_eq!(told.status, 412);
    assert_eq!(told.cause(Operation::Update), Cause::VersionMismatch);
}

#[tokio::test(start_paused = true)]
async fn the_account_names_its_regions() {
    let bed = bed(Setup::default()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = client.get(bed.regions[0].url());
    let call = call.header("authorization", TOKEN);
    let call = call
        .header("x-ms-date", "x")
        .header("x-ms-version", "2018-12-31");
    let text = call.send().await.unwrap().text().await.unwrap();
    let account: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        account["writableLocations"].as_array().unwrap().len(),
        REGIONS
    );
    let first = &account["readableLocations"][0]["databaseAccountEndpoint"];
    assert_eq!(*first, bed.regions[0].url());
}
