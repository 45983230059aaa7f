//! Graph's own API over HTTP.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use super::{Door, HungUp};
use crate::sim::answer::{Answer, http_date};
use crate::sim::exchange::{Exchange, exchange};
use crate::sim::refusal::Refusal;
use crate::sim::request::{Op, Request};
use crate::sim::token::caller_of;

/// As real answers carry it (C:concepts/auth-v2-service.md of the Graph documentation).
const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                    IEEE754Compatible=false;charset=utf-8";

/// Any call that is not for the control API.
pub(super) async fn call(
    State(door): State<Door>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let (version, route) = split(uri.path());
    let base = format!("http://{}/{version}", host_of(&headers, &door));
    let (op, id) = match operation(&method, &route) {
        Ok(found) => found,
        Err(refusal) => return unknown(&door, &refusal),
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let tokens = door.sim.with(|service, _| service.settings.tokens.clone());
    let request = Request {
        op,
        caller: caller_of(text("authorization"), &tokens),
        id,
        skiptoken: query(&uri, "$skiptoken"),
        redirected: query(&uri, "redirected").is_some(),
        client_request_id: text("client-request-id").map(str::to_owned),
        base,
        body: body.to_vec(),
    };
    // In a task of its own: a caller that dies in the middle does not undo what it asked for.
    let (sim, caller) = (Arc::clone(&door.sim), door.caller.clone());
    let task = tokio::spawn(async move { exchange(&sim, &request, &caller, None).await });
    match task.await {
        Ok(Exchange::Answered(answer)) => render(&answer),
        Ok(Exchange::Lost | Exchange::Unreachable) => hang_up(),
        Err(broken) => {
            tracing::error!(%broken, "the simulator failed to answer");
            hang_up()
        }
    }
}

/// Version and the decoded words behind it.
///
/// The JavaScript SDK knows absolute addresses by `https://` alone and puts a nextLink of plain
/// http behind its base address (`/v1.0/http://127.0.0.1:9000/v1.0/subscriptions`): read as meant.
fn split(path: &str) -> (String, Vec<String>) {
    let mut words: Vec<String> = path
        .split('/')
        .filter(|word| !word.is_empty())
        .map(|word| percent_decode_str(word).decode_utf8_lossy().into_owned())
        .collect();
    if words.get(1).is_some_and(|word| word == "http:") {
        words.drain(..words.len().min(3));
    }
    if words.is_empty() {
        return (String::new(), words);
    }
    let version = words.remove(0);
    (version, words)
}

/// The address by which the caller reached us; nextLink must lead back there.
fn host_of(headers: &HeaderMap, door: &Door) -> String {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map_or_else(|| door.address.to_string(), str::to_owned)
}

fn operation(method: &Method, route: &[String]) -> Result<(Op, Option<String>), Refusal> {
    let words: Vec<&str> = route.iter().map(String::as_str).collect();
    let method = method.as_str();
    let found = match (method, words.as_slice()) {
        ("POST", ["subscriptions"]) => (Op::Create, None),
        ("GET", ["subscriptions"]) => (Op::List, None),
        ("GET", ["subscriptions", id]) => (Op::Get, Some(*id)),
        ("PATCH", ["subscriptions", id]) => (Op::Renew, Some(*id)),
        ("DELETE", ["subscriptions", id]) => (Op::Delete, Some(*id)),
        // OData actions may be written with their namespace.
        (
            "POST",
            [
                "subscriptions",
                id,
                "reauthorize" | "microsoft.graph.reauthorize",
            ],
        ) => (Op::Reauthorize, Some(*id)),
        // docs#4790: what a PATCH without an id gets
        ("PATCH" | "DELETE", ["subscriptions"]) => {
            let words = "No HTTP resource was found that matches the request URI \
                         'https://subscriptionstore.windows.net/1.0/subscriptions'.";
            return Err(Refusal::new(404, "ResourceNotFound", words));
        }
        (_, ["subscriptions"] | ["subscriptions", _] | ["subscriptions", _, "reauthorize"]) => {
            // The words of the batching page's sample.
            let words = "Specified HTTP method is not allowed for the request target.";
            return Err(Refusal::new(405, "Request_BadRequest", words));
        }
        // The gateway's answer to paths it does not know, as generally known.
        (_, words) => {
            let first = words.first().copied().unwrap_or_default();
            let words = format!("Resource not found for the segment '{first}'.");
            return Err(Refusal::new(400, "BadRequest", words));
        }
    };
    Ok((found.0, found.1.map(str::to_owned)))
}

fn query(uri: &Uri, name: &str) -> Option<String> {
    url::form_urlencoded::parse(uri.query()?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn unknown(door: &Door, refusal: &Refusal) -> Response<Body> {
    let (now, id) = door.sim.with(|service, at| (at.now, service.guid()));
    let body = refusal.body(now, &id, &id);
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    common(answer.headers_mut(), &id, &id, now);
    put(answer.headers_mut(), "content-type", "application/json");
    answer
}

fn render(answer: &Answer) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    common(
        headers,
        &answer.request_id,
        &answer.client_request_id,
        answer.date,
    );
    if let Some(value) = &answer.retry_after {
        put(headers, "retry-after", value);
    }
    if let Some(value) = &answer.location {
        put(headers, "location", value);
    }
    if !answer.body.is_empty() {
        let success = answer.status < 300;
        put(
            headers,
            "content-type",
            if success { JSON } else { "application/json" },
        );
        if success {
            put(headers, "odata-version", "4.0");
        }
    }
    response
}

fn common(headers: &mut HeaderMap, request_id: &str, client_id: &str, now: jiff::Timestamp) {
    // The virtual clock: callers correct their own clock by it.
    put(headers, "date", &http_date(now));
    put(headers, "request-id", request_id);
    put(headers, "client-request-id", client_id);
    put(headers, "cache-control", "no-cache");
}

/// Values that no header can hold are left out.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn hang_up() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    answer.extensions_mut().insert(HungUp);
    answer
}
