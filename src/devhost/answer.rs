//! What a handler's answer to a JSON invocation means to the host.

use serde_json::Value;

use super::lenient::{self, Parsed};

/// How much of a wrong body is quoted.
const QUOTED_CHARS: usize = 200;

/// The host's judgement of an answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The invocation succeeded.
    Success(Answer),
    /// The invocation failed at once.
    Failed(String),
    /// Nothing completes the invocation: it hangs until the function's time-out, and then the
    /// handler is killed.
    Hangs(String),
}

/// A successful answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// Lines for the function's log.
    pub(crate) logs: Vec<String>,
    /// Values for output bindings, by name; empty if there are none.
    pub(crate) outputs: serde_json::Map<String, Value>,
    pub(crate) return_value: Option<Value>,
}

/// The parts of an answer that the host looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'a str>,
    /// True if the head says `Content-Length: 0`, or there can be no body.
    pub(crate) says_empty: bool,
    pub(crate) body: &'a [u8],
}

/// Applies the host's rules in its order: status, emptiness, content type, JSON, shape.
pub(crate) fn judge(received: Received<'_>) -> Verdict {
    let status = received.status;
    if !(200..300).contains(&status) {
        return Verdict::Failed(format!(
            "the handler answered {status}; the host reads nothing of an answer that is not 2xx"
        ));
    }
    if received.says_empty {
        return hangs("is empty");
    }
    if !is_json(received.content_type) {
        let found = received.content_type.unwrap_or("missing");
        return invalid(
            status,
            received.body,
            &format!("its Content-Type is {found}"),
        );
    }
    let text = match std::str::from_utf8(received.body) {
        Ok(text) => text,
        Err(_) => return invalid(status, received.body, "it is not UTF-8"),
    };
    match lenient::parse(text) {
        Ok(Parsed::Nothing) => hangs("holds nothing but white space"),
        Ok(Parsed::Value(Value::Null)) => hangs("is null"),
        Ok(Parsed::Value(value)) => match answer(value) {
            Ok(answer) => Verdict::Success(answer),
            Err(why) => invalid(status, received.body, &why),
        },
        Err(why) => invalid(status, received.body, &why),
    }
}

fn hangs(what: &str) -> Verdict {
    Verdict::Hangs(format!(
        "the handler's answer {what}: the host waits for more until functionTimeout and then kills the handler; answer at least {{}}"
    ))
}

fn invalid(status: u16, body: &[u8], why: &str) -> Verdict {
    let quoted: String = String::from_utf8_lossy(body)
        .chars()
        .take(QUOTED_CHARS)
        .collect();
    Verdict::Failed(format!(
        "Invalid HttpResponseMessage: StatusCode: {status}, {why}: {quoted}"
    ))
}

/// The media types that the host's JSON formatter reads. Parameters do not matter.
fn is_json(content_type: Option<&str>) -> bool {
    let media_type = content_type
        .and_then(|text| text.split(';').next())
        .unwrap_or_default()
        .trim();
    ["application/json", "text/json"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
}

/// `{"Outputs":{…}|null,"Logs":["…"]|null,"ReturnValue":any}`; names in any case, others ignored.
fn answer(value: Value) -> Result<Answer, String> {
    let Value::Object(members) = value else {
        return Err("it is no object".to_owned());
    };
    let mut answer = Answer::default();
    for (name, value) in members {
        match (name.to_ascii_lowercase().as_str(), value) {
            ("logs", Value::Null) | ("outputs", Value::Null) | ("returnvalue", Value::Null) => {}
            ("logs", Value::Array(lines)) => answer.logs = log_lines(lines)?,
            ("logs", _) => return Err("Logs is no array".to_owned()),
            ("outputs", Value::Object(outputs)) => answer.outputs = outputs,
            ("outputs", _) => return Err("Outputs is no object".to_owned()),
            ("returnvalue", value) => answer.return_value = Some(value),
            _ => {}
        }
    }
    Ok(answer)
}

/// Scalars become text, as in Newtonsoft.Json; objects and arrays are errors.
fn log_lines(lines: Vec<Value>) -> Result<Vec<String>, String> {
    let text = |line| match line {
        Value::String(text) => Ok(text),
        Value::Null => Ok(String::new()),
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Object(_) | Value::Array(_) => Err("Logs holds something else than text".to_owned()),
    };
    lines.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JSON: Option<&str> = Some("application/json");

    fn received<'a>(status: u16, content_type: Option<&'a str>, body: &'a str) -> Verdict {
        judge(Received {
            status,
            content_type,
            says_empty: false,
            body: body.as_bytes(),
        })
    }

    #[track_caller]
    fn check_success(status: u16, content_type: Option<&str>, body: &str, logs: &[&str]) {
        match received(status, content_type, body) {
            Verdict::Success(answer) => assert_eq!(answer.logs, logs, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn the_smallest_success_is_an_empty_object() {
        check_success(200, JSON, "{}", &[]);
        check_success(202, JSON, "{}", &[]);
        check_success(200, JSON, r#"{"Outputs":null}"#, &[]);
        check_success(
            200,
            JSON,
            r#"{"Outputs":{},"Logs":["a"],"ReturnValue":null}"#,
            &["a"],
        );
        check_success(
            200,
            Some("text/json; charset=utf-8"),
            "{'logs':['a',1,true,],}",
            &["a", "1", "True"],
        );
        check_success(200, JSON, "\u{feff}{\"key1\":1,\"key2\":{}}", &[]);
    }

    #[test]
    fn outputs_and_the_return_value_are_kept() {
        let body = r#"{"Outputs":{"output1":"one","output2":2},"Logs":["a","b"],"ReturnValue":"Hello return"}"#;
        let expected = Answer {
            logs: vec!["a".to_owned(), "b".to_owned()],
            outputs: json!({"output1":"one","output2":2})
                .as_object()
                .unwrap()
                .clone(),
            return_value: Some(json!("Hello return")),
        };
        assert_eq!(received(200, JSON, body), Verdict::Success(expected));
    }

    #[track_caller]
    fn check_hangs(content_type: Option<&str>, says_empty: bool, body: &str) {
        let verdict = judge(Received {
            status: 200,
            content_type,
            says_empty,
            body: body.as_bytes(),
        });
        assert!(
            matches!(verdict, Verdict::Hangs(_)),
            "{body:?}: {verdict:?}"
        );
    }

    #[test]
    fn an_answer_without_a_value_hangs() {
        check_hangs(None, true, "");
        check_hangs(Some("text/plain"), true, "");
        check_hangs(JSON, false, "");
        check_hangs(JSON, false, "null");
        check_hangs(JSON, false, " \r\n");
    }

    #[track_caller]
    fn check_failed(status: u16, content_type: Option<&str>, body: &str, parts: &[&str]) {
        match received(status, content_type, body) {
            Verdict::Failed(why) => {
                for part in parts {
                    assert!(why.contains(part), "{why} lacks {part}");
                }
            }
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn everything_else_fails_at_once() {
        check_failed(400, JSON, r#"{"Logs":["lost"]}"#, &["answered 400"]);
        check_failed(
            200,
            JSON,
            "Hello World",
            &["Hello World", "StatusCode: 200"],
        );
        check_failed(
            200,
            Some("text/plain"),
            "{}",
            &["Content-Type is text/plain"],
        );
        check_failed(
            200,
            Some("application/problem+json"),
            "{}",
            &["problem+json"],
        );
        check_failed(200, None, "{}", &["Content-Type is missing"]);
        check_failed(200, JSON, "[1]", &["no object"]);
        check_failed(200, JSON, r#"{"Logs":[{}]}"#, &["Logs"]);
        check_failed(200, JSON, r#"{"Outputs":[]}"#, &["Outputs"]);
        check_failed(200, JSON, "\u{1f}gzip", &["line 1"]);
        check_failed(200, Some("text/plain"), " ", &["Content-Type"]);
    }
}
