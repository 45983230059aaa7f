//! Heads of proxied requests and answers: what is set, what passes, what is left out.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::envelope::HOST_VERSION;
use super::proxy::{Incoming, IncomingBody};

/// Fields that belong to one connection (YARP, RequestUtilities), in lower case.
const HOP_BY_HOP: [&str; 17] = [
    "connection",
    "transfer-encoding",
    "keep-alive",
    "upgrade",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-features",
    "proxy-instruction",
    "security-scheme",
    "alpn",
    "close",
    "http2-settings",
    "upgrade-insecure-requests",
    "te",
    "alt-svc",
];
/// Fields that the host sets itself or removes, so that a client cannot spoof them.
const REPLACED: [&str; 10] = [
    "host",
    "x-azure-functions-hostversion",
    "x-azure-functions-invocationid",
    "x-ms-invocation-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-prefix",
    "forwarded",
    "content-length",
];

/// How the body of a proxied request is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No body, and no word about one.
    None,
    Length(usize),
    Chunked,
}

/// The head of a proxied request, but for the handler's port.
#[derive(Clone, Debug)]
pub(crate) struct ProxiedHead {
    request_line: String,
    after_host: Vec<u8>,
    pub(crate) expects_continue: bool,
}

impl ProxiedHead {
    pub(crate) fn new(incoming: &Incoming, invocation: &str) -> Self {
        let framing = match &incoming.body {
            IncomingBody::Whole(bytes) => Framing::Length(bytes.len()),
            IncomingBody::Streamed(_) => Framing::Chunked,
            IncomingBody::None if says_length(incoming) => Framing::Length(0),
            IncomingBody::None => Framing::None,
        };
        let expects_continue = framing != Framing::None
            && incoming.headers.get("expect").is_some_and(|value| {
                value
                    .to_str()
                    .is_ok_and(|text| text.eq_ignore_ascii_case("100-continue"))
            });
        Self {
            request_line: format!("{} {} HTTP/1.1", incoming.method, incoming.target),
            after_host: after_host(&incoming.headers, incoming.client, invocation, framing),
            expects_continue,
        }
    }

    pub(crate) fn bytes(&self, port: u16) -> Vec<u8> {
        let mut out = format!("{}\r\nHost: 127.0.0.1:{port}\r\n", self.request_line).into_bytes();
        out.extend_from_slice(&self.after_host);
        out
    }
}

/// A client's `Content-Length: 0` passes, and .NET writes one for methods that have a body.
fn says_length(incoming: &Incoming) -> bool {
    incoming.headers.contains_key("content-length")
        || [Method::POST, Method::PUT, Method::PATCH].contains(&incoming.method)
}

fn after_host(headers: &HeaderMap, client: IpAddr, invocation: &str, framing: Framing) -> Vec<u8> {
    let mut out = format!(
        "X-Azure-Functions-HostVersion: {HOST_VERSION}\r\n\
         X-Azure-Functions-InvocationId: {invocation}\r\n\
         x-ms-invocation-id: {invocation}\r\n\
         X-Forwarded-For: {client}\r\n"
    )
    .into_bytes();
    if let Some(host) = headers.get("host") {
        field(&mut out, "X-Forwarded-Host", host.as_bytes());
    }
    field(&mut out, "X-Forwarded-Proto", b"http");
    for name in headers.keys().filter(|name| passes(name, headers)) {
        let values: Vec<&[u8]> = headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        // Several lines of a field become one.
        let between: &[u8] = if name == "cookie" { b"; " } else { b", " };
        field(&mut out, name.as_str(), &values.join(between));
    }
    match framing {
        Framing::None => {}
        Framing::Length(length) => {
            field(&mut out, "Content-Length", length.to_string().as_bytes());
        }
        Framing::Chunked => field(&mut out, "Transfer-Encoding", b"chunked"),
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn passes(name: &HeaderName, headers: &HeaderMap) -> bool {
    let is_trailers = || headers.get(name).is_some_and(|value| value == "trailers");
    let is_hop = HOP_BY_HOP.contains(&name.as_str()) && !(name == "te" && is_trailers());
    !is_hop && !REPLACED.contains(&name.as_str())
}

/// The fields of an answer that reach the client. One that is no valid field is left out.
pub(crate) fn response_headers(fields: &[(String, Vec<u8>)]) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        );
        if let (Ok(name), Ok(value)) = parsed
            && !HOP_BY_HOP.contains(&name.as_str())
        {
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bytes::Bytes;

    use super::*;

    fn incoming(method: Method, fields: &[(&str, &str)], body: IncomingBody) -> Incoming {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        let client = Ipv4Addr::LOCALHOST.into();
        let target = "/api/x?a=1".to_owned();
        Incoming {
            method,
            path: "/api/x".to_owned(),
            target,
            headers,
            client,
            body,
        }
    }

    const MARKS: &str = "X-Azure-Functions-HostVersion: 4.1037.0.0\r\nX-Azure-Functions-InvocationId: id-1\r\nx-ms-invocation-id: id-1\r\nX-Forwarded-For: 127.0.0.1\r\n";

    #[track_caller]
    fn check_head(incoming: &Incoming, request_line: &str, rest: &str) {
        let head = String::from_utf8(ProxiedHead::new(incoming, "id-1").bytes(4321)).unwrap();
        let expected = format!("{request_line}\r\nHost: 127.0.0.1:4321\r\n{MARKS}{rest}\r\n");
        assert_eq!(head, expected);
    }

    #[test]
    fn the_host_sets_its_marks_and_replaces_spoofed_ones() {
        let spoofed = [
            ("host", "example.test"),
            ("x-ms-invocation-id", "spoof"),
            ("x-azure-functions-invocationid", "spoof"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-prefix", "/p"),
            ("forwarded", "for=1.2.3.4"),
            ("x-functions-key", "k"),
            ("authorization", "Bearer t"),
            ("connection", "keep-alive"),
            ("te", "gzip"),
        ];
        check_head(
            &incoming(Method::GET, &spoofed, IncomingBody::None),
            "GET /api/x?a=1 HTTP/1.1",
            "X-Forwarded-Host: example.test\r\nX-Forwarded-Proto: http\r\nx-functions-key: k\r\nauthorization: Bearer t\r\n",
        );
    }

    #[test]
    fn several_lines_become_one_and_a_length_stays() {
        let fields = [
            ("host", "h"),
            ("accept", "a"),
            ("accept", "b"),
            ("te", "trailers"),
        ];
        check_head(
            &incoming(
                Method::POST,
                &fields,
                IncomingBody::Whole(Bytes::from_static(b"xyz")),
            ),
            "POST /api/x?a=1 HTTP/1.1",
            "X-Forwarded-Host: h\r\nX-Forwarded-Proto: http\r\naccept: a, b\r\nte: trailers\r\nContent-Length: 3\r\n",
        );
    }

    #[test]
    fn a_post_without_a_body_says_so() {
        check_head(
            &incoming(Method::POST, &[("content-length", "0")], IncomingBody::None),
            "POST /api/x?a=1 HTTP/1.1",
            "X-Forwarded-Proto: http\r\nContent-Length: 0\r\n",
        );
    }
}
