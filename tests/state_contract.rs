//! One contract, three stores: memory and files always, Blob Storage where Azurite runs.
//!
//! `cargo xtask test` starts Azurite and names it in `EVERGRAPH_TEST_AZURITE`, as the URL of
//! an account with a SAS. Without it the tests of Blob Storage say that they were left out.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::sync::atomic::{AtomicU32, Ordering};

use evergraph::adapters::state::blob::BlobStore;
use evergraph::adapters::state::contract;
use evergraph::adapters::state::file::FileStore;
use evergraph::adapters::state::memory::MemoryStore;
use evergraph::ports::state::{DocName, StateError, StateStore};

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
