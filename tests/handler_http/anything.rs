//! Whatever is sent, the answers keep their form.

use axum::body::{Body, Bytes};
use axum::http::Request;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::ask::{Answer, ask, bare, ready};
use crate::fleet::{Fleet, mailboxes};

/// JSON that is often close to an envelope.
fn near_envelopes() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        Just(r#"{"IsPastDue":true}"#.into()),
        Just("\"\\\"hello\\\"\"".into()),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let name = prop_oneof![
            4 => prop::sample::select(vec![
                "Data", "Metadata", "timer", "sys", "IsPastDue", "ScheduleStatus", "RetryContext",
            ]).prop_map(str::to_owned),
            1 => ".{0,6}",
        ];
        prop_oneof![
            3 => prop::collection::vec((name, inner.clone()), 0..5)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            // The host wraps values in text.
            1 => inner.prop_map(|value| value.to_string().into()),
        ]
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => near_envelopes().prop_map(|value| value.to_string().into_bytes()),
        1 => near_envelopes().prop_flat_map(|value| {
            // Cut short or damaged at one place.
            let bytes = value.to_string().into_bytes();
            (Just(bytes), any::<prop::sample::Index>(), any::<u8>(), any::<bool>())
        }).prop_map(|(mut bytes, at, byte, cut)| {
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            bytes
        }),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

/// Asks on a runtime of its own; proptest is not asynchronous.
fn asked(request: Request<Body>, parts: bool) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let handler = if parts {
            ready(&Fleet::new(mailboxes(1)))
        } else {
            bare()
        };
        ask(&handler, request).await
    })
}

fn in_pieces(bytes: Vec<u8>, size: usize) -> Body {
    let pieces: Vec<_> = bytes
        .chunks(size)
        .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    Body::from_stream(futures::stream::iter(pieces))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_call_is_always_answered_with_the_protocols_json(
        body in bodies(),
        size in 1_usize..2000,
        parts in any::<bool>(),
    ) {
        let request = Request::post("/renew").body(in_pieces(body, size)).unwrap();
        let logs = asked(request, parts).logs();
        prop_assert!(logs.iter().all(|line| !line.contains('\n')));
    }

    #[test]
    fn a_query_is_echoed_as_its_token_or_not_at_all(
        query in prop_oneof!["[ -~&&[^#<>\"`{}|\\\\^ ]]{0,60}", "(validationToken=[a-z%+&0-9]{0,20}&?){1,3}"],
        body in bodies(),
        lifecycle in any::<bool>(),
    ) {
        let route = if lifecycle { "lifecycle" } else { "notifications" };
        let Ok(request) = Request::post(format!("/api/{route}/prod?{query}")).body(Body::from(body)) else {
            return Err(TestCaseError::reject("no request line"));
        };
        let answer = asked(request, false);
        match answer.status.as_u16() {
            200 => {
                prop_assert!(query.to_ascii_lowercase().contains("token") || query.contains('%'));
                prop_assert!(!answer.body.is_empty());
                prop_assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
                prop_assert_eq!(answer.header("x-content-type-options"), "nosniff");
            }
            status => prop_assert_eq!(status, 503),
        }
    }

    #[test]
    fn a_token_comes_back_as_it_was_meant(token in ".{1,200}") {
        let encoded: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("validationToken", &token)
            .finish();
        let target = format!("/api/notifications/prod?{encoded}");
        let request = Request::post(target).body(Body::empty()).unwrap();
        let answer = asked(request, false);
        prop_assert_eq!(answer.text(), token);
    }
}
