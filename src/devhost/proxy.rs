//! Proxy mode: a client's request goes to the handler as it is, with the host's own marks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;

use super::core::Core;
use super::events::{Cause, Outcome};
use super::invocation::{Running, TOO_LONG, Timed, within_timeout};
use super::proxy_head::{ProxiedHead, response_headers};
use super::reply::{Reply, ReplyBody};
use super::wire::{Manner, Outgoing, WireError, exchange};
use super::worker::Worker;

/// Rounds of sending, and waits between them (RetryProxyHandler).
const ROUNDS: u32 = 10;
const WAIT_STEP: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_millis(250);
/// Sends within a round when the connection ends without an answer: together the 40
/// deliveries that were seen.
const SENDS_PER_ROUND: u32 = 4;
/// Silence after which the proxy gives up (YARP's ActivityTimeout, as the host sets it).
const ACTIVITY_TIMEOUT: Duration = Duration::from_secs(240);

/// Between the last piece of a broken answer and the end of the client's connection.
const FLUSH_WAIT: Duration = Duration::from_millis(10);

/// A client's request, its target already encoded for the handler.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    /// Path as the client's log shows it, without the query.
    pub(crate) path: String,
    /// Path and query for the handler.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) client: IpAddr,
    pub(crate) body: IncomingBody,
}

/// How much of a request's body is here.
pub(crate) enum IncomingBody {
    /// None, or one of length 0: the request may be replayed.
    None,
    /// Read whole, because it had a length.
    Whole(Bytes),
    /// Chunked: it streams.
    Streamed(Body),
}

/// Answers a request by the handler's answer, or by 500 with an empty body.
pub(crate) async fn forward(
    core: &Arc<Core>,
    worker: &Arc<Worker>,
    function: &str,
    incoming: Incoming,
) -> Response {
    let cause = Cause::Http {
        method: incoming.method.to_string(),
        path: incoming.path.clone(),
    };
    let running = Running::new(core, function, cause);
    let head = ProxiedHead::new(&incoming, &running.id);
    let is_head = incoming.method == Method::HEAD;
    let mut sending = Box::pin(send(worker, head, incoming.body, is_head));
    let result = match within_timeout(core, worker, &running, &mut sending).await {
        Timed::InTime(result) => result,
        Timed::Late => Err(TOO_LONG.to_owned()),
        // The new process gets a bodyless request again, as was seen.
        Timed::Killed => sending.await,
    };
    match result {
        Ok(reply) => answer(core.clone(), worker.clone(), running, reply).await,
        Err(why) => {
            running.finish(Outcome::Failed { why }, Vec::new());
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Sends until there is an answer, for as long as sending again is allowed: always if nothing
/// listened, and after a lost connection or a garbage answer only without a body.
async fn send(
    worker: &Worker,
    head: ProxiedHead,
    body: IncomingBody,
    is_head: bool,
) -> Result<Reply, String> {
    let mut port = worker.ready_port().await?;
    let manner = Manner {
        is_head,
        expects_continue: head.expects_continue,
    };
    let may_replay = matches!(body, IncomingBody::None);
    let mut body = Some(body);
    let mut round = 0;
    let mut sends = 0;
    loop {
        if let Ok(stream) = worker.pool.connect(port).await {
            let exchange = exchange(stream, head.bytes(port), outgoing(&mut body), manner);
            match tokio::time::timeout(ACTIVITY_TIMEOUT, exchange).await {
                Err(_) => return Err(format!("no answer within {ACTIVITY_TIMEOUT:?}")),
                Ok(Ok(reply)) => return Ok(reply),
                Ok(Err(error)) if !may_replay => return Err(error.to_string()),
                Ok(Err(WireError::Dropped)) if sends + 1 < SENDS_PER_ROUND => {
                    sends += 1;
                    continue;
                }
                Ok(Err(_)) => {}
            }
        }
        sends = 0;
        round += 1;
        if round >= ROUNDS {
            return Err("the handler did not answer".to_owned());
        }
        tokio::time::sleep((WAIT_STEP * round).min(WAIT_MAX)).await;
        port = worker.port_now().unwrap_or(port);
    }
}

/// The body for one send. Only one without a body, or one that never went out, comes here twice.
fn outgoing(body: &mut Option<IncomingBody>) -> Outgoing {
    match body.take() {
        None => Outgoing::Nothing,
        Some(IncomingBody::None) => {
            *body = Some(IncomingBody::None);
            Outgoing::Nothing
        }
        Some(IncomingBody::Whole(bytes)) => Outgoing::Whole(bytes),
        Some(IncomingBody::Streamed(stream)) => {
            Outgoing::Streamed(Box::pin(stream.into_data_stream()))
        }
    }
}

/// The handler's answer, its body streaming. The invocation ends with the body.
async fn answer(core: Arc<Core>, worker: Arc<Worker>, running: Running, reply: Reply) -> Response {
    let Ok(status) = StatusCode::from_u16(reply.status) else {
        let why = format!("the handler answered with the status {}", reply.status);
        running.finish(Outcome::Failed { why }, Vec::new());
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    *response.headers_mut() = response_headers(&reply.headers);
    let succeeded = Outcome::Succeeded {
        status: Some(status.as_u16()),
    };
    if reply.body.is_finished() {
        worker.keep(reply.body).await;
        running.finish(succeeded, Vec::new());
        return response;
    }
    let state = Some((core, worker, running, reply.body));
    let pieces = stream::unfold(state, move |state| {
        let succeeded = succeeded.clone();
        async move {
            let (core, worker, running, mut body) = state?;
            match piece(&core, &worker, &running, &mut body).await {
                // The server asks for nothing beyond a known length, so the end is told here.
                Ok(Some(piece)) if body.is_finished() => {
                    worker.keep(body).await;
                    running.finish(succeeded, Vec::new());
                    Some((Ok(piece), None))
                }
                Ok(Some(piece)) => Some((Ok(piece), Some((core, worker, running, body)))),
                Ok(None) => {
                    worker.keep(body).await;
                    running.finish(succeeded, Vec::new());
                    None
                }
                Err(why) => {
                    running.finish(Outcome::Failed { why: why.clone() }, Vec::new());
                    // The client gets what came, then a broken connection: while this waits,
                    // the server writes out what it holds.
                    tokio::time::sleep(FLUSH_WAIT).await;
                    Some((Err(std::io::Error::other(why)), None))
                }
            }
        }
    });
    *response.body_mut() = Body::from_stream(pieces);
    response
}

/// The next piece of an answer, within the function's time.
async fn piece(
    core: &Core,
    worker: &Worker,
    running: &Running,
    body: &mut ReplyBody,
) -> Result<Option<Bytes>, String> {
    let next = Box::pin(tokio::time::timeout(ACTIVITY_TIMEOUT, body.next()));
    match within_timeout(core, worker, running, next).await {
        Timed::InTime(Ok(Ok(piece))) => Ok(piece),
        Timed::InTime(Ok(Err(error))) => Err(error.to_string()),
        Timed::InTime(Err(_)) => Err(format!("silence of {ACTIVITY_TIMEOUT:?} inside the answer")),
        Timed::Late | Timed::Killed => Err(TOO_LONG.to_owned()),
    }
}
