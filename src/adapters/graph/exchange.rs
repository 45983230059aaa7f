//! One exchange with Graph: send, follow a redirect, read the answer, all within one limit.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Method, Response, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::links;
use super::options::{GraphOptions, GraphSetupError, checked_base};
use crate::adapters::outgoing::{Outgoing, chain, never_left};
use crate::adapters::words;
use crate::ports::graph::Trace;
use crate::ports::graph_outcome::Broken;

/// Redirects followed in one exchange. A renewal was once answered 308 (abraunegg/onedrive,
/// changelog 2.5.6); more than a few are a loop.
const REDIRECTS: usize = 3;

/// Longest header value that is kept.
const HEADER: usize = 256;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// A request, ready to be sent.
pub(super) struct Request<'a> {
    pub method: Method,
    pub url: Url,
    pub body: Option<Vec<u8>>,
    pub bearer: &'a HeaderValue,
    pub client_request_id: &'a str,
    pub limit: Duration,
}

/// An answer.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, or as much of it as came.
    pub body: Vec<u8>,
    /// Why the body is not whole, if it is not.
    pub torn: Option<String>,
    pub trace: Trace,
    /// Why a redirect was not followed, if the answer is one.
    pub stayed: Option<&'static str>,
}

impl Answer {
    /// The `Retry-After` header, cut to a sensible length.
    pub(super) fn retry_after(&self) -> Option<String> {
        text(&self.headers, &RETRY_AFTER)
    }
}

/// The way to Graph.
#[derive(Debug)]
pub(super) struct Line {
    outgoing: Outgoing,
    base: Url,
    body_limit: usize,
}

impl Line {
    /// A way to one Graph; nothing is opened yet.
    pub(super) fn new(options: &GraphOptions) -> Result<Self, GraphSetupError> {
        let base = checked_base(&options.base_url)?;
        Ok(Self {
            outgoing: Outgoing::to(&base).connecting_within(options.timeouts.connect),
            base,
            body_limit: options.body_limit,
        })
    }

    /// Graph's root, without a slash at its end.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The collection of subscriptions, or what the segments name in it.
    pub(super) fn subscriptions(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("subscriptions").extend(segments);
        }
        url
    }

    /// Sends a request and reads its answer.
    pub(super) async fn exchange(&self, mut request: Request<'_>) -> Result<Answer, Broken> {
        let deadline = Instant::now() + request.limit;
        let limit = request.limit;
        let late = || format!("no answer within {} s", limit.as_secs_f64());
        let body = request.body.take().map(Bytes::from);
        let mut url = request.url.clone();
        let mut hops = 0;
        let client = self.outgoing.client();
        let client = client.map_err(|why| Broken::NotSent(why.to_owned()))?;
        loop {
            let mut sent = client
                .request(request.method.clone(), url.clone())
                .headers(headers(&request, body.is_some()));
            if let Some(body) = &body {
                sent = sent.body(body.clone());
            }
            let response = match timeout_at(deadline, sent.send()).await {
                Err(_) => return Err(Broken::Lost(late())),
                Ok(Err(error)) => return Err(broken(&error)),
                Ok(Ok(response)) => response,
            };
            let stayed = match self.target(&url, &response, hops) {
                Target::None => None,
                Target::Refused(why) => Some(why),
                Target::Follow(next) => {
                    hops += 1;
                    url = next;
                    continue;
                }
            };
            return Ok(self.read(response, stayed, deadline).await);
        }
    }

    /// Where a 307 or 308 leads; both keep method and body. Other redirects do not, and are
    /// never followed.
    fn target(&self, from: &Url, response: &Response, hops: usize) -> Target {
        match response.status() {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {}
            other if other.is_redirection() => {
                return Target::Refused("it redirects in a way that does not keep the request");
            }
            _ => return Target::None,
        }
        if hops == REDIRECTS {
            return Target::Refused("it redirects again and again");
        }
        let location = response.headers().get(LOCATION);
        match location.and_then(|value| value.to_str().ok()) {
            None => Target::Refused("it redirects without saying where"),
            Some(location) => match links::redirect(&self.base, from, location) {
                Ok(next) => Target::Follow(next),
                Err(why) => Target::Refused(why),
            },
        }
    }

    async fn read(
        &self,
        mut response: Response,
        stayed: Option<&'static str>,
        deadline: Instant,
    ) -> Answer {
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        let torn = loop {
            match timeout_at(deadline, response.chunk()).await {
                Err(_) => break Some("its body did not end in time".to_owned()),
                Ok(Err(error)) => break Some(format!("its body broke off: {}", chain(&error))),
                Ok(Ok(None)) => break None,
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() > self.body_limit => {
                    break Some(format!("its body has more than {} bytes", self.body_limit));
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            }
        };
        Answer {
            status,
            trace: trace(&headers),
            headers,
            body,
            torn,
            stayed,
        }
    }
}

enum Target {
    None,
    Follow(Url),
    Refused(&'static str),
}

fn headers(request: &Request<'_>, has_body: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, request.bearer.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(request.client_request_id) {
        headers.insert(CLIENT_REQUEST_ID, id);
    }
    if request.method == Method::POST && !has_body {
        // hyper leaves it out, and servers on http.sys answer 411 to such a POST.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers
}

fn trace(headers: &HeaderMap) -> Trace {
    let date = text(headers, &DATE);
    Trace {
        date: date.and_then(|date| http_date(&date)),
        request_id: text(headers, &REQUEST_ID),
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = words::printable(headers.get(name)?.to_str().ok()?, HEADER);
    Some(text).filter(|text| !text.is_empty())
}

/// Whether the request can have left: a connection that was never made carried nothing.
fn broken(error: &reqwest::Error) -> Broken {
    if never_left(error) {
        Broken::NotSent(chain(error))
    } else {
        Broken::Lost(chain(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_clock_is_read_from_the_date_header() {
        let mut headers = HeaderMap::new();
        headers.insert(
            DATE,
            HeaderValue::from_static("Wed, 02 Jan 2030 03:04:05 GMT"),
        );
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc"));
        let trace = trace(&headers);
        assert_eq!(trace.date, "2030-01-02T03:04:05Z".parse().ok());
        assert_eq!(trace.request_id.as_deref(), Some("abc"));
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn an_id_stays_in_its_segment() {
        let root = |url: &str| Line::new(&GraphOptions::new(Url::parse(url).unwrap())).unwrap();
        let url = root("https://graph.example/v1.0/").subscriptions(&["a b"]);
        assert_eq!(
            url.as_str(),
            "https://graph.example/v1.0/subscriptions/a%20b"
        );
        let url = root("http://127.0.0.1:9").subscriptions(&[]);
        assert_eq!(url.as_str(), "http://127.0.0.1:9/subscriptions");
    }
}
