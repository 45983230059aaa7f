//! One contract, three sinks: memory and a folder always, an Azure Storage queue where Azurite
//! runs.
//!
//! `cargo xtask test` starts Azurite and names it in `EVERGRAPH_TEST_AZURITE` and
//! `EVERGRAPH_TEST_AZURITE_QUEUE`, as the URLs of an account with a SAS. Without them the tests
//! of queues say that they were left out.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use azure_storage_blob::BlobContainerClient;
use azure_storage_queue::QueueClient;
use azure_storage_queue::models::QueueClientReceiveMessagesOptions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergraph::adapters::sink::contract::{self, Consumer};
use evergraph::adapters::sink::file::{FileSink, Limits, events_in};
use evergraph::adapters::sink::memory::MemorySink;
use evergraph::adapters::sink::queue::{QueueSink, QueueSinkOptions};
use evergraph::ports::sink::{Sink, SinkError};
use serde_json::value::RawValue;
use url::Url;

macro_rules! contract_tests {
    ($($clause:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let sink = MemorySink::default();
                contract::$clause(&sink, &InMemory(&sink)).await;
            })*
        }

        mod file {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let home = tempfile::tempdir().unwrap();
                let sink = FileSink::open(home.path()).unwrap();
                contract::$clause(&sink, &Folder(home.path().to_owned())).await;
            })*
        }

        mod azurite {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let Some(queue) = fresh_queue(stringify!($clause)) else { return };
                let sink = QueueSink::open(queue.clone(), None).unwrap();
                contract::$clause(&sink, &Queue::of(&queue)).await;
            })*
        }
    };
}

contract_tests! {
    hands_on_what_it_took,
    serves_many_writers,
    takes_a_repeat,
    takes_events_of_any_size,
    takes_many_at_once,
}

struct InMemory<'s>(&'s MemorySink);

#[async_trait::async_trait]
impl Consumer for InMemory<'_> {
    async fn take(&self) -> Vec<String> {
        let text = |event: bytes::Bytes| String::from_utf8(event.to_vec()).unwrap();
        self.0.events().into_iter().map(text).collect()
    }
}

struct Folder(PathBuf);

#[async_trait::async_trait]
impl Consumer for Folder {
    async fn take(&self) -> Vec<String> {
        events_in(&self.0).unwrap()
    }
}

/// A consumer of a queue as the documentation describes one.
struct Queue {
    queue: QueueClient,
    claims: Url,
}

impl Queue {
    fn of(options: &QueueSinkOptions) -> Self {
        Self {
            queue: QueueClient::new(options.queue.clone(), None, None).unwrap(),
            claims: options.claims.clone().unwrap(),
        }
    }

    async fn whole(&self, event: &RawValue) -> String {
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(event.get()).unwrap();
        let Some(reference) = fields.get("dataref").and_then(|url| url.as_str()) else {
            return event.get().to_owned();
        };
        assert!(!fields.contains_key("data") && !reference.contains('?'));
        let place = self.claims.path();
        let (_, name) = reference.split_once(&format!("{place}/")).unwrap();
        let container = BlobContainerClient::new(self.claims.clone(), None, None).unwrap();
        let blob = container.blob_client(&name.replace("%2F", "/"));
        let answer = blob.download(None).await.unwrap();
        let data = answer.body.collect().await.unwrap();
        let data = String::from_utf8(data.to_vec()).unwrap();
        let (attributes, _) = event.get().split_once(",\"dataref\":").unwrap();
        format!("{attributes},\"data\":{data}}}")
    }
}

#[async_trait::async_trait]
impl Consumer for Queue {
    async fn take(&self) -> Vec<String> {
        let mut events = Vec::new();
        loop {
            let options = QueueClientReceiveMessagesOptions {
                number_of_messages: Some(32),
                visibility_timeout: Some(60),
                ..QueueClientReceiveMessagesOptions::default()
            };
            let Ok(answer) = self.queue.receive_messages(Some(options)).await else {
                return events; // no such queue yet
            };
            let messages = answer.into_model().unwrap().items.unwrap_or_default();
            if messages.is_empty() {
                return events;
            }
            for message in messages {
                let text = message.message_text.unwrap();
                assert!(text.len() <= 65_536);
                let json = STANDARD.decode(text).unwrap();
                let batch: Vec<Box<RawValue>> = serde_json::from_slice(&json).unwrap();
                for event in &batch {
                    events.push(self.whole(event).await);
                }
                let (id, receipt) = (message.message_id.unwrap(), message.pop_receipt.unwrap());
                let deleted = self.queue.delete_message(&id, &receipt, None).await;
                deleted.unwrap();
            }
        }
    }
}

/// A queue and a container that nobody used before. They do not exist yet.
fn fresh_queue(test: &str) -> Option<QueueSinkOptions> {
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
    let named = |account: String| {
        let (endpoint, sas) = account.split_once('?').unwrap();
        let process = std::process::id();
        Url::parse(&format!("{endpoint}/sink-{process}-{number}?{sas}")).unwrap()
    };
    Some(QueueSinkOptions {
        queue: named(queues),
        claims: Some(named(blobs)),
        expires: None,
    })
}

#[tokio::test]
async fn a_message_never_expires_unless_told_otherwise() {
    let Some(options) = fresh_queue("a_message_never_expires_unless_told_otherwise") else {
        return;
    };
    let expiring = QueueSinkOptions {
        expires: Some(Duration::from_secs(3600)),
        ..options.clone()
    };
    for (options, ends_soon) in [(options.clone(), false), (expiring, true)] {
        let sink = QueueSink::open(options.clone(), None).unwrap();
        sink.write(&[contract::event(1, 1)]).await.unwrap();
        let consumer = Queue::of(&options);
        let answer = consumer.queue.receive_messages(None).await.unwrap();
        let message = answer.into_model().unwrap().items.unwrap().remove(0);
        let lives = message.expiration_time.unwrap() - message.insertion_time.unwrap();
        assert_eq!(lives.whole_days() < 365, ends_soon, "{lives}");
    }
}

#[tokio::test]
async fn a_queue_that_does_not_answer_is_unavailable_and_its_sas_stays_hidden() {
    // Bound and dropped: nobody listens there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("http://127.0.0.1:{port}/devstoreaccount1/events?sig=c2VjcmV0");
    let options = QueueSinkOptions {
        queue: Url::parse(&url).unwrap(),
        claims: None,
        expires: None,
    };
    let sink = QueueSink::open(options, None).unwrap();
    let error = sink.write(&[contract::event(1, 1)]).await.unwrap_err();
    assert!(matches!(error, SinkError::Unavailable { .. }), "{error}");
    let shown = format!("{error:?} {error} {} {sink:?}", sink.place());
    assert!(!shown.contains("c2VjcmV0"), "{shown}");
    let large = sink.write(&[contract::event(1, 100_000)]).await;
    let error = large.unwrap_err();
    assert!(
        error.to_string().contains("EVERGRAPH_SINK_BLOBS"),
        "{error}"
    );
}

#[tokio::test]
async fn a_token_is_not_sent_in_the_clear_and_none_is_no_key() {
    for url in [
        "http://127.0.0.1:1/devstoreaccount1/events",
        "https://a.queue.core.windows.net/events",
        "https://a.queue.core.windows.net/?sig=x",
    ] {
        let options = QueueSinkOptions {
            queue: Url::parse(url).unwrap(),
            claims: None,
            expires: None,
        };
        let opened = QueueSink::open(options, None);
        assert!(matches!(opened, Err(SinkError::Denied { .. })), "{url}");
    }
}

#[tokio::test]
async fn several_processes_share_a_folder_and_a_torn_line_is_no_event() {
    let home = tempfile::tempdir().unwrap();
    let one = FileSink::open(home.path()).unwrap();
    let other = FileSink::open(home.path()).unwrap();
    let (first, second) = (contract::event(1, 1), contract::event(2, 1));
    one.write(std::slice::from_ref(&first)).await.unwrap();
    other.write(std::slice::from_ref(&second)).await.unwrap();
    let mut found = events_in(home.path()).unwrap();
    found.sort_unstable();
    assert_eq!(found, [text(&first), text(&second)]);

    // What a crash in the middle of a write leaves, in the newest segment.
    let mut segments: Vec<PathBuf> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort_unstable();
    let last = segments.pop().unwrap();
    let torn = [std::fs::read(&last).unwrap(), b"{\"half".to_vec()].concat();
    std::fs::write(&last, torn).unwrap();
    let next = FileSink::open(home.path()).unwrap();
    let third = contract::event(3, 1);
    next.write(std::slice::from_ref(&third)).await.unwrap();
    let mut found = events_in(home.path()).unwrap();
    found.sort_unstable();
    assert_eq!(found, [text(&first), text(&second), text(&third)]);
}

#[tokio::test]
async fn a_full_segment_is_followed_by_another() {
    let home = tempfile::tempdir().unwrap();
    let sink = FileSink::with_limits(home.path(), Limits { bytes: 2000 }).unwrap();
    let events: Vec<_> = (0..20).map(|at| contract::event(at, 400)).collect();
    for event in &events {
        sink.write(std::slice::from_ref(event)).await.unwrap();
    }
    let segments = std::fs::read_dir(home.path()).unwrap().count();
    assert!((4..=8).contains(&segments), "{segments}");
    let wanted: Vec<String> = events.iter().map(text).collect();
    assert_eq!(events_in(home.path()).unwrap(), wanted);
}

#[tokio::test]
async fn a_folder_that_is_gone_is_denied_and_taken_up_again_when_it_is_back() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("sink");
    let sink = FileSink::with_limits(&folder, Limits { bytes: 1 }).unwrap();
    sink.write(&[contract::event(1, 1)]).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let error = sink.write(&[contract::event(2, 1)]).await.unwrap_err();
    assert!(matches!(error, SinkError::Denied { .. }), "{error}");
    std::fs::create_dir(&folder).unwrap();
    let third = contract::event(3, 1);
    sink.write(std::slice::from_ref(&third)).await.unwrap();
    assert_eq!(events_in(&folder).unwrap(), [text(&third)]);
}

#[test]
fn a_folder_that_cannot_be_made_is_said_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let opened = FileSink::open(&file.path().join("below"));
    assert!(matches!(opened, Err(SinkError::Denied { .. })));
}

fn text(event: &evergraph::domain::notification::event::Event) -> String {
    String::from_utf8(event.json.to_vec()).unwrap()
}
