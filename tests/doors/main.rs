//! Where a portal and the API answer the same wish differently: both doors of simulated services,
//! side by side over HTTP, and what the classifier makes of the API's answers.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

mod event_grid;
mod key_vault;
mod teams;

use std::sync::Arc;

use evergraph::domain::conflict::{Answer, Cause, Operation, Remedy, Service, Verdict, classify};
use evergraph::sim::services::{RunningService, Service as Simulated, serve};
use serde_json::Value;

/// A running service with two doors.
struct House {
    running: RunningService,
    client: reqwest::Client,
}

impl House {
    async fn of(service: Arc<dyn Simulated>) -> Self {
        Self {
            running: serve(service).await.unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// A call of either door: status and body.
    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.url());
        let call = self.client.request(method.parse().unwrap(), url);
        let answer = call.bearer_auth("token").json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, &Value::Null).await
    }

    async fn without_token(&self, path: &str) -> u16 {
        let url = format!("{}{path}", self.running.url());
        let answer = self.client.get(url).send().await.unwrap();
        answer.status().as_u16()
    }
}

/// What the playbook says of an answer of the API.
fn verdict(service: Service, operation: Operation, answer: &(u16, Value)) -> Verdict {
    classify(&Answer {
        service,
        operation,
        status: answer.0,
        headers: &[],
        body: answer.1.to_string().as_bytes(),
    })
}

#[track_caller]
fn check_verdict(found: &Verdict, rule: &str, cause: Cause, remedy: Remedy) {
    assert_eq!(
        (found.rule, found.cause, found.remedy),
        (rule, cause, remedy),
        "{}",
        found.words
    );
}

/// The texts under one name in the rows of a list.
fn column(page: &Value, name: &str) -> Vec<String> {
    let rows = page["value"].as_array().unwrap().iter();
    rows.map(|row| row[name].as_str().unwrap().to_owned())
        .collect()
}
