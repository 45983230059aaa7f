//! Endpoint validation: the token in the query comes back as it was meant.

use reqwest::Method;

use super::ask::{Ask, Load};
use super::case::{Act, Case, Group};
use super::delivery::change;
use super::judge::Judge;

/// The page on delivery by webhooks.
const PAGE: &str = "learn.microsoft.com/graph/change-notifications-delivery-webhooks (2026-04-22)";

/// Access logs of real handshakes, printed in issues of abraunegg/onedrive.
const LOGS: &str = "access log of a real handshake (abraunegg/onedrive, 2024-08-28)";

/// A token as it was logged, and what it means.
const REAL: (&str, &str) = (
    "Validation%3a+Testing+client+application+reachability+for+subscription+Request-Id%3a+\
     25460109-0e8b-4521-8090-dd691b407ed8",
    "Validation: Testing client application reachability for subscription Request-Id: \
     25460109-0e8b-4521-8090-dd691b407ed8",
);

const EXACT: &str = "200, text/plain, the decoded token and nothing else";

fn case(
    id: &'static str,
    says: &'static str,
    source: &'static str,
    expected: &'static str,
    act: Act,
) -> Case {
    Case {
        id,
        group: Group::Handshake,
        says,
        source,
        expected,
        act,
    }
}

/// A case of one token that must be echoed.
fn echoed(
    id: &'static str,
    says: &'static str,
    source: &'static str,
    encoded: &str,
    token: &str,
) -> Case {
    let asks = vec![Ask::handshake(encoded)];
    case(
        id,
        says,
        source,
        EXACT,
        Act::Each(asks, Judge::Echo(token.into())),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = tokens();
    all.extend(requests());
    all.extend(hostile());
    all
}

/// Tokens and their spellings.
fn tokens() -> Vec<Case> {
    let long = "Validation".repeat(200);
    vec![
        echoed(
            "handshake.real",
            "Answer within 10 seconds with 200, text/plain and the URL-decoded token.",
            PAGE,
            REAL.0,
            REAL.1,
        ),
        echoed(
            "handshake.plus-signs",
            "A blank arrives as a plus sign, a plus sign as %2b: a mere percent-decoder fails.",
            LOGS,
            "a+b%2bc+d",
            "a b+c d",
        ),
        echoed(
            "handshake.lower-case-escapes",
            "Escapes arrive in lower case (%3a).",
            LOGS,
            "a%3ab%2fc%c3%a9",
            "a:b/c\u{e9}",
        ),
        echoed(
            "handshake.upper-case-escapes",
            "The token is opaque: its format may change without notice.",
            PAGE,
            "a%3Ab%2Fc%C3%A9",
            "a:b/c\u{e9}",
        ),
        echoed(
            "handshake.reserved-characters",
            "The token is opaque; what is reserved in a query may be in it.",
            PAGE,
            "a%26b%3dc%3fd%23e%2ff%3bg%22h%27i%7cj",
            "a&b=c?d#e/f;g\"h'i|j",
        ),
        echoed(
            "handshake.decoded-once",
            "Decode once: what looks like an escape after that is part of the token.",
            PAGE,
            "100%2525+%252b",
            "100%25 %2b",
        ),
        echoed(
            "handshake.long",
            "The token is opaque; none longer than about 120 bytes was seen, so 2,000 are ample.",
            PAGE,
            &long,
            &long,
        ),
    ]
}

/// Content types of a handshake; the first is that of Graph.
const CONTENT_TYPES: [Option<&str>; 4] = [
    Some("text/plain"),
    Some("application/json; charset=utf-8"),
    Some("application/x-www-form-urlencoded"),
    None,
];

/// Shapes of the request.
fn requests() -> Vec<Case> {
    let usual = || Ask::handshake("a+token");
    let echo = || Judge::Echo("a token".into());
    let mut empty_agent = usual();
    empty_agent.agent = Some("");
    let kinds = CONTENT_TYPES
        .map(|kind| usual().content_type(kind))
        .to_vec();
    vec![
        case(
            "handshake.empty-user-agent",
            "The User-Agent of real handshakes is empty: filters for robots must let it pass.",
            LOGS,
            EXACT,
            Act::Each(vec![usual(), empty_agent], echo()),
        ),
        case(
            "handshake.content-types",
            "Content-Type is text/plain; look at the query before the body, whatever its type.",
            PAGE,
            EXACT,
            Act::Each(kinds, echo()),
        ),
        case(
            "handshake.some-body",
            "No body is documented; clients that parsed one first failed (Nine-Minds/alga-psa#972).",
            "github.com/Nine-Minds/alga-psa/issues/972",
            EXACT,
            Act::Each(
                vec![
                    usual().load(Load::Whole(String::new())),
                    usual().load(Load::Whole("{}".into())),
                    usual().load(Load::Whole("a token".into())),
                ],
                echo(),
            ),
        ),
        case(
            "handshake.twice",
            "The same address as notificationUrl and lifecycleNotificationUrl is validated twice.",
            PAGE,
            "both are echoed",
            Act::AtOnce(vec![usual(), usual()], echo()),
        ),
        case(
            "handshake.get",
            "Graph validates by POST; people and monitors look by GET.",
            "experience; not in Graph's documentation",
            "no server error",
            Act::Each(vec![usual().method(Method::GET)], Judge::NoServerError),
        ),
        case(
            "handshake.with-notifications",
            "A token is no licence: a body with a value array would be swallowed by an echo.",
            "a consequence of the two rules; not in Graph's documentation",
            "the request is judged as a notification, and the token does not come back",
            Act::Each(
                vec![
                    usual()
                        .content_type(Some("application/json"))
                        .load(Load::Whole(change("handshake"))),
                ],
                Judge::NoEcho("a token".into()),
            ),
        ),
    ]
}

/// What an echo can be abused for.
fn hostile() -> Vec<Case> {
    let markup = "<script>alert(1)</script>";
    let huge = "x".repeat(12_000);
    vec![
        case(
            "handshake.no-page",
            "Graph never sends HTML; an echo as text/html lets anybody run script on your origin.",
            PAGE,
            "text/plain, or a refusal with 4xx",
            Act::Each(
                vec![Ask::handshake("%3cscript%3ealert(1)%3c%2fscript%3e")],
                Judge::EchoOrRefusal(markup.into()),
            ),
        ),
        case(
            "handshake.no-sniffing",
            "Browsers guess the type of text unless they are told not to.",
            "OWASP secure headers; not in Graph's documentation",
            "X-Content-Type-Options: nosniff",
            Act::Each(vec![Ask::handshake("a+token")], Judge::NoSniffing),
        ),
        case(
            "handshake.header-injection",
            "Line breaks in a token must not reach the head of the answer.",
            "CWE-113, not Graph's documentation",
            "no injected header; the echo in the body, or a refusal",
            Act::Each(
                vec![Ask::handshake("a%0d%0aX-Probe-Injected:+1%0d%0a%0d%0ab")],
                Judge::NoHeader("x-probe-injected"),
            ),
        ),
        case(
            "handshake.huge",
            "Nobody needs to echo 12,000 bytes.",
            "not in Graph's documentation",
            "an echo or a refusal with 4xx",
            Act::Each(
                vec![Ask::handshake(&huge)],
                Judge::EchoOrRefusal(huge.clone()),
            ),
        ),
        case(
            "handshake.bad-encoding",
            "What is no UTF-8, or no escape, must not bring the receiver down.",
            "not in Graph's documentation",
            "no server error",
            Act::Each(
                vec![Ask::handshake("%ff%fe"), Ask::handshake("%zz%4")],
                Judge::NoServerError,
            ),
        ),
    ]
}
