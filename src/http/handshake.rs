//! Graph's endpoint validation: a token in the query, to be sent back as it was meant.
//!
//! Graph posts `?validationToken=…`, form-encoded (`+` for a blank, lower-case escapes), with
//! `Content-Type: text/plain`, an empty User-Agent and no body, and wants 200, `text/plain` and
//! the decoded token within 10 seconds (learn.microsoft.com/graph/change-notifications-delivery-webhooks).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use url::form_urlencoded;

/// Graph's own tokens have about 110 characters.
const TOKEN_BYTES_MAX: usize = 4096;

/// Invocations remembered, so that replays of one request are counted once: creates validate two
/// addresses each, and some dozens of them run at once.
const SEEN_MAX: usize = 512;

/// The token of the query, decoded once.
///
/// The name's letter case does not matter. Where it appears more than once, the last one with a
/// value counts: Graph adds its own at the end of the URL it was given. Without a value it is no
/// token. What is no UTF-8 after decoding gets replacement characters, and Graph will refuse it.
pub(super) fn token(uri: &Uri) -> Option<String> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    pairs
        .filter(|(name, value)| name.eq_ignore_ascii_case("validationToken") && !value.is_empty())
        .last()
        .map(|(_, value)| value.into_owned())
}

/// The token as an answer that no browser takes for a page.
pub(super) fn echo(token: String) -> Response {
    if token.len() > TOKEN_BYTES_MAX {
        let words = format!("a validation token has at most {TOKEN_BYTES_MAX} bytes\n");
        return (StatusCode::BAD_REQUEST, words).into_response();
    }
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::OK, headers, token).into_response()
}

/// Whether a body that came with a token makes the request a notification after all: only a JSON
/// object with a `value` array does.
pub(super) fn is_notification(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Envelope {
        #[serde(rename = "value")]
        _value: Vec<serde::de::IgnoredAny>,
    }
    // A struct may be read from an array as well; an envelope is an object.
    let object = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    object && serde_json::from_slice::<Envelope>(body).is_ok()
}

/// Invocations whose handshake was answered. The host may deliver a bodyless request up to 40
/// times under one id (seen in a running host).
#[derive(Default)]
pub(super) struct Seen(Mutex<VecDeque<String>>);

impl Seen {
    /// Whether this invocation comes for the first time, as far as remembered. Requests without
    /// an id are always new.
    pub(super) fn is_new(&self, invocation: Option<&str>) -> bool {
        let Some(id) = invocation else {
            return true;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|known| known == id) {
            return false;
        }
        if seen.len() == SEEN_MAX {
            seen.pop_front();
        }
        seen.push_back(id.to_owned());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_token(query: &str, wanted: Option<&str>) {
        let uri: Uri = format!("/api/notifications/prod?{query}").parse().unwrap();
        assert_eq!(token(&uri).as_deref(), wanted, "{query}");
    }

    #[test]
    fn a_token_is_decoded_as_a_form_and_once() {
        check_token(
            "validationToken=Validation%3a+Testing+client+Request-Id%3A+25460109-0e8b",
            Some("Validation: Testing client Request-Id: 25460109-0e8b"),
        );
        check_token("validationToken=a%2bb%20c+d%252B", Some("a+b c d%2B"));
        check_token("validationToken=%e2%82%ac", Some("€"));
        check_token(
            "validationToken=a/b?c:d@e!$'()*,;",
            Some("a/b?c:d@e!$'()*,;"),
        );
        check_token("validationToken=a=b=", Some("a=b="));
        check_token("validationToken=%zz%", Some("%zz%"));
        check_token("validationToken=a%0d%0ab", Some("a\r\nb"));
        check_token("validation%54oken=x", Some("x"));
    }

    #[test]
    fn the_last_token_with_a_value_counts() {
        check_token("x=1&validationToken=a&y=2", Some("a"));
        check_token("validationToken=a&validationToken=b", Some("b"));
        check_token("validationToken=a&validationToken=", Some("a"));
        check_token("validationtoken=a", Some("a"));
        for none in ["", "validationToken", "validationToken=", "token=a", "&&="] {
            check_token(none, None);
        }
    }

    #[track_caller]
    fn check_notification(body: &str, wanted: bool) {
        assert_eq!(is_notification(body.as_bytes()), wanted, "{body}");
    }

    #[test]
    fn only_a_value_array_makes_a_notification() {
        check_notification(r#"{"value":[]}"#, true);
        check_notification(r#" {"validationTokens":null,"value":[{"id":1}]}"#, true);
        for other in [
            "",
            " ",
            "{}",
            "null",
            r#"{"value":{}}"#,
            r#"{"Value":[]}"#,
            r#"[[1]]"#,
            r#"{"value":["#,
            "text",
        ] {
            check_notification(other, false);
        }
    }

    #[test]
    fn a_replayed_invocation_is_known_and_memory_is_bounded() {
        let seen = Seen::default();
        assert!(seen.is_new(None) && seen.is_new(None));
        assert!(seen.is_new(Some("first")));
        assert!(!seen.is_new(Some("first")));
        for number in 0..SEEN_MAX {
            assert!(seen.is_new(Some(&number.to_string())));
        }
        assert!(seen.is_new(Some("first")), "the oldest is forgotten");
        assert_eq!(seen.0.lock().unwrap().len(), SEEN_MAX);
    }
}
