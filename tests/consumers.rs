//! The sample consumers, on messages that our sinks wrote.
//!
//! Needs Node and Python, and Azurite for what comes from a queue (see `tests/sink_contract.rs`).
//! What is missing is said, and left out.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use azure_storage_queue::QueueClient;
use azure_storage_queue::models::QueueClientReceiveMessagesOptions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::adapters::sink::file::FileSink;
use evergraph::adapters::sink::queue::{QueueSink, QueueSinkOptions};
use evergraph::domain::notification::event::Event;
use evergraph::domain::notification::identity::EventId;
use evergraph::domain::subscription::KeyTag;
use evergraph::ports::sink::Sink as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use url::Url;

/// Far more than a consumer needs.
const LIMIT: Duration = Duration::from_secs(60);

/// Calls the function as the host of Azure Functions does: one call for each message, with what
/// came out of base64, parsed. Messages come as a JSON array of texts.
const CALLER: &str = r#"
const run = require(process.argv[1]);
let input = "";
process.stdin.on("data", (part) => (input += part));
process.stdin.on("end", async () => {
  for (const text of JSON.parse(input)) await run({ log: console.log }, JSON.parse(text));
});
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn function() -> PathBuf {
    root().join("examples/queue-function")
}

async fn runs(test: &str, program: &str) -> bool {
    let version = Command::new(program).arg("--version").output().await;
    let runs = version.is_ok_and(|output| output.status.success());
    if !runs {
        println!("left out: {test} needs {program}");
    }
    runs
}

/// An event as the intake writes it, with so many bytes of decrypted content.
fn event(number: u128, kind: &str, content: usize) -> Event {
    let id = EventId::unique(number);
    let mut head = json!({
        "specversion": "1.0",
        "id": id.to_string(),
        "source": "urn:evergraph:prod",
        "type": format!("evergraph.{kind}"),
        "time": "2026-09-01T08:15:00.123Z",
        "datacontenttype": "application/json",
        "subject": format!("Users/u1/Messages/m{number}"),
        "tenant": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
        "subscription": "inbox",
        "certain": false,
    });
    if kind == "lifecycle.missed" {
        head["resync"] = "required".into();
    }
    let mut data = json!({"resourceData": {"id": format!("m{number}")}});
    if content > 0 {
        data["decryptedContent"] = json!({"body": "ü".repeat(content / 2)});
    }
    // The data stands last, as in the events of the intake.
    let head = head.to_string();
    let text = format!("{},\"data\":{data}}}", head.trim_end_matches('}'));
    Event {
        json: text.into(),
        id,
        tag: KeyTag::from_bytes([1; 16]),
        subscription: None,
        tenant: None,
        lifecycle: kind.starts_with("lifecycle"),
    }
}

/// A small one, one whose data does not fit a message, and one that asks for a new reading.
fn events() -> [Event; 3] {
    [
        event(1, "change.created", 0),
        event(2, "change.updated", 100_000),
        event(3, "lifecycle.missed", 0),
    ]
}

/// A queue and a container that nobody used before, with our events in them; and the SAS.
async fn filled_queue(test: &str) -> Option<(QueueSinkOptions, String)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    #[expect(
        clippy::disallowed_methods,
        reason = "xtask names Azurite to the tests"
    )]
    let accounts = std::env::var("EVERGRAPH_TEST_AZURITE_QUEUE")
        .and_then(|queues| Ok((queues, std::env::var("EVERGRAPH_TEST_AZURITE")?)));
    let Ok((queues, blobs)) = accounts else {
        println!("left out: {test} needs Azurite; run `cargo xtask test`");
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let named = |account: &str| {
        let (endpoint, sas) = account.split_once('?').unwrap();
        let process = std::process::id();
        Url::parse(&format!("{endpoint}/consumer-{process}-{number}?{sas}")).unwrap()
    };
    let options = QueueSinkOptions {
        queue: named(&queues),
        claims: Some(named(&blobs)),
        expires: None,
    };
    let sink = QueueSink::open(options.clone(), None).unwrap();
    sink.write(&events()).await.unwrap();
    let (_, sas) = blobs.split_once('?').unwrap();
    Some((options, sas.to_owned()))
}

/// Messages as the host hands them on.
async fn decoded(options: &QueueSinkOptions) -> Vec<String> {
    let queue = QueueClient::new(options.queue.clone(), None, None).unwrap();
    let options = QueueClientReceiveMessagesOptions {
        number_of_messages: Some(32),
        ..QueueClientReceiveMessagesOptions::default()
    };
    let answer = queue.receive_messages(Some(options)).await.unwrap();
    let messages = answer.into_model().unwrap().items.unwrap();
    let texts = messages.into_iter().map(|one| one.message_text.unwrap());
    texts
        .map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap())
        .collect()
}

/// Runs the function on messages; what it logged, or what it threw.
async fn called(messages: &[String], env: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let mut child = Command::new("node")
        .args(["-e", CALLER])
        .arg(function().join("events/index.js"))
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = serde_json::to_vec(messages).unwrap();
    stdin.write_all(&input).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = output.unwrap().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[track_caller]
fn check_logged(mut lines: Vec<String>) {
    lines.sort();
    let line = |number: u128, kind: &str| {
        let id = EventId::unique(number);
        format!("{id} evergraph.change.{kind} inbox Users/u1/Messages/m{number} (m{number})")
    };
    let mut wanted = vec![
        line(1, "created"),
        line(2, "updated"),
        "changes were missed, read everything again: inbox".to_owned(),
    ];
    wanted.sort();
    assert_eq!(lines, wanted);
}

#[tokio::test]
async fn the_function_works_on_what_our_sink_wrote_large_data_included() {
    let test = "the_function_works_on_what_our_sink_wrote_large_data_included";
    if !runs(test, "node").await {
        return;
    }
    let Some((options, sas)) = filled_queue(test).await else {
        return;
    };
    let messages = decoded(&options).await;
    let claims = messages.iter().filter(|text| text.contains("\"dataref\""));
    assert_eq!(claims.count(), 1, "{messages:#?}");
    check_logged(called(&messages, &[("CLAIMS_SAS", &sas)]).await.unwrap());
    // Without a right to read the blob the message must come again.
    let wrong = called(&messages, &[("CLAIMS_SAS", "sig=wrong")]).await;
    assert!(wrong.unwrap_err().contains("answered 403"));
}

/// An event whose data lies in a blob, as the sink writes it.
fn claim(event: &Event, url: &str) -> Value {
    let mut json: Value = serde_json::from_slice(&event.json).unwrap();
    let members = json.as_object_mut().unwrap();
    members.remove("data");
    members.insert("dataref".to_owned(), url.into());
    json
}

#[tokio::test]
async fn the_function_reads_large_data_by_the_identity_of_its_app() {
    let test = "the_function_reads_large_data_by_the_identity_of_its_app";
    if !runs(test, "node").await {
        return;
    }
    let identity = |headers: HeaderMap| async move {
        assert_eq!(headers["x-identity-header"], "h");
        axum::Json(json!({"access_token": "t"}))
    };
    let blob = |headers: HeaderMap| async move {
        assert_eq!(headers["authorization"], "Bearer t");
        axum::Json(json!({"resourceData": {"id": "m2"}}))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/token", get(identity))
        .route("/claims/2026-09-01/x", get(blob));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let [small, large, missed] = events();
    let own = |event: &Event| serde_json::from_slice::<Value>(&event.json).unwrap();
    let blob = format!("{url}/claims/2026-09-01/x");
    let messages = [
        json!([own(&small), claim(&large, &blob)]).to_string(),
        json!([own(&missed)]).to_string(),
    ];
    let token = format!("{url}/token");
    let env = [
        ("IDENTITY_ENDPOINT", token.as_str()),
        ("IDENTITY_HEADER", "h"),
    ];
    check_logged(called(&messages, &env).await.unwrap());
}

#[test]
fn the_function_is_bound_to_the_queue_of_the_deployment() {
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(function().join(name)).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let binding = read("events/function.json")["bindings"][0].clone();
    assert_eq!(binding["type"], "queueTrigger");
    // The name is that of the parameter in the code.
    assert_eq!(binding["name"], "events");
    let host = read("host.json");
    assert_eq!(host["extensions"]["queues"]["messageEncoding"], "base64");
    let queue = binding["queueName"].as_str().unwrap();
    let page = std::fs::read_to_string(root().join("docs/consume.md")).unwrap();
    assert!(page.contains(&format!("the queue `{queue}`")), "{queue}");
}

/// Runs `consume.py` until it has said so many lines.
async fn consumed(args: &[String], lines: usize) -> Vec<String> {
    let mut child = Command::new("python3")
        .arg(root().join("examples/consume.py"))
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut all = Vec::new();
    let reading = async {
        while all.len() < lines {
            let line = said.next_line().await.unwrap();
            all.push(line.expect("it ended before it said everything"));
        }
    };
    tokio::time::timeout(LIMIT, reading).await.unwrap();
    all
}

#[track_caller]
fn check_printed(mut lines: Vec<String>) {
    lines.sort();
    let line = |number: u128, kind: &str| {
        format!(
            "2026-09-01T08:15:00.123Z evergraph.change.{kind} inbox Users/u1/Messages/m{number} m{number}"
        )
    };
    let missed = "changes were missed, read everything again: inbox".to_owned();
    assert_eq!(lines, [line(1, "created"), line(2, "updated"), missed]);
}

#[tokio::test]
async fn the_python_consumer_empties_a_queue() {
    let test = "the_python_consumer_empties_a_queue";
    if !runs(test, "python3").await {
        return;
    }
    let Some((options, sas)) = filled_queue(test).await else {
        return;
    };
    let args = [options.queue.to_string(), sas];
    check_printed(consumed(&args, 3).await);
}

#[tokio::test]
async fn the_python_consumer_reads_a_folder_and_no_torn_line() {
    let test = "the_python_consumer_reads_a_folder_and_no_torn_line";
    if !runs(test, "python3").await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let sink = FileSink::open(home.path()).unwrap();
    sink.write(&events()).await.unwrap();
    let segment = std::fs::read_dir(home.path()).unwrap().next();
    let segment = segment.unwrap().unwrap().path();
    let torn = [std::fs::read(&segment).unwrap(), b"{\"half".to_vec()].concat();
    std::fs::write(&segment, torn).unwrap();
    let args = [home.path().display().to_string()];
    check_printed(consumed(&args, 3).await);
}
