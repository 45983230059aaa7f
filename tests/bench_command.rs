//! `evergraph bench intake` as people run it, as short as it can be: every cell comes to figures,
//! every post is accepted, and the report says what was compared with what. Whether bounds are
//! met is for a quiet machine and a release build.
#![allow(clippy::unwrap_used, reason = "test file")]

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .args(["bench", "intake", "--connections", "2"])
        .args(["--handler", env!("CARGO_BIN_EXE_handler")])
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn report(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--output", "json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn of<'r>(report: &'r Value, cell: &str, subject: &str) -> &'r Value {
    let measured = report["measured"].as_array().unwrap();
    let found = measured
        .iter()
        .find(|one| one["cell"] == cell && one["subject"] == subject);
    found.unwrap_or_else(|| panic!("{cell} of {subject} is not there"))
}

#[test]
fn every_cell_comes_to_figures_and_every_post_is_accepted() {
    // Long enough for a batch of sealed items, without optimisation, on a busy machine.
    let report = report(&["--seconds", "1"]);
    let measured = report["measured"].as_array().unwrap();
    assert_eq!(measured.len(), 15);
    for one in measured {
        let items = one["items_per_second"].as_f64().unwrap();
        assert!(items > 0.0, "nobody answered: {one}");
        assert_eq!(one["refused"], 0, "{one}");
    }
    for (cell, peer) in [
        ("basic-single", "bare"),
        ("basic-batch", "reads"),
        ("rich-single", "rsa"),
        ("rich-batch", "rsa"),
        ("host", "host-reads"),
    ] {
        assert_eq!(of(&report, cell, peer)["of_peer"], Value::Null);
        let subject = if cell == "host" {
            "host-memory"
        } else {
            "memory"
        };
        assert!(of(&report, cell, subject)["of_peer"].as_f64().unwrap() > 0.0);
    }
    let slow = of(&report, "slow-sink", "slow");
    assert!(slow["p50_ms"].as_f64().unwrap() >= 100.0, "{slow}");
    assert!(report["start"]["median_ms"].as_f64().unwrap() > 0.0);
    if cfg!(target_os = "linux") {
        assert!(report["memory"]["peak_bytes"].as_u64().unwrap() > 1_000_000);
    }
    let bounds = report["bounds"].as_array().unwrap();
    assert_eq!(bounds.len(), if cfg!(target_os = "linux") { 11 } else { 9 });
}

#[test]
fn a_missed_bound_ends_with_1_only_where_that_was_asked_for() {
    // Without optimisation no handler that parses is half as fast as one that reads.
    let cell = ["--seconds", "0.2", "--only", "basic-batch"];
    let output = bench(&cell);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("NOT MET"), "{text}");
    assert!(text.contains("reads the body, 202"), "{text}");
    let output = bench(&[&cell[..], &["--check"]].concat());
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn wrong_arguments_end_with_2() {
    for arguments in [
        ["--seconds", "0"],
        ["--only", "nothing"],
        ["--connections", "0"],
    ] {
        assert_eq!(bench(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_handler_that_does_not_start_says_why() {
    let output = Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .args([
            "bench",
            "intake",
            "--only",
            "start",
            "--handler",
            "/nothing/here",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("could not start /nothing/here"), "{said}");
}
