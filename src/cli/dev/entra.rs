//! A token endpoint on this machine: it gives unsigned tokens of any tenant to anybody.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::domain::ids::TenantId;

/// The application that all tokens name.
pub(super) const APPLICATION: &str = "d0d0d0d0-0000-4000-8000-00000000de70";

/// A day, in seconds: as long as a managed identity's token lives.
const LIFETIME_S: u32 = 86_400;

/// The endpoint. Dropping it ends it.
pub(super) struct TokenEndpoint {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TokenEndpoint {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no port on 127.0.0.1 is free")?;
        let address = listener.local_addr()?;
        let routes = Router::new().route("/{tenant}/oauth2/v2.0/token", post(token));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                eprintln!("evergraph dev: the token endpoint stopped: {error}");
            }
        });
        Ok(Self { address, task })
    }

    /// What takes the place of `https://login.microsoftonline.com`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn stop(self) {
        drop(self);
    }
}

impl Drop for TokenEndpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn token(Path(tenant): Path<String>) -> (StatusCode, Json<Value>) {
    match TenantId::parse(&tenant) {
        Ok(tenant) => (StatusCode::OK, Json(answer(&tenant))),
        Err(error) => {
            let refusal = json!({"error": "invalid_request", "error_description": error.to_string()});
            (StatusCode::BAD_REQUEST, Json(refusal))
        }
    }
}

fn answer(tenant: &TenantId) -> Value {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"alg": "none", "typ": "JWT"}));
    let claims = part(json!({
        "aud": "https://graph.microsoft.com",
        "tid": tenant.as_str(),
        "appid": APPLICATION,
    }));
    json!({
        "token_type": "Bearer",
        "expires_in": LIFETIME_S,
        "access_token": format!("{head}.{claims}.unsigned"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_names_the_tenant_that_was_asked_for() {
        let tenant = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
        let (status, Json(answer)) = token(Path(tenant.to_owned())).await;
        assert_eq!(status, StatusCode::OK);
        let token = answer["access_token"].as_str().unwrap();
        let claims = token.split('.').nth(1).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["tid"], tenant);
        assert_eq!(claims["appid"], APPLICATION);
        let (status, _) = token_of_nobody().await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    async fn token_of_nobody() -> (StatusCode, Json<Value>) {
        token(Path("common".to_owned())).await
    }
}
