//! The Graph client against real sockets: ordinary answers, links and redirects that lead
//! astray, and answers that break off, lie, or never come.
#![allow(clippy::unwrap_used, reason = "test file")]

mod hostile;
mod lists;
mod ordinary;
mod scripted;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evergraph::adapters::graph::{GraphOptions, GraphOverHttp, RequestIds};
use evergraph::adapters::identity::{AccessToken, TokenError, Tokens};
use evergraph::domain::client_state::ClientState;
use evergraph::domain::ids::{SubscriptionId, TenantId};
use evergraph::domain::subscription::{ChangeType, ChangeTypes};
use evergraph::ports::graph::{CreateRequest, Graph, GraphError, RenewRequest};
use serde_json::{Value, json};
use url::Url;

const ID: &str = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07";
const END: &str = "2030-01-02T03:04:05.1234567Z";

/// Always the same answer.
struct Fixed {
    answer: Result<&'static str, TokenError>,
    refused: AtomicUsize,
}

impl Fixed {
    fn new(answer: Result<&'static str, TokenError>) -> Arc<Self> {
        Arc::new(Self {
            answer,
            refused: AtomicUsize::new(0),
        })
    }
}

#[async_trait::async_trait]
impl Tokens for Fixed {
    async fn token(&self, _: &TenantId) -> Result<AccessToken, TokenError> {
        self.answer
            .clone()
            .map(|text| AccessToken::new(text.into()))
    }

    fn refused(&self, _: &TenantId) {
        self.refused.fetch_add(1, Ordering::SeqCst);
    }
}

fn tenant() -> TenantId {
    TenantId::parse("84bd8158-6d4d-4958-8b9f-9d6445542f95").unwrap()
}

fn id() -> SubscriptionId {
    SubscriptionId::parse(ID).unwrap()
}

/// Options with time-outs that a test can wait for.
fn options(root: &str) -> GraphOptions {
    let mut options = GraphOptions::new(Url::parse(&format!("{root}/v1.0")).unwrap());
    let times = &mut options.timeouts;
    times.create_one_url = Duration::from_millis(400);
    times.create_two_urls = Duration::from_millis(400);
    times.renew = Duration::from_millis(400);
    times.other = Duration::from_millis(400);
    options
}

fn graph(options: GraphOptions) -> GraphOverHttp {
    let tokens = Fixed::new(Ok("secret-token"));
    GraphOverHttp::new(options, tokens, RequestIds::seeded(1)).unwrap()
}

/// A client that waits as long as the machine needs: nothing here is slow on purpose.
fn patient(root: &str) -> GraphOverHttp {
    graph(GraphOptions::new(
        Url::parse(&format!("{root}/v1.0")).unwrap(),
    ))
}

fn new_subscription() -> CreateRequest {
    CreateRequest {
        resource: "users/a/messages".into(),
        change_types: ChangeTypes::of(&[ChangeType::Created]),
        notification_url: "https://hooks.example/api/notifications/prod".into(),
        lifecycle_url: Some("https://hooks.example/api/lifecycle/prod".into()),
        expires: "2030-01-02T03:04:05Z".parse().unwrap(),
        client_state: ClientState::new("hunter2".into()),
        certificate: None,
        query_options: None,
    }
}

fn renewal() -> RenewRequest {
    RenewRequest {
        expires: "2030-01-02T03:04:05Z".parse().unwrap(),
        notification_url: None,
        certificate: None,
    }
}

fn row(id: &str) -> Value {
    json!({
        "@odata.context": "https://graph.example/$metadata#subscriptions/$entity",
        "id": id, "resource": "users/a/messages", "changeType": "created",
        "applicationId": "24d3b144-21ae-4080-943f-7067b395b913", "clientState": null,
        "notificationUrl": "https://hooks.example/api/notifications/prod",
        "lifecycleNotificationUrl": null, "expirationDateTime": END,
        "includeResourceData": null, "encryptionCertificateId": "",
        "latestSupportedTlsVersion": "v1_2",
    })
}

/// Every call once, in a fixed order: list, get, create, renew, reauthorize, delete. Answers
/// what each came to: `ok` or the kind of its error.
async fn every_call(graph: &GraphOverHttp) -> [&'static str; 6] {
    let (tenant, id) = (tenant(), id());
    let second = Duration::from_secs(1);
    [
        word(&graph.list(&tenant).await),
        word(&graph.get(&tenant, &id).await),
        word(&graph.create(&tenant, &new_subscription()).await),
        word(&graph.renew(&tenant, &id, &renewal()).await),
        word(&graph.reauthorize(&tenant, &id).await),
        word(&graph.delete(&tenant, &id, second).await),
    ]
}

fn word<T>(result: &Result<T, GraphError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.kind(),
    }
}
