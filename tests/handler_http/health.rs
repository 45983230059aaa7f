//! Anybody asks whether all is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergraph::http::Handler;
use evergraph::ports::state::{DocName, LeaseId, StateError, StateStore, Stored, Version};

use crate::ask::{ENVELOPE, ask, bare, get, parts, post, ready};
use crate::fleet::{Fleet, mailboxes};

async fn check_health(handler: &Handler, wanted: &str) {
    // An answer is reused for two seconds.
    tokio::time::sleep(Duration::from_millis(2001)).await;
    let answer = get(handler, "/api/health").await;
    let status = match wanted {
        "ok" => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    assert_eq!((answer.status, answer.text()), (status, wanted));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test(start_paused = true)]
async fn health_follows_the_passes() {
    let fleet = Fleet::new(mailboxes(2));
    let handler = ready(&fleet);
    check_health(&handler, "stale").await;
    post(&handler, "/renew", ENVELOPE).await.logs();
    check_health(&handler, "ok").await;
    fleet.jump(14);
    check_health(&handler, "ok").await;
    fleet.jump(2);
    check_health(&handler, "stale").await;
    post(&handler, "/renew", ENVELOPE).await.logs();
    check_health(&handler, "ok").await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_without_its_parts_is_stale_but_may_take_a_moment_to_start() {
    let fleet = Fleet::new(mailboxes(1));
    fleet.tick().await;
    let handler = bare();
    check_health(&handler, "stale").await;
    let soon = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        handler.ready(parts(&fleet));
    };
    tokio::join!(check_health(&handler, "ok"), soon);
    let broken = bare();
    broken.failed("no settings");
    check_health(&broken, "stale").await;
}

/// A store that can do nothing but read, and counts that.
struct ReadOnly {
    reads: AtomicUsize,
    inner: Arc<dyn StateStore>,
    answers: bool,
}

#[async_trait::async_trait]
impl StateStore for ReadOnly {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn lease_terms(&self) -> (Duration, Duration) {
        self.inner.lease_terms()
    }

    async fn read(&self, name: &DocName) -> Result<Option<Stored>, StateError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if !self.answers {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.inner.read(name).await
    }

    async fn create(&self, _: &DocName, _: Vec<u8>) -> Result<Version, StateError> {
        panic!("health only reads");
    }

    async fn write(
        &self,
        _: &DocName,
        _: Vec<u8>,
        _: &Version,
        _: Option<&LeaseId>,
    ) -> Result<Version, StateError> {
        panic!("health only reads");
    }

    async fn put(&self, _: &DocName, _: Vec<u8>) -> Result<(), StateError> {
        panic!("health only reads");
    }

    async fn delete(&self, _: &DocName) -> Result<(), StateError> {
        panic!("health only reads");
    }

    async fn list(&self, _: &str, _: usize) -> Result<Vec<DocName>, StateError> {
        panic!("health only reads");
    }

    async fn acquire(&self, _: &DocName, _: Duration) -> Result<LeaseId, StateError> {
        panic!("health only reads");
    }

    async fn renew(&self, _: &DocName, _: &LeaseId) -> Result<(), StateError> {
        panic!("health only reads");
    }

    async fn release(&self, _: &DocName, _: &LeaseId) -> Result<(), StateError> {
        panic!("health only reads");
    }
}

async fn over_read_only(answers: bool) -> (Handler, Arc<ReadOnly>) {
    let fleet = Fleet::new(mailboxes(1));
    fleet.tick().await;
    let store = Arc::new(ReadOnly {
        reads: AtomicUsize::new(0),
        inner: Arc::new(fleet.store.clone()),
        answers,
    });
    let mut parts = parts(&fleet);
    parts.services.store = Arc::clone(&store) as _;
    let handler = bare();
    handler.ready(parts);
    (handler, store)
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_questions_is_one_read_each_two_seconds() {
    let (handler, store) = over_read_only(true).await;
    for round in 1..=3 {
        let flood = (0..500).map(|_| get(&handler, "/api/health"));
        for answer in futures::future::join_all(flood).await {
            assert_eq!(answer.text(), "ok");
        }
        assert_eq!(store.reads.load(Ordering::SeqCst), round);
        tokio::time::sleep(Duration::from_millis(2001)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn askers_who_hang_up_do_not_begin_a_read_each() {
    let (handler, store) = over_read_only(true).await;
    for _ in 0..50 {
        let asked = get(&handler, "/api/health");
        let hung_up = tokio::time::timeout(Duration::from_millis(1), asked).await;
        assert!(hung_up.is_err());
    }
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
    assert_eq!(get(&handler, "/api/health").await.text(), "ok");
    tokio::time::sleep(Duration::from_millis(1800)).await;
    assert_eq!(get(&handler, "/api/health").await.text(), "ok");
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_stale_in_time() {
    let (handler, store) = over_read_only(false).await;
    let asked = tokio::time::Instant::now();
    let flood = (0..100).map(|_| get(&handler, "/api/health"));
    for answer in futures::future::join_all(flood).await {
        assert_eq!(answer.text(), "stale");
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(asked.elapsed() <= Duration::from_secs(5));
    assert_eq!(store.reads.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn health_is_asked_with_get_or_head() {
    let fleet = Fleet::new(mailboxes(1));
    fleet.tick().await;
    let handler = ready(&fleet);
    let head = Request::head("/api/health").body(Body::empty()).unwrap();
    let answer = ask(&handler, head).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    let answer = post(&handler, "/api/health", "x").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let answer = get(&handler, "/api/health/").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
