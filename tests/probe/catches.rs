//! Each case has a wrong receiver that it finds out, and finds nothing in a right one.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use evergraph::cli::probe::{Verdict, catalogue};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::receiver::{Reading, Seen, Twist, echo, plain, receiver, report};

fn raw_token(seen: &Seen) -> &str {
    let query = seen.uri.query().unwrap_or_default();
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("validationToken="))
        .unwrap_or_default()
}

/// The twist for handshakes alone.
fn shaken(seen: &Seen, answer: impl FnOnce(&str) -> Response) -> Option<Response> {
    let token = seen.token.as_deref().filter(|_| seen.is_handshake())?;
    Some(answer(token))
}

/// A refusal of notifications of which an item is so.
fn if_any(seen: &Seen, status: u16, bad: impl Fn(&Value) -> bool) -> Option<Response> {
    let any = seen.token.is_none() && seen.items().iter().any(bad);
    any.then(|| plain(status, ""))
}

fn if_so(bad: bool, status: u16) -> Option<Response> {
    bad.then(|| plain(status, ""))
}

type Row = (&'static [&'static str], Twist);

const HANDSHAKES: &[Row] = &[
    (
        &["handshake.real", "handshake.plus-signs", "strain.alive"],
        |seen| shaken(seen, |_| echo(raw_token(seen))),
    ),
    (&["handshake.plus-signs"], |seen| {
        shaken(seen, |_| {
            echo(percent_decode_str(raw_token(seen)).decode_utf8_lossy())
        })
    }),
    (&["handshake.lower-case-escapes"], |seen| {
        let lower = raw_token(seen).contains("%3a");
        shaken(seen, |token| {
            echo(if lower { raw_token(seen) } else { token })
        })
    }),
    (&["handshake.upper-case-escapes"], |seen| {
        if_so(raw_token(seen).contains("%3A"), 400)
    }),
    (&["handshake.reserved-characters"], |seen| {
        shaken(seen, |token| echo(token.split('&').next().unwrap()))
    }),
    (&["handshake.decoded-once"], |seen| {
        shaken(seen, |token| {
            echo(percent_decode_str(token).decode_utf8_lossy())
        })
    }),
    (&["handshake.long", "handshake.huge"], |seen| {
        shaken(seen, |token| {
            echo(token.chars().take(1_000).collect::<String>())
        })
    }),
    (&["handshake.real", "handshake.twice"], |seen| {
        shaken(seen, |token| axum::Json(token.to_owned()).into_response())
    }),
    (&["handshake.real"], |seen| {
        shaken(seen, |token| plain(202, token))
    }),
    (&["handshake.real"], |seen| {
        shaken(seen, |token| echo(format!("{token}\n")))
    }),
    (&["handshake.no-page", "handshake.real"], |seen| {
        shaken(seen, |token| {
            axum::response::Html(token.to_owned()).into_response()
        })
    }),
    (&["handshake.empty-user-agent"], |seen| {
        if_so(seen.header("user-agent").is_empty(), 403)
    }),
    (&["handshake.content-types"], |seen| {
        let plain = seen.header("content-type").starts_with("text/plain");
        if_so(seen.token.is_some() && !plain, 415)
    }),
    (&["handshake.some-body"], |seen| {
        if_so(seen.is_handshake() && !seen.body.is_empty(), 400)
    }),
    (&["handshake.get", "delivery.get"], |seen| {
        if_so(seen.method == Method::GET, 500)
    }),
    (&["handshake.with-notifications"], |seen| {
        seen.token.as_deref().map(echo)
    }),
    (&["handshake.no-sniffing"], |seen| {
        shaken(seen, |token| plain(200, token))
    }),
    (&["handshake.header-injection"], |seen| {
        shaken(seen, |token| {
            let mut answer = echo(token);
            if token.contains("\r\nX-Probe-Injected: 1\r\n") {
                let value = "1".parse().unwrap();
                answer.headers_mut().insert("x-probe-injected", value);
            }
            answer
        })
    }),
    (&["handshake.huge"], |seen| {
        if_so(
            seen.token.as_ref().is_some_and(|token| token.len() > 8_000),
            500,
        )
    }),
    (&["handshake.bad-encoding"], |seen| {
        let token = raw_token(seen);
        if_so(token.contains("%ff") || token.contains("%zz"), 500)
    }),
];

const DELIVERIES: &[Row] = &[
    (&["delivery.no-token"], |seen| {
        if_so(
            seen.uri
                .query()
                .is_some_and(|query| query.ends_with("Token=")),
            500,
        )
    }),
    (
        &[
            "delivery.unknown-subscription",
            "delivery.mixed",
            "delivery.content-types",
        ],
        |seen| if_any(seen, 404, |_| true),
    ),
    (&["delivery.unknown-subscription"], |seen| {
        if_any(seen, 503, |_| true)
    }),
    (&["delivery.unknown-subscription"], |seen| {
        if_any(seen, 302, |_| true)
    }),
    (&["delivery.lifecycle", "delivery.mixed"], |seen| {
        if_any(seen, 400, |item| item["resource"].is_null())
    }),
    (&["delivery.mixed"], |seen| {
        let tenants: BTreeSet<String> = seen
            .items()
            .iter()
            .map(|item| item["tenantId"].to_string())
            .collect();
        if_so(tenants.len() > 1, 400)
    }),
    (&["delivery.batch", "strain.many-items"], |seen| {
        if_so(seen.items().len() > 50, 413)
    }),
    (&["delivery.replay"], |seen| {
        static FIRST: std::sync::OnceLock<()> = std::sync::OnceLock::new();
        let again = FIRST.set(()).is_err();
        if_any(seen, 409, |item| {
            again && item["resourceData"]["id"] == "probe-replay"
        })
    }),
    (&["delivery.chunked"], |seen| {
        if_so(seen.headers.contains_key("transfer-encoding"), 411)
    }),
    (&["delivery.content-types"], |seen| {
        let odd = !seen.header("content-type").ends_with("utf-8");
        if_so(seen.token.is_none() && odd, 415)
    }),
    (&["delivery.no-tenant"], |seen| {
        if_any(seen, 400, |item| item["tenantId"] == "")
    }),
    (&["delivery.organization-id"], |seen| {
        if_any(seen, 400, |item| item["tenantId"].is_null())
    }),
    (&["delivery.moments"], |seen| {
        if_any(seen, 400, |item| {
            let at = item["subscriptionExpirationDateTime"].as_str().unwrap();
            !at.ends_with("0Z")
        })
    }),
    (&["delivery.paths"], |seen| {
        if_any(seen, 400, |item| {
            item["resource"]
                .as_str()
                .is_some_and(|path| path.contains('('))
        })
    }),
    (&["delivery.sequence-numbers"], |seen| {
        if_any(seen, 400, |item| {
            item["resourceData"]["sequenceNumber"].as_i64().unwrap_or(0) > 1 << 53
        })
    }),
    (&["delivery.unknown-members"], |seen| {
        if_any(seen, 400, |item| !item["futureMember"].is_null())
    }),
    (&["delivery.no-resource-data"], |seen| {
        if_any(seen, 400, |item| {
            item["resourceData"].is_null() && !item["resource"].is_null()
        })
    }),
    (&["delivery.garbage"], |seen| {
        if_so(seen.token.is_none() && seen.json().is_none(), 500)
    }),
    (&["delivery.wrong-types"], |seen| {
        if_any(seen, 500, |item| item["clientState"].is_object())
    }),
    (&["delivery.empty-batch"], |seen| {
        let empty = seen.items().is_empty() && !seen.body.is_empty();
        if_so(empty, 500)
    }),
    (&["delivery.wrong-method"], |seen| {
        if_so(seen.method == Method::PUT, 202)
    }),
];

const FORGERIES: &[Row] = &[
    (&["forgery.client-state", "forgery.constant"], |seen| {
        if_any(seen, 401, |item| item["clientState"] == "wrong")
    }),
    (&["forgery.hostile-ids"], |seen| {
        if_any(seen, 500, |item| {
            item["subscriptionId"].as_str().unwrap().contains('\0')
        })
    }),
    (&["forgery.tokens"], |seen| {
        let body = seen.json().unwrap_or_default();
        if_so(body.get("validationTokens") == Some(&Value::Null), 500)
    }),
    (&["forgery.unknown-key"], |seen| {
        let body = seen.json().unwrap_or_default();
        if_so(body["validationTokens"][0].is_string(), 401)
    }),
    (&["forgery.damaged-envelope"], |seen| {
        if_any(seen, 500, |item| item["encryptedContent"]["data"] == "***")
    }),
    (&["forgery.no-echo"], |seen| {
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        seen.token.is_none().then(|| plain(202, body))
    }),
    (&["forgery.constant"], |seen| {
        let rich = seen
            .json()
            .is_some_and(|body| body.get("validationTokens").is_some());
        rich.then(|| plain(202, "no valid token"))
    }),
    (&["strain.deep-nesting"], |seen| {
        if_so(seen.body.starts_with(b"[[["), 500)
    }),
    (&["strain.burst", "strain.slow-body"], |seen| {
        if_any(seen, 400, |item| {
            let id = item["resourceData"]["id"].as_str();
            matches!(id, Some("probe-burst" | "probe-slow"))
        })
    }),
];

async fn check_caught(cases: &[&str], twist: Twist, reading: Reading) {
    let report = report(receiver(twist, reading).await, cases).await;
    for case in &report.cases {
        assert_ne!(case.verdict, Verdict::Pass, "{} saw {}", case.id, case.seen);
    }
    assert!(report.cases.len() >= cases.len(), "{cases:?}");
    assert!(!report.is_clean(false), "{cases:?}");
}

#[tokio::test]
async fn handshakes_of_wrong_receivers_are_found_out() {
    for (cases, twist) in HANDSHAKES {
        check_caught(cases, *twist, Reading::Patient).await;
    }
}

#[tokio::test]
async fn deliveries_to_wrong_receivers_are_found_out() {
    for (cases, twist) in DELIVERIES {
        check_caught(cases, *twist, Reading::Patient).await;
    }
}

#[tokio::test]
async fn receivers_that_believe_or_betray_are_found_out() {
    for (cases, twist) in FORGERIES {
        check_caught(cases, *twist, Reading::Patient).await;
    }
}

const READERS: &[(&str, Reading)] = &[
    ("strain.stalled-body", Reading::Endless),
    ("strain.stalled-neighbour", Reading::InTurn),
    ("strain.oversize", Reading::Unbounded),
];

#[tokio::test]
async fn receivers_that_wait_without_end_are_found_out() {
    let readers = READERS
        .iter()
        .map(|(case, reading)| async { check_caught(&[*case], |_| None, *reading).await });
    futures::future::join_all(readers).await;
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_too_late() {
    let late: Twist = |seen| {
        if seen.token.is_none() {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current()
                    .block_on(tokio::time::sleep(Duration::from_millis(3_100)));
            });
        }
        None
    };
    let url = std::thread::spawn(move || {
        // A runtime of its own: this receiver blocks a thread of it.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let url = runtime.block_on(receiver(late, Reading::Patient));
        std::mem::forget(runtime);
        url
    });
    let report = report(url.join().unwrap(), &["delivery.unknown-subscription"]).await;
    assert_eq!(report.failed, 1, "{}", report.text());
    assert!(report.cases[0].seen.contains("later than three seconds"));
}

#[tokio::test]
async fn a_right_receiver_passes_every_case() {
    let url = receiver(|_| None, Reading::Patient).await;
    let report = report(url, &[]).await;
    assert!(report.is_clean(false), "{}", report.text());
    assert_eq!(report.cases.len(), catalogue().len());
    assert!(report.requests <= 150, "{}", report.requests);
}

#[test]
fn every_case_has_a_receiver_that_it_finds_out() {
    let tables = [HANDSHAKES, DELIVERIES, FORGERIES];
    let mut caught: BTreeSet<&str> = tables
        .iter()
        .flat_map(|table| table.iter().flat_map(|(cases, _)| cases.iter().copied()))
        .collect();
    caught.extend(READERS.iter().map(|(case, _)| *case));
    let all: BTreeSet<&str> = catalogue().iter().map(|case| case.id).collect();
    assert_eq!(caught, all);
}
