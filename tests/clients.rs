//! Other people's clients against the simulated Graph.
//!
//! Needs Node. Without it the test says so and passes, unless `EVERGRAPH_REQUIRE_NODE=1`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::Query;
use evergraph::sim::server::{SimOptions, SimServer};
use serde_json::{Value, json};
use tokio::process::Command;

const FILES: [&str; 3] = ["package.json", "package-lock.json", "subscriptions.mjs"];

#[expect(
    clippy::disallowed_methods,
    reason = "whether a missing Node fails the test is for whoever runs the tests to say"
)]
fn node_is_required() -> bool {
    std::env::var("EVERGRAPH_REQUIRE_NODE").is_ok_and(|value| value == "1")
}

async fn runs(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output().await;
    version.is_ok_and(|output| output.status.success())
}

/// Runs a program to its end and answers what it printed.
async fn output_of(mut command: Command) -> String {
    let output = command.kill_on_drop(true).output().await.unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

/// The locked packages, installed outside the source tree.
async fn install() -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    std::fs::create_dir_all(&to).unwrap();
    for file in FILES {
        std::fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&to);
    output_of(npm).await;
    to
}

/// An endpoint that echoes handshakes.
async fn willing_endpoint() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let echo = |Query(query): Query<Vec<(String, String)>>| async move {
        let token = query
            .into_iter()
            .find(|(name, _)| name == "validationToken");
        token.map(|(_, token)| token).unwrap_or_default()
    };
    let router = Router::new().fallback(echo);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn microsofts_javascript_sdk_takes_the_simulator_for_graph() {
    if !runs("node").await || !runs("npm").await {
        assert!(
            !node_is_required(),
            "EVERGRAPH_REQUIRE_NODE=1, but node or npm is missing"
        );
        println!("skipped: node or npm is missing, so no SDK was run against the simulator");
        return;
    }
    let folder = install().await;
    let mut options = SimOptions::new("2026-03-01T12:00:00Z".parse().unwrap());
    options.frozen = true;
    options.settings.listing.page_size = 2;
    let sim = SimServer::start(options).await.unwrap();
    let mut node = Command::new("node");
    node.args(["subscriptions.mjs", &sim.url(), &willing_endpoint().await])
        .current_dir(&folder);
    let seen: Value = serde_json::from_str(&output_of(node).await).unwrap();

    let ids: Vec<&Value> = (0..3).map(|at| &seen["created"][at]["id"]).collect();
    assert_eq!(seen["created"][0]["clientState"], "secret");
    let words = format!(
        "Subscription Id {} already exists for the requested combination",
        ids[0].as_str().unwrap()
    );
    let duplicate = json!({"statusCode": 409, "code": "ObjectIdentifierInUse", "message": words});
    assert_eq!(seen["duplicate"], duplicate);
    assert_eq!(seen["wrong"]["code"], "ExtensionError");
    assert_eq!(seen["listed"], json!(ids), "all pages, in order");
    assert_eq!(
        seen["renewed"]["expirationDateTime"],
        "2026-03-03T12:00:00.0000000Z"
    );
    assert_eq!(seen["read"]["clientState"], "secret");
    assert_eq!(&seen["retried"], ids[0]);
    assert_eq!(seen["gone"]["statusCode"], 404);
    assert_eq!(seen["tokenless"]["statusCode"], 401);
    assert_eq!(seen["anonymous"], 2, "two of three are left, on one page");
    assert_eq!(sim.control().live().len(), 2);
    sim.stop().await;
}
