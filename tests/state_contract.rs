//! One contract, three stores: memory and files always, Blob Storage where Azurite runs.
//!
//! `cargo xtask test` starts Azurite and names it in `EVERGRAPH_TEST_AZURITE`, as the URL of
//! an account with a SAS. Without it the tests of Blob Storage say that they were left out.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evergraph::adapters::state::blob::BlobStore;
use evergraph::adapters::state::contract;
use evergraph::adapters::state::file::FileStore;
use evergraph::adapters::state::memory::MemoryStore;
use evergraph::ports::state::{DocName, LeaseId, StateError, StateStore};

macro_rules! contract_tests {
    ($($clause:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $clause() {
                let store = MemoryStore::new();
                contract::$clause(&store, &store.clone()).await;
            })*
        }

        mod file {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let home = tempfile::tempdir().unwrap();
                // Two handles that share nothing but the directory, as two processes do.
                let one = FileStore::open(home.path()).unwrap();
                let other = FileStore::open(home.path()).unwrap();
                contract::$clause(&one, &other).await;
            })*
        }

        mod azurite {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let Some(url) = fresh_container(stringify!($clause)) else { return };
                let one = BlobStore::open(&url, None).unwrap();
                let other = BlobStore::open(&url, None).unwrap();
                contract::$clause(&one, &other).await;
            })*
        }
    };
}

contract_tests! {
    carries_any_bytes,
    creates_once_among_racers,
    keeps_others_out_of_a_lease,
    lets_leases_lapse,
    lists_names_in_order,
    loses_no_increment,
    outlives_dropped_calls,
    puts_and_deletes_again,
    refuses_a_former_holder,
    refuses_terms_it_cannot_keep,
    shows_no_half_document,
    writes_only_the_version_read,
}

/// The URL of a container that nobody used before. It does not exist yet.
fn fresh_container(test: &str) -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    #[expect(
        clippy::disallowed_methods,
        reason = "xtask names Azurite to the tests"
    )]
    let Ok(account) = std::env::var("EVERGRAPH_TEST_AZURITE") else {
        println!("left out: {test} needs Azurite; run `cargo xtask test`");
        return None;
    };
    let (endpoint, sas) = account.split_once('?').unwrap();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    Some(format!("{endpoint}/state-{process}-{number}?{sas}"))
}

fn name(text: &str) -> DocName {
    DocName::parse(text).unwrap()
}

#[tokio::test]
async fn a_container_is_made_when_it_is_first_written() {
    let Some(url) = fresh_container("a_container_is_made_when_it_is_first_written") else {
        return;
    };
    let store = BlobStore::open(&url, None).unwrap();
    let doc = name("shards/0.json");
    assert_eq!(store.read(&doc).await.unwrap(), None);
    assert_eq!(store.list("", 10).await.unwrap(), []);
    store.delete(&doc).await.unwrap();
    let term = store.lease_terms().0;
    let early = store.acquire(&doc, term).await;
    assert!(matches!(early, Err(StateError::Absent { .. })), "{early:?}");

    let racers = [store.clone(), BlobStore::open(&url, None).unwrap()];
    let put = |store: BlobStore, text: &'static str| async move {
        store.put(&name(text), b"{}".to_vec()).await
    };
    let [one, other] = racers;
    let (one, other) = tokio::join!(put(one, "wake/a"), put(other, "wake/b"));
    one.unwrap();
    other.unwrap();
    assert_eq!(
        store.list("wake/", 10).await.unwrap(),
        [name("wake/a"), name("wake/b")]
    );
}

#[tokio::test]
async fn a_bad_sas_is_denied_with_a_remedy_and_never_shown() {
    let Some(url) = fresh_container("a_bad_sas_is_denied_with_a_remedy_and_never_shown") else {
        return;
    };
    let (path, _) = url.split_once("&sig=").unwrap();
    let store = BlobStore::open(&format!("{path}&sig=c2VjcmV0"), None).unwrap();
    let error = store.read(&name("a")).await.unwrap_err();
    assert!(matches!(error, StateError::Denied { .. }), "{error}");
    assert!(error.to_string().contains("SAS"), "{error}");
    assert!(!format!("{error:?} {}", store.place()).contains("c2VjcmV0"));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_unavailable_and_its_sas_stays_hidden() {
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/devstoreaccount1/state?sig=c2VjcmV0");
    let store = BlobStore::open(&url, None).unwrap();
    let error = store.put(&name("a"), Vec::new()).await.unwrap_err();
    assert!(matches!(error, StateError::Unavailable { .. }), "{error}");
    assert!(!format!("{error:?}").contains("c2VjcmV0"), "{error:?}");
}

/// Paused time leaps over the wait as soon as nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_given_up_in_time_for_another_renewal() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/devstoreaccount1/state?sig=c2VjcmV0");
    let store = BlobStore::open(&url, None).unwrap();
    let began = tokio::time::Instant::now();
    let renewal = store.renew(&name("a"), &LeaseId("x".into())).await;
    assert!(
        matches!(renewal, Err(StateError::Unavailable { .. })),
        "{renewal:?}"
    );
    assert!(began.elapsed() < store.lease_terms().0 / 3);
    let write = store.put(&name("a"), b"1".to_vec()).await;
    assert!(
        matches!(write, Err(StateError::Unavailable { .. })),
        "{write:?}"
    );
}

/// Tells the child process of the test below which directory to write to.
const CRASH_HOME: &str = "EVERGRAPH_TEST_CRASH_HOME";

/// A document that shows whether it is whole: its number in every line, as many lines as it says.
fn numbered(number: u64) -> Vec<u8> {
    let lines = 1000 + number % 17 * 1000;
    let body = format!("{number}\n").repeat(usize::try_from(lines).unwrap());
    format!("{number} {lines}\n{body}").into_bytes()
}

#[track_caller]
fn whole_number(bytes: &[u8]) -> u64 {
    let text = std::str::from_utf8(bytes).unwrap();
    let number = text.split(' ').next().unwrap().parse().unwrap();
    assert!(bytes == numbered(number), "document {number} is not whole");
    number
}

async fn write_next(store: &FileStore) -> u64 {
    let (counter, leased) = (name("shards/0.json"), name("shards/leased.json"));
    let found = store.read(&counter).await.unwrap().unwrap();
    let number = whole_number(&found.bytes) + 1;
    let written = store.write(&counter, numbered(number), &found.version, None);
    written.await.unwrap();
    if let Ok(lease) = store.acquire(&leased, store.lease_terms().0).await {
        store.renew(&leased, &lease).await.unwrap();
        store.release(&leased, &lease).await.unwrap();
    }
    number
}

/// By itself a short test of the writer; as a child process, the victim of the test below.
#[tokio::test]
async fn a_writer_counts_up() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the parent process names the directory"
    )]
    let Some(home) = std::env::var_os(CRASH_HOME) else {
        let home = tempfile::tempdir().unwrap();
        let store = started(home.path()).await;
        assert_eq!(write_next(&store).await, 1);
        assert_eq!(write_next(&store).await, 2);
        return;
    };
    let store = FileStore::open(Path::new(&home)).unwrap();
    loop {
        let number = write_next(&store).await;
        let mut out = std::io::stdout().lock();
        writeln!(out, "wrote {number}").unwrap();
        out.flush().unwrap();
    }
}

async fn started(home: &Path) -> FileStore {
    let store = FileStore::open(home).unwrap();
    for text in ["shards/0.json", "shards/leased.json"] {
        store.create(&name(text), numbered(0)).await.unwrap();
    }
    store
}

/// Starts a writer, kills it (SIGKILL) some time after its first write, and returns the last number it told.
async fn killed_writer(home: &Path, after: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_writer_counts_up", "--nocapture"])
        .env(CRASH_HOME, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = || {
        lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("wrote ")?.parse().ok())
    };
    let mut last = told().unwrap();
    tokio::time::sleep(after).await;
    child.kill().unwrap();
    child.wait().unwrap();
    while let Some(number) = told() {
        last = number;
    }
    last
}

#[tokio::test]
async fn a_writer_killed_anywhere_leaves_whole_documents_and_keeps_what_it_told() {
    let home = tempfile::tempdir().unwrap();
    let store = started(home.path()).await;
    let mut dice = fastrand::Rng::with_seed(20_261_125);
    let (mut kills, mut in_the_middle) = (0, 0);
    while kills < 15 || in_the_middle < 3 {
        let told = killed_writer(home.path(), Duration::from_micros(dice.u64(0..15_000))).await;
        kills += 1;
        in_the_middle += u32::from(home.path().join(".next").exists());
        assert!(kills < 300, "no kill fell into a write");

        let found = store.read(&name("shards/0.json")).await.unwrap().unwrap();
        let number = whole_number(&found.bytes);
        let lawful = told..=told + 1;
        assert!(lawful.contains(&number), "told {told}, found {number}");
        let leased = name("shards/leased.json");
        match store.acquire(&leased, store.lease_terms().0).await {
            Ok(lease) => store.release(&leased, &lease).await.unwrap(),
            Err(StateError::Held { .. }) => {}
            Err(error) => panic!("after a kill: {error}"),
        }
    }
}
