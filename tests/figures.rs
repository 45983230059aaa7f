//! `evergraph figures`, as a process, over documents of instances in a folder.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::Path;
use std::process::Command;

use evergraph::adapters::state::file::FileStore;
use evergraph::app::statistics::{BeforeFigures, InstanceFigures};
use evergraph::ports::state::{DocName, StateStore as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

fn now() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_second(i64::try_from(since.as_secs()).unwrap()).unwrap()
}

fn instance(seconds_old: i64, answers: [u64; 3]) -> InstanceFigures {
    let at = now() - SignedDuration::from_secs(seconds_old);
    InstanceFigures {
        requests: answers[0],
        written: answers[0],
        refused: [("mac".to_owned(), 2)].into(),
        delayed: [("sink".to_owned(), 1)].into(),
        answers,
        handshakes: 3,
        took: vec![0, 0, 0, answers[0]],
        ..InstanceFigures::empty(at, at)
    }
}

async fn keep(folder: &Path, all: &[InstanceFigures]) {
    let store = FileStore::open(folder).unwrap();
    for (number, one) in all.iter().enumerate() {
        let name = DocName::parse(&format!("stats/20300101-{number:016x}.json")).unwrap();
        store
            .put(&name, serde_json::to_vec(one).unwrap())
            .await
            .unwrap();
    }
}

fn run(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_evergraph"))
        .arg("figures")
        .args(more)
        .env("EVERGRAPH_STATE", format!("file:{}", folder.display()))
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), shown + &error)
}

#[tokio::test]
async fn instances_are_summed_with_their_age_and_the_words_about_graphs_clock() {
    let folder = tempfile::tempdir().unwrap();
    let all = [instance(30, [100, 5, 0]), instance(7200, [50, 50, 50])];
    keep(folder.path(), &all).await;
    let (code, shown) = run(folder.path(), &[]);
    assert_eq!(code, Some(0), "{shown}");
    for part in [
        "2 instances, 1 of them at work",
        "items refused: mac",
        "requests answered 503: sink",
        "half within 100 ms",
        "endpoint: prompt (100 answers",
        "slow  5.0 % of 10 %: 6 more late answers in a row reach it",
        "drop  0.0 % of 15 %",
        "Functions host's share",
    ] {
        assert!(shown.contains(part), "{part} is missing in:\n{shown}");
    }
    assert!(!shown.contains("before us"), "no platform told anything");
}

#[tokio::test]
async fn an_endpoint_that_graph_would_slow_down_ends_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut late = instance(30, [100, 11, 0]);
    late.before = BeforeFigures {
        requests: 10,
        sum_ms: 5_000,
        max_ms: 900,
        answers: [10, 0, 0],
    };
    keep(folder.path(), &[late]).await;
    let (code, shown) = run(folder.path(), &["--output", "json"]);
    assert_eq!(code, Some(1), "{shown}");
    let sums: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(sums["standing"]["treatment"], "slow");
    assert_eq!(sums["standing"]["leftUntilSlow"], 0);
    assert_eq!(sums["handshakes"], 3);
    assert_eq!(sums["beforeUs"]["meanMs"], 500);
    assert_eq!(sums["beforeUs"]["standing"]["treatment"], "prompt");
    assert!(sums["instances"][0]["ageS"].as_i64().unwrap() >= 30);
    assert!(sums["caveat"].as_str().unwrap().contains("Functions host"));
    let (_, shown) = run(folder.path(), &[]);
    assert!(
        shown.contains("500 ms on average, 900 ms at most"),
        "{shown}"
    );
}

#[tokio::test]
async fn documents_of_an_earlier_release_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = serde_json::to_value(instance(30, [10, 0, 0])).unwrap();
    for new in ["handshakes", "took", "before"] {
        old.as_object_mut().unwrap().remove(new).unwrap();
    }
    let store = FileStore::open(folder.path()).unwrap();
    let name = DocName::parse("stats/20300101-0000000000000001.json").unwrap();
    store
        .put(&name, old.to_string().into_bytes())
        .await
        .unwrap();
    let (code, shown) = run(folder.path(), &[]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("1 instance,"), "{shown}");
}

#[test]
fn nothing_counted_and_nothing_named_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (code, shown) = run(folder.path(), &[]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("nothing was counted yet"), "{shown}");
    let (code, shown) = run(&folder.path().join("nowhere"), &[]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("EVERGRAPH_STATE"), "{shown}");
}
