//! Who calls: the host itself, or somebody through its proxy or a browser.

use axum::http::HeaderMap;
use jiff::Timestamp;

/// Headers that the host's proxy sets on each request, replacing copies that a client sent, and
/// never sets on its own JSON calls (seen in a running host): a request that has one came from
/// outside.
const PROXIED: [&str; 2] = ["x-ms-invocation-id", "forwarded"];

/// As [`PROXIED`], for a family of names: `X-Forwarded-For`, `-Host`, `-Proto`, `-Prefix`.
const PROXIED_FAMILY: &str = "x-forwarded-";

/// A browser adds these to what a page posts, be it to a port of the same laptop.
const BROWSER: [&str; 2] = ["origin", "sec-fetch-site"];

/// Whether the call may be the host's own. The User-Agent proves nothing and is not looked at.
pub(super) fn may_be_the_host(headers: &HeaderMap) -> bool {
    // A HeaderMap keeps names in lower case, however they were spelt on the wire.
    !headers.keys().any(|name| {
        let name = name.as_str();
        name.starts_with(PROXIED_FAMILY) || PROXIED.contains(&name) || BROWSER.contains(&name)
    })
}

/// Headers in which gateways write when a request came in: `t=` and a Unix time, or the time
/// alone (devcenter.heroku.com/articles/http-routing, docs.newrelic.com on request queuing).
const CAME_IN: [&str; 2] = ["x-request-start", "x-queue-start"];

/// When the platform says that the request came in. The Functions host says nothing of the kind
/// (seen in a running host); a gateway in front may. Whoever calls can write it too, so it only
/// feeds an estimate.
pub(super) fn began(headers: &HeaderMap) -> Option<Timestamp> {
    let mut marks = CAME_IN.iter().filter_map(|name| headers.get(*name));
    let text = marks.next()?.to_str().ok()?.trim();
    let text = text.strip_prefix("t=").unwrap_or(text);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        return None;
    }
    // Seconds, milliseconds or microseconds: for centuries their sizes tell them apart.
    match whole.len() {
        9..=11 => {
            let millis = format!("{part:0<3}").get(..3)?.parse::<i64>().ok()?;
            Timestamp::from_millisecond(whole.parse::<i64>().ok()? * 1000 + millis).ok()
        }
        12..=14 => Timestamp::from_millisecond(whole.parse().ok()?).ok(),
        15..=16 => Timestamp::from_microsecond(whole.parse().ok()?).ok(),
        _ => None,
    }
}

/// The host's id of the invocation, for logs. A value of another form is nobody's id.
pub(super) fn invocation_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers
        .get("x-azure-functions-invocationid")?
        .to_str()
        .ok()?;
    let fits =
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn check_host(name: &str, wanted: bool) {
        let all = headers(&[("User-Agent", "Azure-Functions-Host/4.1037"), (name, "x")]);
        assert_eq!(may_be_the_host(&all), wanted, "{name}");
    }

    #[test]
    fn what_came_through_the_proxy_or_a_browser_is_not_the_host() {
        check_host("X-Azure-Functions-InvocationId", true);
        check_host("traceparent", true);
        for name in [
            "x-ms-invocation-id",
            "X-MS-Invocation-Id",
            "X-Forwarded-For",
            "x-FORWARDED-host",
            "X-Forwarded-Proto",
            "X-Forwarded-Prefix",
            "X-Forwarded-Anything",
            "Forwarded",
            "Origin",
            "Sec-Fetch-Site",
        ] {
            check_host(name, false);
        }
    }

    #[track_caller]
    fn check_began(value: &str, wanted: Option<&str>) {
        let found = began(&headers(&[("X-Request-Start", value)]));
        let wanted: Option<Timestamp> = wanted.map(|text| text.parse().unwrap());
        assert_eq!(found, wanted, "{value}");
    }

    #[test]
    fn a_gateways_mark_is_read_in_its_usual_forms() {
        let moment = Some("2026-09-01T08:15:00.125Z");
        check_began("t=1788250500.125", moment);
        check_began("1788250500.125999", moment);
        check_began("t=1788250500125", moment);
        check_began("t=1788250500125000", moment);
        check_began("t=1788250500", Some("2026-09-01T08:15:00Z"));
        for bad in [
            "",
            "t=",
            "now",
            "t=-1788250500",
            "1e9",
            "12",
            "t=1788250500.x",
            "9999999999999999999",
        ] {
            check_began(bad, None);
        }
    }

    #[test]
    fn an_invocation_id_is_short_and_plain() {
        let name = "X-Azure-Functions-InvocationId";
        let id = "6d0f3a52-9a5e-4c0f-8f0e-0d6d3f1b7a11";
        assert_eq!(invocation_id(&headers(&[(name, id)])), Some(id));
        for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
            assert_eq!(invocation_id(&headers(&[(name, bad)])), None, "{bad:?}");
        }
    }
}
