//! The product's own HTTP client against the HTTP door, beside the in-process door: whatever
//! happens, the application is told the same.

use std::sync::Arc;
use std::time::Duration;

use evergraph::adapters::graph::{GraphOptions, GraphOverHttp, RequestIds};
use evergraph::adapters::identity::{AccessToken, TokenError, Tokens};
use evergraph::domain::client_state::ClientState;
use evergraph::domain::ids::{AppId, TenantId};
use evergraph::domain::subscription::{ChangeType, ChangeTypes};
use evergraph::ports::graph::{CreateRequest, Graph, GraphError, RenewRequest};
use evergraph::sim::clock::SimClock;
use evergraph::sim::control::Control;
use evergraph::sim::exchange::Sim;
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::port::SimGraph;
use evergraph::sim::request::Op;
use evergraph::sim::settings::Settings;
use evergraph::sim::token::unsigned_jwt;
use serde_json::json;

use crate::bed::{Bed, START, TENANT};

struct OneToken;

#[async_trait::async_trait]
impl Tokens for OneToken {
    async fn token(&self, tenant: &TenantId) -> Result<AccessToken, TokenError> {
        Ok(AccessToken::new(
            unsigned_jwt(tenant.as_str(), "app").into(),
        ))
    }
}

fn tenant() -> TenantId {
    TenantId::parse(TENANT).unwrap()
}

fn renewal() -> RenewRequest {
    RenewRequest {
        expires: "2026-03-04T12:00:00Z".parse().unwrap(),
        notification_url: None,
        certificate: None,
    }
}

struct Doors {
    bed: Bed,
    doors: [(Box<dyn Graph>, Control); 2],
}

async fn doors() -> Doors {
    let quick = json!({"validation": {"timeout_ms": 500}, "listing": {"page_size": 1}});
    let bed = Bed::with(quick.clone()).await;
    let base = bed.sim.graph_url().parse().unwrap();
    let ids = RequestIds::seeded(1);
    let http = GraphOverHttp::new(GraphOptions::new(base), Arc::new(OneToken), ids).unwrap();
    let settings = Settings::default().patched(quick).unwrap();
    let sim = Sim::new(SimClock::standing(START.parse().unwrap()), settings, 1);
    let inside = SimGraph::new(Arc::clone(&sim), AppId::parse("app").unwrap());
    let outside = bed.sim.control().clone();
    Doors {
        bed,
        doors: [
            (Box::new(http), outside),
            (Box::new(inside), Control::new(sim)),
        ],
    }
}

impl Doors {
    fn wish(&self, resource: &str) -> CreateRequest {
        CreateRequest {
            resource: resource.into(),
            change_types: ChangeTypes::of(&[ChangeType::Updated]),
            notification_url: format!("{}/n", self.bed.endpoint.url),
            lifecycle_url: None,
            expires: "2026-03-03T12:00:00Z".parse().unwrap(),
            client_state: ClientState::new("secret".into()),
            certificate: None,
            query_options: None,
        }
    }
}

/// What the application is told, apart from ids and words that name the door.
fn told(error: &GraphError) -> String {
    let verdict = match error {
        GraphError::Refused { verdict, .. }
        | GraphError::Conflict { verdict, .. }
        | GraphError::Quota { verdict, .. } => verdict.rule,
        _ => "",
    };
    let wait = match error {
        GraphError::Throttled { wait, .. } | GraphError::Unavailable { wait, .. } => {
            format!("{wait:?}")
        }
        _ => String::new(),
    };
    format!("{} {verdict} {wait}", error.kind())
}

#[tokio::test]
async fn both_doors_show_the_same_rows() {
    let all = doors().await;
    let mut seen = Vec::new();
    for (graph, _) in &all.doors {
        let made = graph
            .create(&tenant(), &all.wish("users/a/events"))
            .await
            .unwrap()
            .value;
        graph
            .create(&tenant(), &all.wish("users/b/events"))
            .await
            .unwrap();
        let renewed = graph.renew(&tenant(), &made.id, &renewal()).await.unwrap();
        assert_eq!(renewed.trace.date, Some(START.parse().unwrap()));
        let read = graph.get(&tenant(), &made.id).await.unwrap().value;
        let listed = graph.list(&tenant()).await.unwrap().value;
        graph
            .delete(&tenant(), &made.id, Duration::from_secs(5))
            .await
            .unwrap();
        seen.push((made, renewed.value, read, listed));
    }
    // Ids included: both draw from one seed, in the order of the calls.
    assert_eq!(seen[0], seen[1]);
}

fn effects() -> Vec<Effect> {
    let answer = |status, retry_after: Option<&str>| {
        Effect::Answer(Injected {
            retry_after: retry_after.map(str::to_owned),
            ..Injected::status(status)
        })
    };
    let body = |text: &str| Effect::Body { text: text.into() };
    let mut effects = vec![
        Effect::LoseBefore,
        Effect::LoseAfter,
        Effect::AnswerAfter(Injected::status(500)),
        body("<html>"),
        body(""),
    ];
    for status in [400, 401, 403, 404, 409, 423, 429, 500, 502, 503, 504] {
        effects.push(answer(status, None));
    }
    let date = "Sun, 01 Mar 2026 12:01:00 GMT";
    for wait in ["2.128", "", "soon", "-1", "999999", date] {
        effects.push(answer(429, Some(wait)));
    }
    effects
}

impl Doors {
    /// What the application is told of a call that meets the fault.
    async fn provoke(&self, door: usize, op: Op, effect: &Effect, user: &str) -> Option<String> {
        let (graph, control) = &self.doors[door];
        let (tenant, limit) = (tenant(), Duration::from_secs(5));
        let wish = self.wish(&format!("users/{user}/events"));
        let id = graph.create(&tenant, &wish).await.unwrap().value.id;
        control.arm(Rule::next(op, effect.clone())).unwrap();
        let other = self.wish(&format!("users/{user}/contacts"));
        let failed = match op {
            Op::Create => graph.create(&tenant, &other).await.err(),
            Op::List => graph.list(&tenant).await.err(),
            Op::Get => graph.get(&tenant, &id).await.err(),
            Op::Renew => graph.renew(&tenant, &id, &renewal()).await.err(),
            Op::Delete => graph.delete(&tenant, &id, limit).await.err(),
            Op::Reauthorize => graph.reauthorize(&tenant, &id).await.err(),
        };
        failed.as_ref().map(told)
    }
}

#[tokio::test]
async fn both_doors_tell_the_same_of_every_fault() {
    let all = doors().await;
    for op in [
        Op::Create,
        Op::List,
        Op::Get,
        Op::Renew,
        Op::Delete,
        Op::Reauthorize,
    ] {
        for (at, effect) in effects().iter().enumerate() {
            let user = format!("{}{at}", op.as_str());
            let http = all.provoke(0, op, effect, &user).await;
            let inside = all.provoke(1, op, effect, &user).await;
            assert_eq!(
                http, inside,
                "{op:?} with {effect:?}: over HTTP, in process"
            );
        }
    }
}
