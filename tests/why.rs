//! `evergraph audit` and `evergraph why` over what a real handler left behind.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use evergraph::adapters::audit::file::FileAudit;
use evergraph::app::audit::line::encode;
use evergraph::domain::audit::{Kind, Record};
use evergraph::ports::audit::{Audit as _, Book};
use evergraph::sim::server::{RunningSim, SimOptions, SimServer};
use evergraph::sim::settings::DEFAULT_TENANT;
use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::Value;
use tempfile::TempDir;

/// Keys of this test alone.
const RING: &str = "t:dGVzdC1rZXktb2YtdGhlLXByb2JlLW5vdC1hLXNlY3I=";

const INBOX: &str = "[[subscriptions]]\nname = \"inbox\"\nresource = \"users/u0/messages\"\n\
                     because = \"https://tickets.example.com/17\"\n\n";
const DRIVE: &str = "[[subscriptions]]\nname = \"drive\"\nresource = \"drives/d0/root\"\n\n";

/// A fleet with a declaration, a Graph, a state and the audit beside it.
struct Place {
    folder: TempDir,
    sim: RunningSim,
    port: u16,
}

impl Place {
    async fn new() -> Self {
        let start = SimOptions::new("2030-01-01T00:00:30Z".parse().unwrap());
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            sim: SimServer::start(start).await.unwrap(),
            port: free_port(),
        };
        place.declare(&[INBOX, DRIVE]);
        place
    }

    fn declare(&self, subscriptions: &[&str]) {
        let head = format!(
            "[defaults]\nchange_types = [\"updated\"]\nbecause = \"the meeting of 3 March\"\n\n\
             [tenants.home]\nid = \"{DEFAULT_TENANT}\"\n\n"
        );
        let text = head + &subscriptions.concat();
        std::fs::write(self.folder.path().join("subscriptions.toml"), text).unwrap();
    }

    fn state(&self) -> String {
        format!("file:{}", self.folder.path().join("state").display())
    }

    async fn handler(&self) -> tokio::process::Child {
        let child = tokio::process::Command::new(env!("CARGO_BIN_EXE_evergraph"))
            .arg("handler")
            .current_dir(self.folder.path())
            .env_clear()
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", self.port.to_string())
            .env("EVERGRAPH_FLEET", "prod")
            .env("EVERGRAPH_CLIENT_STATE_KEYS", RING)
            .env(
                "EVERGRAPH_PUBLIC_URL",
                format!("http://127.0.0.1:{}", self.port),
            )
            .env("EVERGRAPH_STATE", self.state())
            .env("EVERGRAPH_SINK", "memory:")
            .env("EVERGRAPH_GRAPH_URL", self.sim.graph_url())
            .env("EVERGRAPH_AUTHORITY", "https://login.microsoftonline.com")
            .env("EVERGRAPH_CLOCK", self.sim.url())
            .env("EVERGRAPH_CREDENTIAL", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..6000 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_ok()
            {
                return child;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the handler never starts");
    }

    /// The timer fires after so many minutes.
    async fn tick_after(&self, minutes: i64) {
        self.sim
            .control()
            .advance(SignedDuration::from_mins(minutes));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}/renew", self.port);
        let answer = http.post(url).body(r#"{"Data":{},"Metadata":{}}"#);
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }

    fn id_of(&self, resource: &str) -> String {
        let live = self.sim.control().live();
        let row = live.into_iter().find(|row| row.resource == resource);
        row.unwrap().id
    }

    /// Runs the command as an operator would, with nothing but the place of the state.
    fn evergraph(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evergraph"));
        command
            .args(args)
            .env_clear()
            .env("EVERGRAPH_STATE", self.state());
        command.current_dir(self.folder.path());
        command
    }

    fn told(&self, args: &[&str]) -> String {
        let output = self.evergraph(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn records(&self, args: &[&str]) -> Vec<Value> {
        let all = [
            "audit",
            "--since",
            "2030-01-01T00:00:00Z",
            "--output",
            "json",
        ];
        let text = self.told(&[&all, args].concat());
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A fleet that has lived: created, renewed, removed behind our back, created anew, given up.
async fn lived() -> (Place, Vec<String>) {
    let place = Place::new().await;
    let _handler = place.handler().await;
    place.tick_after(0).await;
    let first = place.id_of("users/u0/messages");
    let drive = place.id_of("drives/d0/root");
    for _ in 0..2 {
        place.tick_after(60 * 24 * 5).await;
    }
    place.sim.control().remove(&first, false).unwrap();
    place.tick_after(90).await;
    let second = place.id_of("users/u0/messages");
    assert_ne!(first, second);
    place.declare(&[INBOX]);
    for _ in 0..4 {
        place.tick_after(20).await;
    }
    assert_eq!(place.sim.control().live().len(), 1);
    (place, vec![first, second, drive])
}

#[track_caller]
fn check_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("{part:?} does not follow in:\n{text}");
        };
        rest = &rest[at + part.len()..];
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_fleet_lived_through_is_told() {
    let (place, ids) = lived().await;
    let [first, second, drive] = &ids[..] else {
        panic!("three")
    };
    stories(&place, first, second, drive);
    lists(&place, first, drive);
    mistakes(&place);
    follows(&place).await;
}

fn stories(place: &Place, first: &str, second: &str, drive: &str) {
    let inbox = place.told(&["why", "inbox"]);
    println!("{inbox}");
    let parts = [
        "inbox\n",
        "users/u0/messages in tenant",
        "Declared as inbox. Because: https://tickets.example.com/17.",
        &format!("Created as {first}, since nothing served it"),
        "Renewed, 2 times, the last at 2030-01-11",
        &format!("Let go of {first}: Graph does not know it any more."),
        &format!("Created anew as {second}, since nothing served it any more"),
        "\nNow\n",
        &format!("It is served by {second}, created at 2030-01-11"),
        "the next renewal is due at 2030-01-1",
    ];
    check_in_order(&inbox, &parts);
    assert_eq!(
        place.told(&["why", second]),
        inbox,
        "an id leads to the same story"
    );
    let drive_story = place.told(&["why", "drive"]);
    println!("{drive_story}");
    let parts = [
        "Declared as drive. Because: the meeting of 3 March.",
        &format!("Created as {drive}"),
        "Marked for removal: it should go (undeclared)",
        &format!(
            "Deleted {drive}, since it is no longer declared. Because: the meeting of 3 March."
        ),
        "\nNow\n",
        "Nothing of it is remembered",
    ];
    check_in_order(&drive_story, &parts);
    let json: Value =
        serde_json::from_str(&place.told(&["why", "drive", "--output", "json"])).unwrap();
    assert_eq!(json["names"], serde_json::json!(["drive"]));
    let last = json["past"].as_array().unwrap().iter();
    let deleted = last.filter(|one| one["text"].as_str().unwrap().starts_with("Deleted"));
    let records: Vec<_> = deleted
        .map(|one| one["records"].as_array().unwrap().len())
        .collect();
    assert_eq!(records, [2], "the record before it and the one after it");
}

fn lists(place: &Place, first: &str, drive: &str) {
    let table = place.told(&["audit", "--since", "2030-01-01T00:00:00Z", "--key", "inbox"]);
    assert!(table.starts_with("when (UTC)"), "{table}");
    check_in_order(&table, &["declare", "create", "renew", "let-go", "create"]);
    assert!(!table.contains("drive"), "{table}");
    let deletes = place.records(&["--cause", "undeclared"]);
    let outcomes: Vec<_> = deletes
        .iter()
        .map(|one| one["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["begun", "done"]);
    assert_eq!(deletes[1]["settles"], deletes[0]["id"]);
    assert_eq!(deletes[0]["subscription"], drive);
    let of_id = place.records(&["--key", first]);
    assert!(of_id.iter().any(|one| one["action"] == "create"));
    let key = of_id.iter().find_map(|one| one["key"].as_str()).unwrap();
    let of_key = place.records(&["--key", &key[..8]]);
    assert!(of_key.len() > of_id.iter().filter(|one| one["action"] == "create").count());
    assert!(of_key.iter().all(|one| one["key"] == key));
    let late = place.told(&["audit", "--since", "2030-01-11T00:00:00Z", "--key", "inbox"]);
    assert!(
        !late.contains("declare") && late.contains("let-go"),
        "{late}"
    );
    let passes = place
        .records(&[])
        .into_iter()
        .filter(|one| one["kind"] == "pass");
    assert!(passes.count() >= 5);
}

fn mistakes(place: &Place) {
    let unknown = place.evergraph(&["why", "inbx"]);
    assert_eq!(unknown.status.code(), Some(1));
    let words = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(words.contains("did you mean \"inbox\"?"), "{words}");
    let wrong = place.evergraph(&["audit", "--since", "yesterday"]);
    assert_eq!(wrong.status.code(), Some(2));
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_evergraph"));
    let nowhere = nowhere.args(["audit"]).env_clear().output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    let words = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(words.contains("EVERGRAPH_AUDIT"), "{words}");
    let torn = place
        .folder
        .path()
        .join("state/audit/decisions/2030-01-01/crash-000001.jsonl");
    std::fs::write(torn, "no record\n{\"at\":\"20").unwrap();
    let output = place.evergraph(&["why", "inbox"]);
    assert!(output.status.success());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("crash-000001 is torn"), "{words}");
    assert!(words.contains("1 lines are no records"), "{words}");
}

async fn follows(place: &Place) {
    let args = [
        "audit",
        "--follow",
        "--key",
        "late",
        "--since",
        "2030-01-11T00:00:00Z",
    ];
    let mut child = place.command(&args).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("when (UTC)"));
    let audit = FileAudit::new(&place.folder.path().join("state/audit"), "test");
    let mut record = Record::new(
        Kind::Step,
        "2030-01-12T00:00:00Z".parse().unwrap(),
        "compare",
    );
    record.id = "test-1".to_owned();
    record.about.name = Some("late".to_owned());
    record.words = "came while somebody looked".to_owned();
    let line = [encode(&record)];
    let day = date(2030, 1, 12);
    audit.append(Book::Decisions, day, &line).await.unwrap();
    let shown = lines.next().unwrap().unwrap();
    assert!(shown.contains("came while somebody looked"), "{shown}");
    child.kill().unwrap();
    child.wait().unwrap();
}
