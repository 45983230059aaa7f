//! The host's own routes under `/admin`. What is not defined here may reach a catch-all function.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::core::Core;
use super::envelope::HOST_VERSION;
use super::function::Trigger;
use super::lenient::{self, Parsed};
use super::proxy::empty;

/// Largest input of a run by hand.
const INPUT_BYTES_MAX: usize = 1 << 20;

/// A defined admin route.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AdminRoute {
    Ping,
    Status,
    /// Run a function by hand.
    Invoke(String),
}

/// The admin route of a request, if it is one; paths in any case, as ASP.NET matches them.
pub(crate) fn route(method: &Method, path: &str) -> Option<AdminRoute> {
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let [admin, area, name] = segments.as_slice() else {
        return None;
    };
    if !admin.eq_ignore_ascii_case("admin") {
        return None;
    }
    match (area.to_lowercase().as_str(), name.to_lowercase().as_str()) {
        ("host", "ping") if method == Method::GET || method == Method::POST => {
            Some(AdminRoute::Ping)
        }
        ("host", "status") if method == Method::GET => Some(AdminRoute::Status),
        ("functions", _) if method == Method::POST => Some(AdminRoute::Invoke((*name).to_owned())),
        _ => None,
    }
}

pub(crate) async fn respond(
    core: &Arc<Core>,
    route: AdminRoute,
    key: Option<&str>,
    body: Body,
) -> Response {
    if route == AdminRoute::Ping {
        return empty(StatusCode::OK);
    }
    if core.enforce_keys && !core.keys.is_master(key) {
        return empty(StatusCode::UNAUTHORIZED);
    }
    match route {
        AdminRoute::Ping => empty(StatusCode::OK),
        AdminRoute::Status => status(core),
        AdminRoute::Invoke(name) => invoke(core, &name, body).await,
    }
}

fn status(core: &Core) -> Response {
    let uptime_ms = u64::try_from(core.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut status = json!({
        "id": "evergraph-local-host",
        "state": "Running",
        "version": HOST_VERSION,
        "versionDetails": format!("{HOST_VERSION} emulated by evergraph {}", env!("CARGO_PKG_VERSION")),
        "instanceId": core.instance,
        "processUptime": uptime_ms,
    });
    if !core.functions.index_errors.is_empty() {
        status["errors"] = json!(core.functions.index_errors);
    }
    let mut response = Response::new(Body::from(status.to_string()));
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// 202 at once; the run follows. 404 for an unknown function, 400 without a body.
async fn invoke(core: &Arc<Core>, name: &str, body: Body) -> Response {
    let Some(function) = core.function(name) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let Ok(bytes) = axum::body::to_bytes(body, INPUT_BYTES_MAX).await else {
        return empty(StatusCode::BAD_REQUEST);
    };
    let text = String::from_utf8_lossy(&bytes);
    let Ok(Parsed::Value(Value::Object(members))) = lenient::parse(&text) else {
        return empty(StatusCode::BAD_REQUEST);
    };
    if let Trigger::Http(_) = function.trigger {
        return not_emulated();
    }
    let Some(timer) = core.timer(name) else {
        return empty(StatusCode::NOT_FOUND);
    };
    let input = members
        .get("input")
        .and_then(Value::as_str)
        .map(str::to_owned);
    core.spawn_job(async move {
        if let Err(error) = timer.by_hand(input.as_deref()).await {
            tracing::error!(%error, "a run by hand did not start");
        }
    });
    empty(StatusCode::ACCEPTED)
}

fn not_emulated() -> Response {
    let mut response = Response::new(Body::from(
        "This host does not run HTTP functions by hand; call their route instead.",
    ));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_route(method: Method, path: &str, expected: Option<AdminRoute>) {
        assert_eq!(route(&method, path), expected, "{method} {path}");
    }

    #[test]
    fn only_defined_admin_routes_belong_to_the_host() {
        check_route(Method::GET, "/admin/host/ping", Some(AdminRoute::Ping));
        check_route(Method::POST, "/Admin/Host/Ping", Some(AdminRoute::Ping));
        check_route(Method::GET, "/admin/host/status", Some(AdminRoute::Status));
        let renew = AdminRoute::Invoke("renew".to_owned());
        check_route(Method::POST, "/admin/functions/renew", Some(renew));
        check_route(Method::GET, "/admin/functions/renew", None);
        check_route(Method::GET, "/admin/else", None);
        check_route(Method::GET, "/api/host/ping", None);
    }
}
