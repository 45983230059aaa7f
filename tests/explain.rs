//! `evergraph explain` and `evergraph conflicts list`, as a person or a script calls them.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const DUPLICATE: &str = r#"{"error":{"code":"ObjectIdentifierInUse","message":"Subscription Id 5f0c1c2e-93a4-4e0f-8a38-5c6f0a1b2c3d already exists for the requested combination"}}"#;

fn evergraph(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .args(arguments)
        // Nothing of the machine's settings may be needed.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may close it first.
    let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn explain(more: &[&str], input: &str) -> Output {
    let mut arguments = vec![
        "explain",
        "--service",
        "graph-subscriptions",
        "--operation",
        "create",
        "--status",
        "409",
    ];
    arguments.extend(more);
    evergraph(&arguments, input)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn json_has_every_field_and_stands_alone_on_stdout() {
    let output = explain(
        &["--output", "json", "--header", "RETRY-AFTER: 0.25", "-"],
        DUPLICATE,
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let got: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(got["cause"], "AlreadyExists");
    assert_eq!(got["remedy"], "AdoptExisting");
    assert_eq!(got["automatic"], "after-compare");
    assert_eq!(got["may_have_taken_effect"], "no");
    assert_eq!(got["wait_ms"], 250);
    assert_eq!(got["holder"], "5f0c1c2e-93a4-4e0f-8a38-5c6f0a1b2c3d");
    assert_eq!(got["rule"], "graph-subscriptions/object-identifier-in-use");
    assert_eq!(got["confidence"], "code");
    assert!(got["sources"][0].as_str().unwrap().starts_with("https://"));
}

#[test]
fn what_is_not_known_is_null() {
    let output = explain(&["--output", "json"], "");
    let got: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(got["cause"], "Unclassified");
    assert!(got["wait_ms"].is_null() && got["holder"].is_null());
}

#[test]
fn an_absurd_wait_is_named_and_not_slept_on() {
    let output = explain(
        &[
            "--output",
            "json",
            "--header",
            "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
        ],
        "",
    );
    let got: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(got["wait_ms"].is_null());
    assert_eq!(got["wait_refused"], "Fri, 31 Dec 9999 23:59:59 GMT");
}

#[test]
fn text_says_what_happened_what_to_do_what_never_to_do_and_where_it_is_written() {
    let text = stdout(&explain(&["-"], DUPLICATE));
    let at = |heading: &str| {
        text.find(heading)
            .unwrap_or_else(|| panic!("{heading}: {text}"))
    };
    assert!(at("What happened") < at("What to do"));
    assert!(at("What to do") < at("What never to do"));
    assert!(at("What never to do") < at("Where it is written"));
    assert!(text.contains("5f0c1c2e-93a4-4e0f-8a38-5c6f0a1b2c3d"));
    assert!(text.contains("https://github.com/abraunegg/onedrive/issues/2501"));
}

#[track_caller]
fn check_refused(arguments: &[&str], words: &str) {
    let output = evergraph(arguments, "");
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(stderr.contains(words), "{stderr}");
}

#[test]
fn wrong_arguments_are_told_with_exit_code_2() {
    let with = |service: &'static str, operation: &'static str, status: &'static str| {
        [
            "explain",
            "--service",
            service,
            "--operation",
            operation,
            "--status",
            status,
        ]
    };
    check_refused(&with("graph", "create", "409"), "graph-subscriptions");
    check_refused(&with("arm", "upsert", "409"), "create-by-put");
    check_refused(&with("arm", "create", "999"), "599");
    check_refused(&["explain", "--service", "arm"], "--operation");
    let header = [&with("arm", "create", "409")[..], &["--header", "no colon"]].concat();
    check_refused(&header, "'Name: value'");
    let file = [&with("arm", "create", "409")[..], &["no/such/file.json"]].concat();
    check_refused(&file, "no/such/file.json");
}

#[test]
fn the_playbook_can_be_listed_for_one_service() {
    let output = evergraph(
        &[
            "conflicts",
            "list",
            "--service",
            "keyvault",
            "--output",
            "json",
        ],
        "",
    );
    assert_eq!(output.status.code(), Some(0));
    let rows: Vec<Value> = serde_json::from_str(&stdout(&output)).unwrap();
    let ids: Vec<_> = rows
        .iter()
        .map(|row| row["rule"].as_str().unwrap())
        .collect();
    assert!(ids.contains(&"keyvault/vault-name-taken"));
    assert!(
        ids.contains(&"arm/scope-locked"),
        "shared rules belong to it"
    );
    assert!(ids.contains(&"generic/unclassified"));
    assert!(!ids.iter().any(|id| id.starts_with("storage/exists")));
    let all = stdout(&evergraph(&["conflicts", "list"], ""));
    assert!(all.contains("storage/exists") && all.contains("where  https://"));
}
