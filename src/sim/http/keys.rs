//! The login service's part: signing keys, where `https://login.microsoftonline.com` has them.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::get;
use serde_json::{Value, json};

use super::Door;
use super::control::{Answer, reply};
use crate::sim::publisher::discovery;

/// The paths below `/{tenant}` (a tenant or `common`), both versions.
pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/{tenant}/discovery/keys", get(key_set))
        .route("/{tenant}/discovery/v2.0/keys", get(key_set))
        .route("/{tenant}/.well-known/openid-configuration", get(version_1))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(version_2),
        )
}

async fn key_set(State(door): State<Door>) -> Answer {
    let (status, keys) = door.sim.with(|service, _| {
        let status = service.settings.delivery.keys_status;
        (status, service.publisher.key_set())
    });
    match (status.filter(|status| *status != 200), keys) {
        (Some(status), _) => unavailable(status),
        (None, Ok(keys)) => reply(StatusCode::OK, &keys),
        (None, Err(_)) => unavailable(500),
    }
}

async fn version_1(door: State<Door>, tenant: Path<String>, headers: HeaderMap) -> Answer {
    document(&door, &tenant, &headers, false)
}

async fn version_2(door: State<Door>, tenant: Path<String>, headers: HeaderMap) -> Answer {
    document(&door, &tenant, &headers, true)
}

fn document(door: &Door, tenant: &str, headers: &HeaderMap, version_2: bool) -> Response<Body> {
    let settings = door
        .sim
        .with(|service, _| service.settings.delivery.clone());
    if let Some(status) = settings.keys_status.filter(|status| *status != 200) {
        return unavailable(status);
    }
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map_or_else(|| door.address.to_string(), str::to_owned);
    let root = format!("http://{host}");
    let mut found = discovery(&root, version_2, &settings);
    if tenant != "common" {
        name_tenant(&mut found, tenant);
    }
    reply(StatusCode::OK, &found)
}

/// The document of one tenant names it where the common one has a gap.
fn name_tenant(document: &mut Value, tenant: &str) {
    let named = document["issuer"].as_str().unwrap_or_default();
    document["issuer"] = named.replace("{tenantid}", tenant).into();
}

fn unavailable(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    reply(status, &json!({"error": "temporarily_unavailable"}))
}
