//! The request of a JSON invocation: head and body, byte for byte as the host writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::schedule_status::ScheduleStatus;

/// The version that this host claims: that of the host whose behaviour it repeats.
pub(crate) const HOST_VERSION: &str = "4.1037.0.0";

/// What a timer function is told.
#[derive(Clone, Debug)]
pub(crate) struct TimerCall<'a> {
    pub(crate) function: &'a str,
    /// Name of the trigger binding.
    pub(crate) binding: &'a str,
    pub(crate) adjust_for_dst: bool,
    /// None if the timer has no monitor.
    pub(crate) status: Option<&'a ScheduleStatus>,
    pub(crate) is_past_due: bool,
    /// Text given by hand through the admin route.
    pub(crate) input: Option<&'a str>,
    pub(crate) now: Timestamp,
    pub(crate) rand_guid: &'a str,
}

impl TimerCall<'_> {
    /// The body: compact JSON.
    pub(crate) fn body(&self) -> String {
        let status = self
            .status
            .map_or_else(|| "null".to_owned(), ScheduleStatus::to_json);
        let input = match self.input {
            Some(text) => {
                let name = quoted(self.binding);
                format!("{name}:{},", encode_value(&Value::String(text.to_owned())))
            }
            None => String::new(),
        };
        format!(
            r#"{{"Data":{{{}:{{"Schedule":{{"AdjustForDST":{}}},"ScheduleStatus":{status},"IsPastDue":{}}}}},"Metadata":{{{input}"sys":{{"MethodName":{},"UtcNow":"{}","RandGuid":"{}"}}}}}}"#,
            quoted(self.binding),
            self.adjust_for_dst,
            self.is_past_due,
            quoted(self.function),
            utc_now(self.now),
            self.rand_guid,
        )
    }
}

/// The head of a JSON invocation, headers in the host's order.
pub(crate) fn json_head(port: u16, function: &str, invocation: &str) -> Vec<u8> {
    format!(
        "POST /{function} HTTP/1.1\r\n\
         Host: 127.0.0.1:{port}\r\n\
         X-Azure-Functions-HostVersion: {HOST_VERSION}\r\n\
         X-Azure-Functions-InvocationId: {invocation}\r\n\
         User-Agent: Azure-Functions-Host/{HOST_VERSION}\r\n\
         Transfer-Encoding: chunked\r\n\
         Content-Type: application/json; charset=utf-8\r\n\r\n"
    )
    .into_bytes()
}

/// The double encoding: an object stays, everything else becomes a string that holds its JSON.
pub(crate) fn encode_value(value: &Value) -> Value {
    if value.is_object() {
        value.clone()
    } else {
        Value::String(value.to_string())
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// `2026-11-22T08:35:00+00:00`: local-kind, so with an offset; a fraction only if there is one.
pub(crate) fn date_with_offset(moment: Timestamp) -> String {
    format!("{}+00:00", civil(moment))
}

/// `2026-11-23T00:51:22.3967032Z`: up to seven digits, trailing zeros dropped.
fn utc_now(moment: Timestamp) -> String {
    format!("{}Z", civil(moment))
}

fn civil(moment: Timestamp) -> String {
    let civil = moment.to_zoned(TimeZone::UTC).datetime();
    let seconds = civil.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    // .NET's unit is the tick of 100 ns.
    let ticks = format!("{:07}", civil.subsec_nanosecond() / 100);
    let digits = ticks.trim_end_matches('0');
    if digits.is_empty() {
        seconds
    } else {
        format!("{seconds}.{digits}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call<'a>(status: Option<&'a ScheduleStatus>, input: Option<&'a str>) -> TimerCall<'a> {
        TimerCall {
            function: "renew",
            binding: "timer",
            adjust_for_dst: true,
            status,
            is_past_due: false,
            input,
            now: "2026-11-23T00:51:22.3967032Z".parse().unwrap(),
            rand_guid: "c0ffee00-0000-4000-8000-000000000001",
        }
    }

    #[test]
    fn the_first_run_of_a_timer_is_told_byte_for_byte_as_by_the_host() {
        let next = "2026-11-23T00:52:00Z".parse().unwrap();
        let body = call(Some(&ScheduleStatus::never_run(next)), None).body();
        let expected = r#"{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-23T00:52:00+00:00","LastUpdated":"0001-01-01T00:00:00+00:00"},"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"renew","UtcNow":"2026-11-23T00:51:22.3967032Z","RandGuid":"c0ffee00-0000-4000-8000-000000000001"}}}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn without_a_monitor_the_status_is_null_and_an_input_is_double_encoded() {
        let body = call(None, Some("hello")).body();
        assert!(
            body.contains(r#""ScheduleStatus":null,"IsPastDue":false"#),
            "{body}"
        );
        assert!(
            body.contains(r#""Metadata":{"timer":"\"hello\"","sys":"#),
            "{body}"
        );
    }

    #[test]
    fn the_head_has_the_headers_of_the_host_in_its_order() {
        let head = String::from_utf8(json_head(4321, "renew", "id-1")).unwrap();
        let expected = "POST /renew HTTP/1.1\r\nHost: 127.0.0.1:4321\r\nX-Azure-Functions-HostVersion: 4.1037.0.0\r\nX-Azure-Functions-InvocationId: id-1\r\nUser-Agent: Azure-Functions-Host/4.1037.0.0\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n";
        assert_eq!(head, expected);
    }

    #[track_caller]
    fn check_encoded(value: Value, expected: Value) {
        assert_eq!(encode_value(&value), expected);
    }

    #[test]
    fn values_that_are_no_objects_are_encoded_twice() {
        check_encoded(json!(4), json!("4"));
        check_encoded(json!(true), json!("true"));
        check_encoded(json!(null), json!("null"));
        check_encoded(json!([1]), json!("[1]"));
        check_encoded(json!("helloMetadata"), json!("\"helloMetadata\""));
        check_encoded(
            json!({"Name": "n", "Id": 1234}),
            json!({"Name": "n", "Id": 1234}),
        );
    }

    #[test]
    fn fractions_lose_their_trailing_zeros() {
        let moment = "2026-11-22T08:35:00.1200000Z".parse().unwrap();
        assert_eq!(utc_now(moment), "2026-11-22T08:35:00.12Z");
        let moment = "2026-11-22T08:35:00Z".parse().unwrap();
        assert_eq!(date_with_offset(moment), "2026-11-22T08:35:00+00:00");
    }
}
