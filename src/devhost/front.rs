//! The host's own HTTP server: limits, routes, authorization, and the way to the proxy.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, StatusCode, Version, header};
use axum::response::Response;
use futures::StreamExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::admin;
use super::core::Core;
use super::function::{Function, HttpTrigger, Trigger};
use super::keys::presented;
use super::proxy::{Incoming, IncomingBody, empty, forward};
use super::target::{decode_path, encode_path};

/// Kestrel's limits, as the host leaves them: header fields, bytes of all of them, bytes of the
/// request line.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 32 * 1024;
const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;
/// Largest request body (HttpRequestBodySizeMiddleware). The client of a larger one gets 500.
const BODY_BYTES_MAX: usize = 104_857_600;

/// Accepts clients until the host closes, and then serves those who have sent a request.
/// Dropping it cuts all connections.
pub(crate) async fn serve(listener: TcpListener, core: Arc<Core>) {
    let mut connections = JoinSet::new();
    let mut is_closing = core.is_closing.subscribe();
    loop {
        tokio::select! {
            _ = is_closing.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    connections.spawn(connection(stream, client.ip(), core.clone(), is_closing.clone()));
                }
                // Out of file handles, for example: clients wait meanwhile.
                Err(error) => {
                    tracing::warn!(%error, "a client could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    client: IpAddr,
    core: Arc<Core>,
    mut is_closing: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let core = core.clone();
        async move { Ok::<_, Infallible>(respond(&core, client, request.map(Body::new)).await) }
    });
    let served = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let result = tokio::select! {
        result = &mut served => result,
        _ = is_closing.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "the connection of a client broke");
    }
}

async fn respond(core: &Arc<Core>, client: IpAddr, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(status) = over_limit(&parts) {
        return closing(status);
    }
    if parts.version == Version::HTTP_10 && !parts.headers.contains_key(header::HOST) {
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let Some(path) = decode_path(parts.uri.path()) else {
        return closing(StatusCode::BAD_REQUEST);
    };
    let key = presented(
        parts
            .headers
            .get("x-functions-key")
            .and_then(|value| value.to_str().ok()),
        parts.uri.query(),
    );
    if let Some(route) = admin::route(&parts.method, &path) {
        return admin::respond(core, route, key.as_deref(), body).await;
    }
    let Some((function, trigger)) = matching(core, &parts, &path) else {
        return if path == "/" {
            home(core)
        } else {
            empty(StatusCode::NOT_FOUND)
        };
    };
    if core.enforce_keys
        && !core
            .keys
            .open(&function.name, trigger.level, key.as_deref())
    {
        return empty(StatusCode::UNAUTHORIZED);
    }
    if function.disabled && !core.keys.is_master(key.as_deref()) {
        return empty(StatusCode::NOT_FOUND);
    }
    let Some(worker) = core.worker_of(function) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let Some(body) = receive(&parts, body).await else {
        return closing(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let encoded = encode_path(&path);
    let query = parts
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let incoming = Incoming {
        method: parts.method,
        target: format!("{encoded}{query}"),
        path: encoded,
        headers: parts.headers,
        client,
        body,
    };
    forward(core, worker, &function.name, incoming).await
}

/// The first function, in the order of the folders, whose route and methods match.
fn matching<'a>(
    core: &'a Core,
    parts: &Parts,
    path: &str,
) -> Option<(&'a Arc<Function>, &'a HttpTrigger)> {
    core.functions
        .all
        .iter()
        .find_map(|function| match &function.trigger {
            Trigger::Http(http) => {
                let allowed = http.methods.is_empty()
                    || http.methods.iter().any(|m| m == parts.method.as_str());
                (allowed && http.route.matches(path)).then_some((function, http))
            }
            Trigger::Timer(_) => None,
        })
}

fn over_limit(parts: &Parts) -> Option<StatusCode> {
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if parts.method.as_str().len() + target + " HTTP/1.1\r\n".len() + 1 > REQUEST_LINE_BYTES_MAX {
        return Some(StatusCode::URI_TOO_LONG);
    }
    let line = |(name, value): (&header::HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + ": \r\n".len()
    };
    let bytes: usize = parts.headers.iter().map(line).sum();
    (bytes > HEADER_BYTES_MAX).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

/// Reads a body that has a length; one in chunks is left to stream. None if it is too large or
/// broken.
async fn receive(parts: &Parts, body: Body) -> Option<IncomingBody> {
    if parts.headers.contains_key(header::TRANSFER_ENCODING) {
        let mut total = 0;
        let limited = body.into_data_stream().map(move |piece| {
            let piece = piece?;
            total += piece.len();
            if total > BODY_BYTES_MAX {
                return Err(axum::Error::new("the request's body is over 100 MB"));
            }
            Ok(piece)
        });
        return Some(IncomingBody::Streamed(Body::from_stream(limited)));
    }
    let Some(length) = parts.headers.get(header::CONTENT_LENGTH) else {
        return Some(IncomingBody::None);
    };
    if length.to_str().ok()?.parse::<usize>().ok()? > BODY_BYTES_MAX {
        return None;
    }
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.ok()?;
    Some(if bytes.is_empty() {
        IncomingBody::None
    } else {
        IncomingBody::Whole(bytes)
    })
}

/// An answer after which the connection is closed, because the request was not read.
fn closing(status: StatusCode) -> Response {
    let mut response = empty(status);
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The host's page at `/`, unless a setting turns it off.
fn home(core: &Core) -> Response {
    if core.disable_home {
        return empty(StatusCode::NO_CONTENT);
    }
    let page = "<!DOCTYPE html><title>evergraph</title><p>The local Functions host is running.";
    let mut response = Response::new(Body::from(page));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}
