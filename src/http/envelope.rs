//! The JSON protocol between the host and a function that is no HTTP function.
//!
//! A call is `{"Data":{"timer":{…}},"Metadata":{…}}`, an answer
//! `{"Outputs":{},"Logs":[…],"ReturnValue":null}` (learn.microsoft.com/azure/azure-functions/functions-custom-handlers,
//! corrected by what a running host sends). Members of `Metadata` can be overwritten by callers
//! of the admin API, so nothing in it is read.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

/// The name of the timer binding in `function-definitions/renew/function.json`.
const BINDING: &str = "timer";

/// Layers of JSON text in JSON text that are taken off: the host wraps values once or twice.
const WRAPPINGS_MAX: usize = 3;

/// The host's limits on log lines are none; these keep an answer readable.
const LINE_CHARS_MAX: usize = 2000;

/// What the timer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Timer {
    /// The run that is served now was missed before.
    pub(super) past_due: bool,
}

/// Why a body is no call of the timer. Nothing is done then: a pass has to be asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is no JSON ({0}), so no pass was run")]
    NotJson(String),
    #[error("the body is no envelope of the host (an object with Data), so no pass was run")]
    NoEnvelope,
}

/// Reads a call, tolerantly: an object with `Data` is enough, whatever the timer's own members
/// are, because a pass that is not run costs more than one that was not needed.
pub(super) fn read(body: &[u8]) -> Result<Timer, Unreadable> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let envelope: Value =
        serde_json::from_slice(body).map_err(|error| Unreadable::NotJson(place_of(&error)))?;
    let data = envelope.get("Data").cloned().map(unwrapped);
    let Some(Value::Object(mut data)) = data else {
        return Err(Unreadable::NoEnvelope);
    };
    let timer = data.remove(BINDING).map(unwrapped).unwrap_or_default();
    let past_due = match timer.get("IsPastDue").cloned().map(unwrapped) {
        Some(Value::Bool(past_due)) => past_due,
        // .NET writes a boolean as text with a capital letter.
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    };
    Ok(Timer { past_due })
}

/// Where the reader stopped. Its own words could quote the body.
fn place_of(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// The value inside of text that holds JSON, or the value itself.
fn unwrapped(mut value: Value) -> Value {
    for _ in 0..WRAPPINGS_MAX {
        let Value::String(text) = &value else { break };
        let Ok(inner) = serde_json::from_str(text) else {
            break;
        };
        value = inner;
    }
    value
}

/// The answer to a call: always 200 and JSON, never empty (an empty one, or white space, makes
/// the host wait until the function's timeout and kill the handler), and nothing but log lines
/// (a status other than 2xx would lose them).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    outputs: Outputs,
    logs: Vec<String>,
    return_value: (),
}

/// The function has no output bindings.
#[derive(Serialize)]
struct Outputs {}

impl Answer {
    /// An answer with these lines, each made one line and cut to a readable length.
    pub(super) fn of(lines: Vec<String>) -> Self {
        Self {
            outputs: Outputs {},
            logs: lines.iter().map(|line| one_line(line)).collect(),
            return_value: (),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

fn one_line(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = chars.by_ref().take(LINE_CHARS_MAX).collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_past_due(body: &str, wanted: bool) {
        let timer = read(body.as_bytes());
        assert_eq!(timer, Ok(Timer { past_due: wanted }), "{body}");
    }

    #[track_caller]
    fn check_unreadable(body: &[u8]) {
        assert!(read(body).is_err(), "{}", String::from_utf8_lossy(body));
    }

    #[test]
    fn every_shape_that_a_host_sends_is_a_call() {
        check_past_due(
            r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-23T00:52:00+00:00","LastUpdated":"0001-01-01T00:00:00+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"renew","UtcNow":"2026-11-23T00:51:22.3967032Z","RandGuid":"x"}}}"#,
            false,
        );
        check_past_due(
            r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":false},"ScheduleStatus":null,"IsPastDue":true}},"Metadata":{"sys":{},"RetryContext":{"RetryCount":1,"MaxRetryCount":2,"Exception":{"Message":"x"},"Instance":null,"State":{}}}}"#,
            true,
        );
        check_past_due(
            r#"{"Data":{"timer":{"IsPastDue":true}},"Metadata":{"timer":"\"hello\"","sys":"\"overwritten\""}}"#,
            true,
        );
        check_past_due(r#"{"Data":{"timer":{}}}"#, false);
        check_past_due(r#"{"Data":{}}"#, false);
        check_past_due("\u{feff}{\"Data\":{\"timer\":null},\"Metadata\":[]}", false);
    }

    #[test]
    fn values_wrapped_in_text_are_unwrapped() {
        check_past_due(r#"{"Data":{"timer":"{\"IsPastDue\":true}"}}"#, true);
        check_past_due(r#"{"Data":{"timer":{"IsPastDue":"\"True\""}}}"#, true);
        check_past_due(r#"{"Data":{"timer":{"IsPastDue":"true"}}}"#, true);
        check_past_due(r#"{"Data":"{\"timer\":{\"IsPastDue\":\"True\"}}"}"#, true);
        check_past_due(r#"{"Data":{"timer":"\"\\\"hello\\\"\""}}"#, false);
        check_past_due(r#"{"Data":{"timer":{"IsPastDue":1}}}"#, false);
    }

    #[test]
    fn what_is_no_envelope_asks_for_nothing() {
        for body in [
            "",
            " \r\n",
            "null",
            "1",
            "[1]",
            "\"x\"",
            "{}",
            "{",
            "<xml/>",
            "a=b",
            r#"{"Data":null}"#,
            r#"{"Data":[]}"#,
            r#"{"Data":"text"}"#,
            r#"{"data":{}}"#,
            r#"{"Metadata":{"sys":{"MethodName":"renew"}}}"#,
        ] {
            check_unreadable(body.as_bytes());
        }
        check_unreadable(b"\xff\xfe{\0}\0");
        check_unreadable("[".repeat(100_000).as_bytes());
    }

    #[test]
    fn the_reason_never_quotes_the_body() {
        let error = read(b"{\"Data\": hunter2}").unwrap_err().to_string();
        assert!(error.contains("line 1, column"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn an_answer_has_its_three_members_and_whole_lines() {
        let answer = Answer::of(vec!["a\r\nb\u{1b}[31m".into(), "x".repeat(3000)]);
        let text = serde_json::to_string(&answer).unwrap();
        assert!(
            text.starts_with(r#"{"Outputs":{},"Logs":["a  b [31m","#),
            "{text}"
        );
        assert!(text.ends_with(r#"x…"],"ReturnValue":null}"#), "{text}");
        assert_eq!(answer.logs[1].chars().count(), LINE_CHARS_MAX + 1);
    }
}
