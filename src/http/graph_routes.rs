//! What Graph calls: the notification and the lifecycle address of each fleet.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use jiff::Timestamp;

use super::body::{
    Received, announced, discard, is_absent, receive as receive_body, receive_within,
};
use super::{Handler, caller, handshake};
use crate::app::intake::{Admission, Answer, Route};
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
    let began = caller::began(&head.headers);
    let Some(token) = handshake::token(&head.uri) else {
        return match head.method {
            Method::POST => take_in(&handler, route, began, body).await,
            _ => only_post(),
        };
    };
    if is_absent(&body) {
        let invocation = caller::invocation_id(&head.headers);
        if handler.shared.handshakes.is_new(invocation) {
            tracing::debug!({ field::FLEET } = %fleet, "answered a validation handshake");
            if let Some(reception) = handler.shared.desk.known() {
                reception.handshake();
            }
        }
        return handshake::echo(token);
    }
    with_token_and_body(&handler, route, token, body).await
}

/// A token beside a body: only a JSON `value` array makes it a notification, which an echo would
/// swallow.
async fn with_token_and_body(
    handler: &Handler,
    route: Route,
    token: String,
    body: Body,
) -> Response {
    let Some(reception) = handler.shared.desk.reception(STARTING).await else {
        return match receive_body(body, BODY_MAX).await {
            Received::Whole(bytes) if handshake::is_notification(&bytes) => keep_it(),
            Received::Whole(_) | Received::Empty => handshake::echo(token),
            Received::TooLarge => too_large(),
            Received::NoRoom => keep_it(),
            Received::Broken => broken(),
        };
    };
    match arrive(&reception, None, body).await {
        Ok(arrived) if handshake::is_notification(&arrived.bytes) => {
            hand_over(handler, &reception, route, arrived).await
        }
        Ok(_) => handshake::echo(token),
        Err(answer) => answer,
    }
}

/// Takes a notification in, if there is anybody to do it.
async fn take_in(
    handler: &Handler,
    route: Route,
    began: Option<Timestamp>,
    body: Body,
) -> Response {
    match handler.shared.desk.reception(STARTING).await {
        Some(reception) => match arrive(&reception, began, body).await {
            Ok(arrived) => hand_over(handler, &reception, route, arrived).await,
            Err(answer) => answer,
        },
        // Read to its end, so that the answer arrives.
        None if discard(body, BODY_MAX).await => keep_it(),
        None => too_large(),
    }
}

/// A body that may be worked on.
struct Arrived {
    admission: Admission,
    bytes: Bytes,
}

/// Beyond capacity, by number or by what it announces, the body is not even read; one that
/// announces nothing is read for as long as there is room.
async fn arrive(
    reception: &Reception,
    began: Option<Timestamp>,
    body: Body,
) -> Result<Arrived, Response> {
    let Some(mut admission) = reception.admit() else {
        return Err(keep_it());
    };
    admission.came_in(began);
    let max = reception.body_bytes();
    let announced = announced(&body).filter(|length| *length <= max);
    if announced.is_some_and(|length| !admission.has_room(length)) {
        reception.turned_away();
        return Err(keep_it());
    }
    let room = |so_far| admission.hold(so_far);
    let bytes = match receive_within(body, max, ARRIVAL, room).await {
        Received::Whole(bytes) => bytes,
        Received::Empty => Bytes::new(),
        Received::TooLarge => return Err(too_large()),
        Received::Broken => return Err(broken()),
        Received::NoRoom => {
            reception.turned_away();
            return Err(keep_it());
        }
    };
    Ok(Arrived { admission, bytes })
}

async fn hand_over(
    handler: &Handler,
    reception: &Arc<Reception>,
    route: Route,
    arrived: Arrived,
) -> Response {
    let Arrived { admission, bytes } = arrived;
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
