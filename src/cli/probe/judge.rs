//! What is good and bad in an answer.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName};

use super::ask::{Answer, Silence};
use super::case::Verdict;

/// Time for the first attempt of a notification ("delivery by webhooks", 2026-04-22).
pub(super) const FIRST_ATTEMPT: Duration = Duration::from_secs(3);

/// How an answer is judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Judge {
    /// 200 exactly, `text/plain`, this body and nothing else.
    Echo(String),
    /// The same, or a refusal with 4xx. Never a page.
    EchoOrRefusal(String),
    /// Not this body: the request was more than a handshake.
    NoEcho(String),
    /// An echo that tells browsers not to guess.
    NoSniffing,
    /// 2xx within three seconds.
    Acknowledged,
    /// 2xx, or "not now" (503), within three seconds.
    AcknowledgedOrLater,
    /// Anything but 5xx and silence.
    NoServerError,
    /// The same; 2xx deserves a warning.
    RatherRefused,
    /// Any answer that is no 5xx, or a connection that is closed in the middle of the body.
    RefusedOrTaken,
    /// No header of this name, and no 5xx.
    NoHeader(&'static str),
}

/// A judgement and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) seen: String,
}

impl Judged {
    pub(super) fn new(verdict: Verdict, seen: impl Into<String>) -> Self {
        let seen = seen.into();
        Self { verdict, seen }
    }

    /// The first of the worst.
    pub(super) fn worst(all: Vec<Self>) -> Self {
        let worst = all.iter().map(|one| one.verdict).max();
        all.into_iter()
            .find(|one| Some(one.verdict) == worst)
            .unwrap_or_else(|| Self::new(Verdict::Fail, "nothing was sent"))
    }
}

impl Judge {
    /// Judges what came back.
    pub(super) fn look(&self, outcome: &Result<Answer, Silence>) -> Judged {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(Silence::Broken(_)) if *self == Self::RefusedOrTaken => {
                return Judged::new(Verdict::Pass, "the connection was closed");
            }
            Err(silence) => return Judged::new(Verdict::Fail, told(silence)),
        };
        let (verdict, why) = self.weigh(answer);
        let seen = if why.is_empty() {
            in_short(answer)
        } else {
            format!("{why}: {}", in_short(answer))
        };
        Judged::new(verdict, seen)
    }

    fn weigh(&self, answer: &Answer) -> (Verdict, &'static str) {
        use Verdict::{Fail, Pass, Warn};
        let status = answer.status;
        match self {
            Self::Echo(token) => echo(answer, token),
            Self::EchoOrRefusal(token) => match echo(answer, token) {
                _ if (400..500).contains(&status) => (Pass, ""),
                // Graph's own tokens hold no markup, so escaping alters none.
                (Fail, _) if is_plain(answer) && answer.body == escaped(token) => (Pass, ""),
                other => other,
            },
            Self::NoEcho(token) if answer.body == *token => (Fail, "it was taken for a handshake"),
            Self::NoEcho(_) => (Pass, ""),
            Self::NoSniffing => match header(answer, "x-content-type-options") {
                Some(value) if value.eq_ignore_ascii_case("nosniff") => (Pass, ""),
                _ => (Warn, "there is no X-Content-Type-Options: nosniff"),
            },
            Self::AcknowledgedOrLater if status == 503 => (Warn, "Graph will send it again"),
            Self::Acknowledged | Self::AcknowledgedOrLater => acknowledged(answer),
            Self::NoHeader(name) if header(answer, name).is_some() => {
                (Fail, "a header was injected")
            }
            // 501 says no more than that the method is not known.
            _ if status >= 500 && status != 501 => (Fail, "a server error"),
            Self::RatherRefused if (200..300).contains(&status) => {
                (Warn, "Graph never sends this, and it was taken")
            }
            _ => (Pass, ""),
        }
    }
}

fn echo(answer: &Answer, token: &str) -> (Verdict, &'static str) {
    use Verdict::{Fail, Pass};
    if answer.status != 200 {
        return (Fail, "the status must be 200 exactly");
    }
    if !is_plain(answer) {
        return (Fail, "the content type must be text/plain");
    }
    if answer.body == token {
        return (Pass, "");
    }
    let words = if answer.body.trim() == token {
        "white space was added"
    } else if answer.body.trim().trim_matches('"') == token {
        "the token was put in quotes"
    } else if answer.body == token.replace(' ', "+") {
        "plus signs were not decoded"
    } else if answer.body.contains('%') && !token.contains('%') {
        "the token was not decoded"
    } else if token.contains('%') {
        "the token was decoded twice, or altered"
    } else if token.starts_with(&answer.body) {
        "the token was cut"
    } else {
        "the body is not the token"
    };
    (Fail, words)
}

fn acknowledged(answer: &Answer) -> (Verdict, &'static str) {
    use Verdict::{Fail, Pass};
    match answer.status {
        200..=299 if answer.took < FIRST_ATTEMPT => (Pass, ""),
        200..=299 => (Fail, "later than three seconds, so Graph sends it again"),
        300..=399 => (Fail, "Graph does not follow redirects"),
        400..=499 => (Fail, "a refusal: Graph sends it again for four hours"),
        _ => (Fail, "a server error: Graph sends it again for four hours"),
    }
}

fn is_plain(answer: &Answer) -> bool {
    header(answer, CONTENT_TYPE.as_str())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/plain"))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    answer
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("?"))
}

fn escaped(token: &str) -> String {
    token
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// What is said of silence.
pub(super) fn told(silence: &Silence) -> String {
    match silence {
        Silence::TimedOut => "no answer within ten seconds".to_owned(),
        Silence::Broken(words) => format!("no answer: {words}"),
    }
}

/// Status, type, time and the start of the body.
pub(super) fn in_short(answer: &Answer) -> String {
    let kind = header(answer, CONTENT_TYPE.as_str()).unwrap_or("no content type");
    let start: String = answer.body.chars().take(60).collect();
    let more = if start.len() < answer.body.len() {
        "…"
    } else {
        ""
    };
    let status = answer.status;
    let millis = answer.took.as_millis();
    format!("{status}, {kind}, {start:?}{more}, after {millis} ms")
}
