//! The command, and its page.

use std::process::Command;

use evergraph::cli::probe::{ProbeError, catalogue, probe};
use serde_json::Value;

use crate::receiver::{Reading, plain, receiver, target};

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_evergraph");
    let done = Command::new(program)
        .arg("probe")
        .args(args)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_code_says_whether_all_passed() {
    let good = receiver(|_| None, Reading::Patient).await.to_string();
    let only = ["--only", "handshake.real", "--output", "json"];
    let args = [[good.as_str()].as_slice(), &only].concat();
    let (code, out, _) = tokio::task::block_in_place(|| run(&args));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &report["passed"]),
        (Some(0), &Value::from(1)),
        "{out}"
    );
    let case = &report["cases"][0];
    assert_eq!(
        (&case["id"], &case["verdict"]),
        (&"handshake.real".into(), &"pass".into())
    );
    assert!(
        case["source"]
            .as_str()
            .unwrap()
            .contains("learn.microsoft.com")
    );
    assert!(
        !out.contains("key"),
        "keys in the address stay there: {out}"
    );

    let bad = receiver(|_| Some(plain(500, "")), Reading::Patient)
        .await
        .to_string();
    let args = [bad.as_str(), "--only", "handshake.real"];
    let (code, out, _) = tokio::task::block_in_place(|| run(&args));
    assert_eq!(code, Some(1));
    assert!(
        out.contains("fail  handshake.real") && out.contains("200 exactly"),
        "{out}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_count_unless_allowed() {
    let url = receiver(
        |seen| seen.token.clone().map(|token| plain(200, token)),
        Reading::Patient,
    )
    .await
    .to_string();
    let args = [url.as_str(), "--only", "handshake.no-sniffing"];
    let (code, out, _) = tokio::task::block_in_place(|| run(&args));
    assert_eq!(code, Some(1), "{out}");
    let args = [&args[..], &["--allow-warnings"]].concat();
    let (code, out, _) = tokio::task::block_in_place(|| run(&args));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("warn  handshake.no-sniffing"), "{out}");
}

#[test]
fn other_peoples_endpoints_are_left_alone() {
    let (code, _, told) = run(&["https://app.example/api/n"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("--i-own-this-endpoint"), "{told}");
}

/// What only looks like this machine is not. Whoever owns the endpoint says so, and the next
/// thing that is looked at are the cases: nothing was sent yet.
#[tokio::test]
async fn every_address_that_is_not_this_machine_wants_an_owner() {
    for url in [
        "https://app.example/api/n",
        "http://127.0.0.1.example/api/n",
        "http://localhost.example/api/n",
        "http://0.0.0.0/api/n",
        "http://10.0.0.1:7071/api/n",
        "http://[2001:db8::1]/api/n",
        "http://127.0.0.1@app.example/api/n",
    ] {
        let mut target = target(url.parse().unwrap(), &["dance"]);
        let error = probe(&target).await.unwrap_err();
        assert!(matches!(error, ProbeError::NotOwned(_)), "{url}: {error}");
        target.owned = true;
        let error = probe(&target).await.unwrap_err();
        assert!(matches!(error, ProbeError::NoSuchCase(_)), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_case_that_does_not_exist_and_no_address_are_told() {
    let url: url::Url = "http://127.0.0.1:9/".parse().unwrap();
    let error = probe(&target(url, &["dance"])).await.unwrap_err();
    assert!(matches!(error, ProbeError::NoSuchCase(_)), "{error}");
    let error = probe(&target("ftp://127.0.0.1/".parse().unwrap(), &[])).await;
    assert!(matches!(error, Err(ProbeError::NotHttp(_))));
}

#[tokio::test]
async fn a_run_ends_in_time_and_what_did_not_run_has_failed() {
    let mut target = target("http://127.0.0.1:9/".parse().unwrap(), &["handshake"]);
    target.limit = std::time::Duration::ZERO;
    let report = probe(&target).await.unwrap();
    assert_eq!(report.failed, report.cases.len());
}

#[test]
fn the_page_about_the_probe_names_every_case() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/probe.md");
    let page = std::fs::read_to_string(file).unwrap();
    for case in catalogue() {
        let row = format!("| `{}` | {} | {} |", case.id, case.expected, case.source);
        assert!(page.contains(&row), "the page misses: {row}");
    }
}
