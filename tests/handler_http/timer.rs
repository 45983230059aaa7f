//! The host calls the timer function.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergraph::domain::subscription::{Declaration, DesiredSet};
use evergraph::http::HandlerParts;
use evergraph::ports::desired::DesiredSource;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::ask::{ENVELOPE, ask, bare, get, parts, post, ready};
use crate::fleet::{Fleet, mailboxes};

/// A declaration that a pass can read only when the test lets it.
struct Gated {
    gate: Semaphore,
    asked: AtomicUsize,
    answer: Box<dyn Fn() -> Declaration + Send + Sync>,
}

impl Gated {
    fn new(answer: impl Fn() -> Declaration + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(0),
            asked: AtomicUsize::new(0),
            answer: Box::new(answer),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl DesiredSource for Gated {
    fn place(&self) -> String {
        "a test".to_owned()
    }

    async fn read(&self) -> Declaration {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        (self.answer)()
    }
}

fn parts_with(fleet: &Fleet, desired: Arc<Gated>) -> HandlerParts {
    let mut parts = parts(fleet);
    parts.services.desired = desired;
    parts
}

fn boxes(count: usize) -> Declaration {
    Declaration::Read(DesiredSet::of(mailboxes(count)))
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_runs_a_pass_and_tells_it_in_log_lines() {
    let fleet = Fleet::new(mailboxes(3));
    let handler = ready(&fleet);
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(
        logs[0].starts_with("pass complete; renewed 0, created 3,"),
        "{logs:#?}"
    );
    assert_eq!(
        logs.iter()
            .filter(|line| line.starts_with("create box-"))
            .count(),
        3,
        "{logs:#?}"
    );
    assert_eq!(fleet.live().len(), 3);
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].starts_with("pass nothing was due"), "{logs:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_lowers_the_mode_is_told_with_its_advice() {
    let fleet = Fleet::new(mailboxes(1));
    fleet.break_declaration("subscriptions.toml:3: no such key");
    let logs = post(&ready(&fleet), "/renew", ENVELOPE).await.logs();
    assert!(
        logs.iter()
            .any(|line| line.contains("subscriptions.toml:3") && line.contains("evergraph check")),
        "{logs:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_missed_is_served_and_named() {
    let fleet = Fleet::new(mailboxes(1));
    let body = ENVELOPE.replace("\"IsPastDue\":false", "\"IsPastDue\":true");
    let logs = post(&ready(&fleet), "/renew", body).await.logs();
    assert_eq!(fleet.live().len(), 1);
    assert_eq!(logs.last().unwrap(), "the timer was past due");
}

#[track_caller]
fn check_no_pass(fleet: &Fleet, logs: &[String], words: &str) {
    assert!(logs[0].contains(words), "{words}: {logs:#?}");
    assert!(logs[0].contains("no pass was run"), "{logs:#?}");
    assert!(fleet.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_readable_envelope_changes_nothing_and_is_answered() {
    let fleet = Fleet::new(mailboxes(1));
    let handler = ready(&fleet);
    for (body, words) in [
        (Vec::new(), "no body"),
        (b" \r\n".to_vec(), "no JSON"),
        (b"{".to_vec(), "no JSON"),
        (b"\xff\xfe".to_vec(), "no JSON"),
        (b"null".to_vec(), "no envelope"),
        (b"{}".to_vec(), "no envelope"),
        (b"[{\"Data\":{}}]".to_vec(), "no envelope"),
        (vec![b' '; 1024 * 1024 + 1], "more than 1048576 bytes"),
    ] {
        let logs = post(&handler, "/renew", body).await.logs();
        check_no_pass(&fleet, &logs, words);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_reaches_the_timer_through_the_proxy_or_from_a_page() {
    let fleet = Fleet::new(mailboxes(1));
    let handler = ready(&fleet);
    for name in [
        "x-ms-invocation-id",
        "X-MS-INVOCATION-ID",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "x-forwarded-prefix",
        "Forwarded",
        "Origin",
    ] {
        let request = Request::post("/renew")
            .header("User-Agent", "Azure-Functions-Host/4.1037.0.0")
            .header(name, "")
            .body(Body::from(ENVELOPE))
            .unwrap();
        let answer = ask(&handler, request).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
        assert!(answer.body.is_empty(), "{name}");
    }
    assert!(fleet.live().is_empty());
}

#[tokio::test]
async fn only_a_post_to_exactly_this_path_is_a_call() {
    let fleet = Fleet::new(mailboxes(1));
    let handler = ready(&fleet);
    let answer = get(&handler, "/renew").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    for other in [
        "/Renew",
        "/renew/",
        "//renew",
        "/%72enew",
        "/api/renew",
        "/renew/x",
        "/api",
        "/admin/functions/renew",
    ] {
        let answer = post(&handler, other, ENVELOPE).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{other}");
    }
    assert!(fleet.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_starting_answers_and_does_not_lose_a_call_that_can_wait() {
    let fleet = Fleet::new(mailboxes(1));
    let handler = bare();
    let answer = get(&handler, "/").await;
    assert_eq!(
        (answer.status, answer.text()),
        (StatusCode::OK, "evergraph\n")
    );

    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].contains("still starting"), "{logs:?}");

    let call = post(&handler, "/renew", ENVELOPE);
    let soon = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        handler.ready(parts(&fleet));
    };
    let (answer, ()) = tokio::join!(call, soon);
    assert!(answer.logs()[0].starts_with("pass complete"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_could_not_start_says_why_until_it_can() {
    let fleet = Fleet::new(mailboxes(1));
    let handler = bare();
    handler.failed("EVERGRAPH_STATE names no container");
    assert_eq!(get(&handler, "/").await.status, StatusCode::OK);
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert_eq!(
        logs,
        ["no pass was run: the handler could not start: EVERGRAPH_STATE names no container"]
    );
    handler.ready(parts(&fleet));
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].starts_with("pass complete"), "{logs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_second_call_does_not_start_a_second_pass() {
    let fleet = Fleet::new(Vec::new());
    let desired = Gated::new(|| boxes(2));
    let handler = bare();
    handler.ready(parts_with(&fleet, Arc::clone(&desired)));
    let second = async {
        settle().await;
        let logs = post(&handler, "/renew", ENVELOPE).await.logs();
        assert!(logs[0].contains("a pass is running"), "{logs:?}");
        assert_eq!(desired.asked(), 1);
        desired.gate.add_permits(1);
    };
    let (first, ()) = tokio::join!(post(&handler, "/renew", ENVELOPE), second);
    assert!(first.logs()[0].contains("created 2"));
}

#[tokio::test(start_paused = true)]
async fn a_pass_goes_on_when_the_host_hangs_up() {
    let fleet = Fleet::new(Vec::new());
    let desired = Gated::new(|| boxes(2));
    let handler = bare();
    handler.ready(parts_with(&fleet, Arc::clone(&desired)));
    let request = Request::post("/renew").body(Body::from(ENVELOPE)).unwrap();
    let call = handler.router().oneshot(request);
    let hung_up = tokio::time::timeout(Duration::from_secs(1), call).await;
    assert!(hung_up.is_err(), "the pass waits for its declaration");
    desired.gate.add_permits(1);
    settle().await;
    assert_eq!(fleet.live().len(), 2);
    desired.gate.add_permits(1);
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].starts_with("pass nothing was due"), "{logs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_breaks_is_told_and_the_next_one_runs() {
    let fleet = Fleet::new(Vec::new());
    let broken = Arc::new(AtomicUsize::new(0));
    let first = Arc::clone(&broken);
    let desired = Gated::new(move || {
        assert!(first.fetch_add(1, Ordering::SeqCst) > 0, "out of order");
        boxes(1)
    });
    desired.gate.add_permits(2);
    let handler = bare();
    handler.ready(parts_with(&fleet, desired));
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(
        logs[0].contains("a fault of this program: out of order"),
        "{logs:?}"
    );
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].contains("created 1"), "{logs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_does_not_end_is_dropped_before_the_host_kills_us() {
    let fleet = Fleet::new(Vec::new());
    let desired = Gated::new(|| boxes(1));
    let handler = bare();
    handler.ready(parts_with(&fleet, Arc::clone(&desired)));
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].contains("dropped after 570 s"), "{logs:?}");
    desired.gate.add_permits(1);
    let logs = post(&handler, "/renew", ENVELOPE).await.logs();
    assert!(logs[0].contains("created 1"), "{logs:?}");
}
