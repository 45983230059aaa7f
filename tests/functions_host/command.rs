//! `evergraph host`, as a user runs it.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::fixture::{SOON, http, timer};
use crate::processes::{check_gone, scripted_app};

/// The command on any port, in the app's folder.
fn evergraph(app: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evergraph"));
    command.args(["host", "--port", "0"]).current_dir(app);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn it_says_what_it_runs_and_ends_with_its_handler_on_sigterm() {
    let app = scripted_app("", "echo I am $$; exec sleep 30");
    let folder = app.path().join("hook");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("function.json"), http("hook/{fleet}")).unwrap();
    let mut host = evergraph(app.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    let handler: u32 = tokio::time::timeout(SOON, async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if let Some((_, pid)) = line.split_once("| I am ") {
                return pid.parse().unwrap();
            }
            said.push(line);
        }
    })
    .await
    .unwrap();
    assert!(said[0].starts_with("The local Functions host listens on http://127.0.0.1:"));
    let words = |line: &String| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(&said[2]),
        [
            "hook",
            "any",
            "method",
            "/api/hook/{fleet}",
            "everybody",
            "app"
        ]
    );
    assert_eq!(
        words(&said[3]),
        [
            "renew", "timer", "0", "0", "0", "1", "1", "*", "the", "clock", "app"
        ]
    );
    let pid = host.id().unwrap().to_string();
    std::process::Command::new("kill")
        .arg(pid)
        .status()
        .unwrap();
    let status = tokio::time::timeout(SOON, host.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{status}");
    check_gone(handler).await;
}

#[tokio::test]
async fn it_ends_with_1_and_a_sentence_if_the_app_is_wrong() {
    let app = scripted_app("", "exit 1");
    let text = timer("never", "");
    std::fs::write(app.path().join("renew/function.json"), text).unwrap();
    let out = evergraph(app.path()).output().await.unwrap();
    assert_eq!(out.status.code(), Some(1));
    let error = String::from_utf8(out.stderr).unwrap();
    let expected = "renew/function.json, key `bindings[0].schedule`: `never` has 1 fields";
    assert!(error.contains(expected), "{error}");
}

#[tokio::test]
async fn it_ends_with_1_after_the_third_crash() {
    let app = scripted_app("", "exit 3");
    let out = evergraph(app.path()).output().await.unwrap();
    assert_eq!(out.status.code(), Some(1));
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(
        error.contains("error: the host stopped: exceeded the handler's restart limit"),
        "{error}"
    );
}
