//! What Graph calls: the notification and the lifecycle address of each fleet.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::body::{Received, discard, is_absent, receive as receive_body};
use super::{Handler, caller, handshake};
use crate::telemetry::field;

/// Graph documents no largest batch; one of 100 items has about 45 KB.
const BODY_MAX: usize = 4 * 1024 * 1024;

/// Answers a handshake; everything else gets 503, so that Graph keeps it: it sends again for
/// up to 4 hours (learn.microsoft.com/graph/change-notifications-delivery-webhooks).
///
/// A path of no fleet of ours is 404, handshakes included: whoever can make us echo a token
/// can make Graph believe that an address wants its notifications.
pub(super) async fn receive(State(handler): State<Handler>, request: Request) -> Response {
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
            Method::POST => not_accepted(body).await,
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
        Err(answer) => answer,
    }
}

/// Whether the request is a handshake although it may have a body; otherwise its answer.
async fn without_notification(body: Body) -> Result<(), Response> {
    if is_absent(&body) {
        return Ok(());
    }
    match receive_body(body, BODY_MAX).await {
        Received::Whole(bytes) if handshake::is_notification(&bytes) => Err(keep_it()),
        Received::Empty | Received::Whole(_) => Ok(()),
        Received::TooLarge => Err(too_large()),
        Received::Broken => Err(StatusCode::REQUEST_TIMEOUT.into_response()),
    }
}

/// Reads the body to its end, so that the answer arrives, and does not accept it.
async fn not_accepted(body: Body) -> Response {
    if discard(body, BODY_MAX).await {
        keep_it()
    } else {
        too_large()
    }
}

fn keep_it() -> Response {
    let words = "notifications are not taken in here yet; please send it again\n";
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

fn too_large() -> Response {
    StatusCode::PAYLOAD_TOO_LARGE.into_response()
}

fn only_post() -> Response {
    let words = "this address is for Microsoft Graph, which posts to it\n";
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], words).into_response()
}
