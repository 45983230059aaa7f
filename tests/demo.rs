//! `evergraph demo` and `evergraph dev`, as a newcomer runs them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The demo gives itself a minute; so does each wait here.
const LIMIT: Duration = Duration::from_secs(60);

/// The command in a folder of its own, with settings around it that must not matter.
fn evergraph(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evergraph"));
    command
        .args(args)
        .current_dir(folder.path())
        .env("TMPDIR", folder.path())
        .env("EVERGRAPH_MODE", "observe")
        .env("EVERGRAPH_STATE", "file:/nowhere")
        .env(
            "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath",
            "/bin/false",
        )
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Processes that work in the folder: handlers do.
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let inside = entries.filter(|entry| {
        let place = std::fs::read_link(entry.path().join("cwd"));
        place.is_ok_and(|place| place.starts_with(folder))
    });
    inside.map(|entry| entry.path()).collect()
}

/// A killed child is gone within moments; the system needs a little to say so.
async fn check_nobody_is_left_in(folder: &Path) {
    for _ in 0..100 {
        if processes_in(folder).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("left behind: {:?}", processes_in(folder));
}

struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// Reads on until a line holds the words, and returns it.
    async fn until(&mut self, words: &str) -> String {
        let found = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.said.push(line.clone());
                if line.contains(words) {
                    return Some(line);
                }
            }
            None
        };
        let found = tokio::time::timeout(LIMIT, found).await;
        let Ok(Some(line)) = found else {
            panic!("never said {words:?}:\n{}", self.said.join("\n"));
        };
        line
    }

    async fn stop(&mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status();
        assert!(sent.unwrap().success());
        tokio::time::timeout(LIMIT, self.child.wait())
            .await
            .unwrap()
            .unwrap()
    }
}

#[tokio::test]
async fn every_claim_of_the_demo_is_true_whatever_the_environment_says() {
    let folder = TempDir::new().unwrap();
    let output = evergraph(&folder, &["demo", "--output", "json"]).output();
    let output = tokio::time::timeout(LIMIT + LIMIT, output)
        .await
        .unwrap()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let story: Value = serde_json::from_str(&text).unwrap();
    check_claims(&story);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    check_tables(&story["tables"]);
    println!("the demo took {} ms", story["took_ms"]);
    // No private key and no secret of a notification is told.
    for secret in ["PRIVATE KEY", "clientState\":"] {
        assert!(!text.contains(secret), "{secret}");
    }
    check_nobody_is_left_in(folder.path()).await;
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[track_caller]
fn check_claims(story: &Value) {
    let steps = story["steps"].as_array().unwrap();
    let claims = steps
        .iter()
        .flat_map(|step| step["claims"].as_array().unwrap());
    let untrue: Vec<_> = claims.filter(|claim| claim["ok"] != true).collect();
    assert!(untrue.is_empty(), "{untrue:#?}\n{}", story["broke_off"]);
    assert_eq!(steps.len(), 13, "{}", story["broke_off"]);
    let proves = |step: &&Value| !step["claims"].as_array().unwrap().is_empty();
    assert_eq!(steps.iter().filter(proves).count(), 13);
    let posts = |at: usize| steps[at]["posts"].as_array().unwrap().len();
    // Twice each of three; the sealed ones; five forgeries; a removal and five requests.
    assert_eq!([1, 2, 3, 10].map(posts), [6, 1, 5, 6]);
    assert_eq!(story["ok"], true);
    assert_eq!(story["broke_off"], Value::Null);
}

#[track_caller]
fn check_tables(tables: &Value) {
    let subscriptions = tables["subscriptions"].as_array().unwrap();
    let states = |wanted: &str| {
        let all = subscriptions.iter().filter(|row| row["state"] == wanted);
        all.count()
    };
    assert!(subscriptions.len() >= 9, "{subscriptions:#?}");
    assert_eq!((states("adopted"), states("blocked")), (2, 2));
    assert_eq!(states("created"), subscriptions.len() - 4);
    let kinds: Vec<_> = tables["calls"].as_array().unwrap().iter().collect();
    for kind in ["create", "get", "list", "renew"] {
        assert!(kinds.iter().any(|row| row["kind"] == kind), "{kind}");
    }
    assert!(!kinds.iter().any(|row| row["kind"] == "delete"));
    let reasons = tables["decisions"].as_array().unwrap();
    for reason in [
        "missing",
        "foreign-holder",
        "open-intent",
        "due",
        "confirmed-gone",
    ] {
        assert!(
            reasons.iter().any(|row| row["reason"] == reason),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn the_demo_ends_at_ctrl_c_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let mut demo = Running::start(evergraph(&folder, &["demo"]));
    demo.until("5. The handler is killed").await;
    assert!(
        !processes_in(folder.path()).is_empty(),
        "no handler is seen"
    );
    assert_eq!(demo.stop("-INT").await.code(), Some(130));
    check_nobody_is_left_in(folder.path()).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(
        demo.said
            .iter()
            .any(|line| line.contains("✓ Check before create"))
    );
    for line in &demo.said {
        assert!(line.chars().count() <= 100, "too wide: {line}");
        assert!(
            !line.contains('\u{1b}'),
            "colour where no terminal is: {line}"
        );
    }
}

/// A killed demo cannot clean up its folder, but its handlers notice.
#[tokio::test]
async fn a_killed_demo_leaves_no_handler_behind() {
    let folder = TempDir::new().unwrap();
    let mut demo = Running::start(evergraph(&folder, &["demo"]));
    demo.until("5. The handler is killed").await;
    assert!(
        !processes_in(folder.path()).is_empty(),
        "no handler is seen"
    );
    assert_eq!(demo.stop("-KILL").await.code(), None);
    check_nobody_is_left_in(folder.path()).await;
}

#[tokio::test]
async fn what_is_kept_runs_on_until_ctrl_c_and_keeps_its_files() {
    let folder = TempDir::new().unwrap();
    let mut demo = Running::start(evergraph(&folder, &["demo", "--keep"]));
    demo.until("claims were checked and true").await;
    let line = demo.until("/api/health").await;
    let url = line.split_whitespace().last().unwrap();
    let health = reqwest::Client::builder().no_proxy().build().unwrap();
    let health = health.get(url).send().await.unwrap();
    assert_eq!(health.status(), 200);
    assert_eq!(demo.stop("-TERM").await.code(), Some(0));
    check_nobody_is_left_in(folder.path()).await;
    let kept: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    let [kept] = &kept[..] else {
        panic!("{kept:?}")
    };
    assert!(kept.path().join("app/host.json").is_file());
    assert!(kept.path().join("state/shards+0.json").is_file());
}

const ONE_WISH: &str = "[defaults]\ntenant = \"contoso\"\n\n[tenants.contoso]\n\
    id = \"84bd8158-6d4d-4958-8b9f-9d6445542f95\"\n\n[[subscriptions]]\nname = \"people\"\n\
    resource = \"users\"\nchange_types = [\"updated\"]\n";

fn dev(folder: &TempDir) -> Running {
    let args = ["dev", "--every", "1s", "--port", "0", "--sim-port", "0"];
    Running::start(evergraph(folder, &args))
}

#[tokio::test]
async fn dev_creates_follows_the_file_and_remembers_over_a_restart() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("subscriptions.toml");
    std::fs::write(&file, ONE_WISH).unwrap();
    let mut first = dev(&folder);
    first.until("create people: missing").await;
    let more = "\n[[subscriptions]]\nname = \"groups\"\nresource = \"groups\"\nchange_types = [\"updated\"]\n";
    std::fs::write(&file, format!("{ONE_WISH}{more}")).unwrap();
    first.until("create groups: missing").await;
    first.until("run").await;
    assert_eq!(first.stop("-INT").await.code(), Some(0));
    check_nobody_is_left_in(&folder.path().join(".evergraph")).await;

    let mut second = dev(&folder);
    let moved = second.until("pass complete").await;
    assert!(moved.contains("renewed 2, created 0"), "{moved}");
    assert_eq!(second.stop("-TERM").await.code(), Some(0));
    check_nobody_is_left_in(&folder.path().join(".evergraph")).await;
}

#[tokio::test]
async fn dev_says_how_to_get_a_declaration_and_what_is_wrong_with_one() {
    let folder = TempDir::new().unwrap();
    let output = evergraph(&folder, &["dev"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.contains("cp subscriptions.example.toml subscriptions.toml"),
        "{words}"
    );

    let wrong = ONE_WISH.replace("\"updated\"", "\"created\"");
    std::fs::write(folder.path().join("subscriptions.toml"), wrong).unwrap();
    let output = evergraph(&folder, &["dev"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(
        words.contains("subscriptions.toml:10:16: error[change-type]"),
        "{words}"
    );
}
