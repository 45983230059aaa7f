//! One contract, three places for the audit: memory and files always, Blob Storage where Azurite
//! runs.
//!
//! `cargo xtask test` starts Azurite and names it in `EVERGRAPH_TEST_AZURITE`, as the URL of
//! an account with a SAS. Without it the tests of Blob Storage say that they were left out.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "test file")]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use evergraph::adapters::audit::blob::BlobAudit;
use evergraph::adapters::audit::contract;
use evergraph::adapters::audit::file::{FileAudit, Limits};
use evergraph::adapters::audit::memory::MemoryAudit;
use evergraph::ports::audit::{Audit, AuditError, Book, Segment};
use jiff::civil::{Date, date};
use url::Url;

macro_rules! contract_tests {
    ($($clause:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let audit = MemoryAudit::default();
                contract::$clause(&audit, &audit.clone()).await;
            })*
        }

        mod file {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let home = tempfile::tempdir().unwrap();
                let one = FileAudit::new(home.path(), "one");
                let other = FileAudit::new(home.path(), "other");
                contract::$clause(&one, &other).await;
            })*
        }

        mod azurite {
            use super::*;
            $(#[tokio::test]
            async fn $clause() {
                let Some(url) = fresh_container(stringify!($clause)) else { return };
                let one = BlobAudit::open(&url, None, "one").unwrap();
                let other = BlobAudit::open(&url, None, "other").unwrap();
                contract::$clause(&one, &other).await;
            })*
        }
    };
}

contract_tests! {
    is_read_on_from_a_position,
    keeps_books_and_days_apart,
    removes_old_days,
    serves_two_writers,
    shows_lines_in_order,
    takes_lines_of_any_lawful_size,
}

const DAY: Date = date(2026, 9, 1);
const NEXT: Date = date(2026, 9, 2);

/// The URL of a container that nobody used before. It does not exist yet.
fn fresh_container(test: &str) -> Option<Url> {
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
    let url = format!("{endpoint}/audit-{process}-{number}?{sas}");
    Some(Url::parse(&url).unwrap())
}

async fn written(audit: &dyn Audit, text: &str) {
    let line = [text.to_owned()];
    audit.append(Book::Decisions, DAY, &line).await.unwrap();
}

async fn read(audit: &dyn Audit) -> (Vec<String>, u64) {
    let (mut lines, mut torn) = (Vec::new(), 0);
    for segment in audit.segments(Book::Decisions, None).await.unwrap() {
        let part = audit.read(&segment, 0).await.unwrap();
        lines.extend(part.lines);
        torn += part.torn;
    }
    (lines, torn)
}

async fn names(audit: &dyn Audit) -> Vec<String> {
    let segments = audit.segments(Book::Decisions, None).await.unwrap();
    segments.into_iter().map(|segment| segment.name).collect()
}

fn of_day(home: &Path) -> std::path::PathBuf {
    home.join("decisions").join(DAY.to_string())
}

#[tokio::test]
async fn a_torn_last_line_is_skipped_and_said_and_nobody_writes_behind_it() {
    let home = tempfile::tempdir().unwrap();
    let before = FileAudit::new(home.path(), "before");
    written(&before, "whole").await;
    let torn = of_day(home.path()).join("crashed-000001.jsonl");
    std::fs::write(&torn, "first\n{\"half").unwrap();
    let after = FileAudit::new(home.path(), "crashed-since");
    written(&after, "later").await;
    assert_eq!(
        read(&after).await,
        (["whole", "first", "later"].map(str::to_owned).to_vec(), 6)
    );
    assert_eq!(std::fs::read_to_string(torn).unwrap(), "first\n{\"half");
}

#[tokio::test]
async fn a_full_file_is_followed_by_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let audit = FileAudit::with_limits(home.path(), "w", Limits { bytes: 10 });
    for at in 0..5 {
        written(&audit, &format!("line {at}")).await;
    }
    assert_eq!(names(&audit).await, ["w-000001", "w-000002", "w-000003"]);
    assert_eq!(read(&audit).await.0.len(), 5);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_denied_and_taken_up_again_when_it_can() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("audit");
    std::fs::write(&place, "a file stands where the folder should be").unwrap();
    let audit = FileAudit::new(&place, "w");
    let line = ["lost".to_owned()];
    let refused = audit.append(Book::Decisions, DAY, &line).await;
    assert!(
        matches!(refused, Err(AuditError::Denied { .. })),
        "{refused:?}"
    );
    std::fs::remove_file(&place).unwrap();
    written(&audit, "well again").await;
    assert_eq!(read(&audit).await, (vec!["well again".to_owned()], 0));
}

#[tokio::test]
async fn what_others_left_in_the_folder_is_neither_shown_nor_removed() {
    let home = tempfile::tempdir().unwrap();
    let audit = FileAudit::new(home.path(), "w");
    written(&audit, "ours").await;
    let foreign = of_day(home.path()).join("minutes.txt");
    std::fs::write(&foreign, "of the meeting").unwrap();
    std::fs::write(home.path().join("decisions").join("README"), "x").unwrap();
    assert_eq!(names(&audit).await, ["w-000001"]);
    assert_eq!(audit.remove(Book::Decisions, NEXT).await, Ok(1));
    assert!(foreign.exists());
    assert_eq!(names(&audit).await, [""; 0]);
}

#[tokio::test]
async fn a_blob_with_enough_blocks_is_followed_by_the_next_one() {
    let Some(url) = fresh_container("a_blob_with_enough_blocks_is_followed_by_the_next_one") else {
        return;
    };
    let audit = BlobAudit::open(&url, None, "w").unwrap().with_blocks_max(2);
    for at in 0..5 {
        written(&audit, &format!("line {at}")).await;
    }
    assert_eq!(names(&audit).await, ["w-000001", "w-000002", "w-000003"]);
    assert_eq!(read(&audit).await.0.len(), 5);
}

/// As after a block that landed although its answer was lost: the position is another one.
#[tokio::test]
async fn a_blob_that_grew_behind_our_back_is_left_and_the_next_one_begun() {
    let Some(url) = fresh_container("a_blob_that_grew_behind_our_back") else {
        return;
    };
    let audit = BlobAudit::open(&url, None, "w").unwrap();
    written(&audit, "first").await;
    let mut blob = url.clone();
    let path = format!("{}/audit/decisions/{DAY}/w-000001.jsonl", url.path());
    blob.set_path(&path);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    blob.query_pairs_mut().append_pair("comp", "appendblock");
    let grown = http.put(blob).header("x-ms-version", "2024-11-04");
    let grown = grown.body("second\n").send().await.unwrap();
    assert_eq!(grown.status(), 201, "{grown:?}");

    let line = ["second".to_owned()];
    let failed = audit.append(Book::Decisions, DAY, &line).await;
    assert!(
        matches!(failed, Err(AuditError::Unavailable { .. })),
        "{failed:?}"
    );
    audit.append(Book::Decisions, DAY, &line).await.unwrap();
    assert_eq!(names(&audit).await, ["w-000001", "w-000002"]);
    assert_eq!(read(&audit).await.0, ["first", "second", "second"]);
}

#[tokio::test]
async fn nobody_answering_is_unavailable_and_the_sas_stays_hidden() {
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/devstoreaccount1/state?sig=c2VjcmV0");
    let audit = BlobAudit::open(&Url::parse(&url).unwrap(), None, "w").unwrap();
    let line = ["lost".to_owned()];
    let error = audit.append(Book::Decisions, DAY, &line).await.unwrap_err();
    assert!(matches!(error, AuditError::Unavailable { .. }), "{error}");
    let segment = Segment {
        book: Book::Decisions,
        day: DAY,
        name: "w-000001".to_owned(),
        bytes: 0,
    };
    let unread = audit.read(&segment, 0).await.unwrap_err();
    let said = format!("{error:?} {unread:?} {}", audit.place());
    assert!(!said.contains("c2VjcmV0"), "{said}");
}
