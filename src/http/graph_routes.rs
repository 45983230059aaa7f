//! What Graph calls: the notification and the lifecycle address of each fleet.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::body::{Received, discard, is_absent, receive as receive_body, receive_within};
use super::{Handler, caller, handshake};
use crate::app::intake::{Answer, Route};
use crate::app::reception::Reception;
use crate::telemetry::field;

/// Graph documents no largest batch; one of 100 items has about 45 KB.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// How long a notification waits for the parts behind it while the handler is starting. Graph
/// waits three seconds in all.
const STARTING: Duration = Duration::from_millis(500);

/// How long a notification may take to arrive: whoever is slower would keep others out, and
/// Graph itself does not wait as long.
const ARRIVAL: Duration = Duration::from_secs(5);

/// The address for changes.
pub(super) async fn changes(State(handler): State<Handler>, request: Request) -> Response {
    receive(handler, Route::Notifications, request).await
}

/// The address for lifecycle events.
pub(super) async fn lifecycle(State(handler): State<Handler>, request: Request) -> Response {
    receive(handler, Route::Lifecycle, request).await
}

/// Answers a handshake, and takes a notification in. What cannot be taken in now gets 503, so
/// that Graph keeps it: it sends again for up to 4 hours
/// (learn.microsoft.com/graph/change-notifications-delivery-webhooks).
///
/// A path of no fleet of ours is 404, handshakes included: whoever can make us echo a token
/// can make Graph believe that an address wants its notifications.
async fn receive(handler: Handler, route: Route, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let fleet = head.uri.path().rsplit('/').next().unwrap_or_default();
    let ours = handler.shared.fleets.iter();
    let Some(fleet) = ours.into_iter().find(|one| one.as_str() == fleet) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if ![Method::POST, Method::GET, Method::HEAD].contains(&head.method) {
        return only_post();
    }
    let Some(token) = handshake::token(&head.uri) else {
        return match head.method {
            Method::POST => take_in(&handler, route, body).await,
            _ => only_post(),
        };
    };
    match without_notification(body).await {
        Ok(()) => {
            if handler
                .shared
                .handshakes
                .is_new(caller::invocation_id(&head.headers))
            {
                tracing::debug!({ field::FLEET } = %fleet, "answered a validation handshake");
            }
            handshake::echo(token)
        }
        Err(NoHandshake::Notification(bytes)) => take_in(&handler, route, bytes.into()).await,
        Err(NoHandshake::Answer(answer)) => answer,
    }
}

/// Why a request with a token is no handshake.
enum NoHandshake {
    /// It carries items, which an echo would swallow.
    Notification(Bytes),
    /// It cannot be read.
    Answer(Response),
}

/// Whether the request is a handshake although it may have a body.
async fn without_notification(body: Body) -> Result<(), NoHandshake> {
    if is_absent(&body) {
        return Ok(());
    }
    match receive_body(body, BODY_MAX).await {
        Received::Whole(bytes) if handshake::is_notification(&bytes) => {
            Err(NoHandshake::Notification(bytes))
        }
        Received::Empty | Received::Whole(_) => Ok(()),
        Received::TooLarge => Err(NoHandshake::Answer(too_large())),
        Received::Broken => Err(NoHandshake::Answer(broken())),
    }
}

/// Takes a notification in, if there is anybody to do it.
async fn take_in(handler: &Handler, route: Route, body: Body) -> Response {
    match handler.shared.desk.reception(STARTING).await {
        Some(reception) => hand_over(handler, &reception, route, body).await,
        // Read to its end, so that the answer arrives.
        None if discard(body, BODY_MAX).await => keep_it(),
        None => too_large(),
    }
}

/// Beyond capacity the body is not even read.
async fn hand_over(
    handler: &Handler,
    reception: &Arc<Reception>,
    route: Route,
    body: Body,
) -> Response {
    let Some(admission) = reception.admit() else {
        return keep_it();
    };
    let bytes = match receive_within(body, reception.body_bytes(), ARRIVAL).await {
        Received::Whole(bytes) => bytes,
        Received::Empty => Bytes::new(),
        Received::TooLarge => return too_large(),
        Received::Broken => return broken(),
    };
    let answer = reception.receive(admission, route, &bytes).await;
    if let Answer::Accepted(receipt) | Answer::TryLater(receipt) = &answer
        && receipt.marks > 0
    {
        handler.wake();
    }
    match answer {
        Answer::Accepted(_) => StatusCode::ACCEPTED.into_response(),
        Answer::TryLater(_) => keep_it(),
        Answer::Unreadable => StatusCode::BAD_REQUEST.into_response(),
        Answer::TooLarge => too_large(),
    }
}

fn keep_it() -> Response {
    let words = "this cannot be taken in now; please send it again\n";
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

fn too_large() -> Response {
    StatusCode::PAYLOAD_TOO_LARGE.into_response()
}

fn broken() -> Response {
    StatusCode::REQUEST_TIMEOUT.into_response()
}

fn only_post() -> Response {
    let words = "this address is for Microsoft Graph, which posts to it\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], words).into_response()
}
