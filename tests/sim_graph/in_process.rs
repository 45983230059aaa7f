//! The in-process door, under paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::domain::client_state::ClientState;
use evergraph::domain::ids::{AppId, TenantId};
use evergraph::domain::subscription::{ChangeType, ChangeTypes};
use evergraph::ports::graph::{CreateRequest, Graph, GraphError, RenewRequest};
use evergraph::sim::clock::SimClock;
use evergraph::sim::control::Control;
use evergraph::sim::exchange::{Exchange, Moment, Sim, exchange};
use evergraph::sim::faults::{Effect, Injected, Rule};
use evergraph::sim::handshake::Willing;
use evergraph::sim::port::SimGraph;
use evergraph::sim::request::{Op, Request};
use evergraph::sim::settings::Settings;
use evergraph::sim::token::caller_of;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bed::{Bed, START, TENANT};

fn sim(patch: Value) -> Arc<Sim> {
    let settings = Settings::default().patched(patch).unwrap();
    Sim::new(SimClock::running(START.parse().unwrap()), settings, 7)
}

fn tenant() -> TenantId {
    TenantId::parse(TENANT).unwrap()
}

fn graph(sim: &Arc<Sim>) -> SimGraph {
    SimGraph::new(Arc::clone(sim), AppId::parse("app").unwrap())
}

fn wish(resource: &str) -> CreateRequest {
    CreateRequest {
        resource: resource.into(),
        change_types: ChangeTypes::of(&[ChangeType::Updated]),
        notification_url: "https://app.example.com/api/notifications/prod".into(),
        lifecycle_url: None,
        expires: "2026-03-03T12:00:00Z".parse().unwrap(),
        client_state: ClientState::new("secret".into()),
        certificate: None,
        query_options: None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_port_creates_lists_reads_renews_and_deletes() {
    let sim = sim(json!({"listing": {"page_size": 1}}));
    let graph = graph(&sim);
    let made = graph
        .create(&tenant(), &wish("users/a/messages"))
        .await
        .unwrap();
    graph
        .create(&tenant(), &wish("users/b/messages"))
        .await
        .unwrap();
    assert_eq!(made.value.client_state.as_ref().unwrap().expose(), "secret");
    assert!(made.trace.date.is_some() && made.trace.request_id.is_some());
    let listed = graph.list(&tenant()).await.unwrap().value;
    assert_eq!(
        (listed.rows.len(), listed.pages, listed.incomplete),
        (2, 2, None)
    );
    assert_eq!(listed.rows[0].client_state, None);
    let id = &made.value.id;
    let renew = RenewRequest {
        expires: "2026-03-04T12:00:00Z".parse().unwrap(),
        notification_url: None,
        certificate: None,
    };
    assert_eq!(
        graph
            .renew(&tenant(), id, &renew)
            .await
            .unwrap()
            .value
            .expires,
        renew.expires
    );
    assert!(
        graph
            .get(&tenant(), id)
            .await
            .unwrap()
            .value
            .client_state
            .is_some()
    );
    graph.reauthorize(&tenant(), id).await.unwrap();
    graph
        .delete(&tenant(), id, Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(graph.get(&tenant(), id).await.unwrap_err().kind(), "gone");
}

#[tokio::test(start_paused = true)]
async fn a_stranger_sees_nothing_of_it() {
    let sim = sim(json!({}));
    let graph = graph(&sim);
    let made = graph
        .create(&tenant(), &wish("users/a/messages"))
        .await
        .unwrap();
    graph.change_app(AppId::parse("stranger").unwrap());
    assert!(graph.list(&tenant()).await.unwrap().value.rows.is_empty());
    assert_eq!(
        graph
            .get(&tenant(), &made.value.id)
            .await
            .unwrap_err()
            .kind(),
        "gone"
    );
    assert_eq!(
        graph.application(&tenant()).await.unwrap().as_str(),
        "stranger"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_become_the_ports_errors() {
    let sim = sim(json!({}));
    let (graph, control) = (graph(&sim), Control::new(Arc::clone(&sim)));
    for (op, effect, kind, exists) in [
        (Op::Create, Effect::LoseBefore, "unknown", false),
        (Op::Create, Effect::LoseAfter, "unknown", true),
        (Op::Create, Effect::Unreachable, "unavailable", false),
        (
            Op::Create,
            Effect::Answer(Injected::status(429)),
            "throttled",
            false,
        ),
        (
            Op::Create,
            Effect::AnswerAfter(Injected::status(500)),
            "unknown",
            true,
        ),
        (
            Op::Create,
            Effect::Answer(Injected::status(401)),
            "denied",
            false,
        ),
        (
            Op::Create,
            Effect::Answer(Injected::status(409)),
            "conflict",
            false,
        ),
        (
            Op::Create,
            Effect::HoldReply { ms: 100_000 },
            "unknown",
            true,
        ),
        (
            Op::Create,
            Effect::Body {
                text: "<html>".into(),
            },
            "unknown",
            true,
        ),
        (Op::List, Effect::LoseAfter, "unavailable", true),
    ] {
        let resource = format!("users/{}/events", control.live().len());
        let before = control.live().len();
        control.arm(Rule::next(op, effect.clone())).unwrap();
        let error = if op == Op::List {
            graph.list(&tenant()).await.unwrap_err()
        } else {
            graph.create(&tenant(), &wish(&resource)).await.unwrap_err()
        };
        assert_eq!(error.kind(), kind, "{effect:?}: {error}");
        let made = control.live().len() - before;
        assert_eq!(made, usize::from(exists && op == Op::Create), "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_become_the_ports_errors_by_way_of_the_classifier() {
    let sim = sim(json!({"quotas": {"mailbox": 1}, "permissions": {"granted": ["Mail.Read"]}}));
    let (graph, control) = (graph(&sim), Control::new(Arc::clone(&sim)));
    let soon = |resource: &str| CreateRequest {
        expires: "2026-03-01T12:50:00Z".parse().unwrap(),
        ..wish(resource)
    };
    graph
        .create(&tenant(), &wish("users/a/messages"))
        .await
        .unwrap();
    for (resource, kind) in [("users/a/messages", "quota"), ("users/a/events", "denied")] {
        let error = graph.create(&tenant(), &wish(resource)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{resource}: {error}");
    }
    let wide = json!({"quotas": {"mailbox": null}, "permissions": {"granted": null}});
    control.patch_settings(wide).unwrap();
    let error = graph
        .create(&tenant(), &wish("users/a/messages"))
        .await
        .unwrap_err();
    let GraphError::Conflict { verdict, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        verdict.holder.as_deref(),
        Some(control.live()[0].id.as_str())
    );
    for (resource, kind) in [
        ("communications/presences/p", "conflict"),
        ("chats/1/messages", "quota"),
        ("users/1/memberOf", "refused"),
    ] {
        // The first of presence and chat is accepted; the second is what is looked at.
        let first = graph.create(&tenant(), &soon(resource)).await;
        let error = match first {
            Ok(_) => graph.create(&tenant(), &soon(resource)).await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), kind, "{resource}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_take_their_time_and_the_caller_runs_out_of_patience() {
    let sim = sim(json!({"latency": {"min_ms": 2000, "max_ms": 2000}}));
    let graph = graph(&sim);
    let before = tokio::time::Instant::now();
    graph
        .create(&tenant(), &wish("users/a/events"))
        .await
        .unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(2));
    let id = Control::new(Arc::clone(&sim)).live()[0].id.parse().unwrap();
    let short = Duration::from_millis(500);
    let error = graph.delete(&tenant(), &id, short).await.unwrap_err();
    assert_eq!(error.kind(), "unknown");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        Control::new(sim).live().is_empty(),
        "the delete went on without its caller"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_can_kill_a_worker_between_effect_and_reply() {
    let sim = sim(json!({}));
    let victim: Arc<Mutex<Option<tokio::task::AbortHandle>>> = Arc::default();
    let killer = Arc::clone(&victim);
    let graph = graph(&sim).with_watch(Arc::new(move |request, moment| {
        if request.op == Op::Create && moment == Moment::Acted {
            killer.lock().unwrap().take().unwrap().abort();
        }
    }));
    let worker = tokio::spawn(async move {
        graph
            .create(&tenant(), &wish("users/a/events"))
            .await
            .is_ok()
    });
    *victim.lock().unwrap() = Some(worker.abort_handle());
    assert!(worker.await.unwrap_err().is_cancelled());
    assert_eq!(Control::new(sim).live().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_bad_link_makes_a_listing_incomplete() {
    let sim = sim(json!({"listing": {"page_size": 1}}));
    let (graph, control) = (graph(&sim), Control::new(Arc::clone(&sim)));
    for user in ["a", "b", "c"] {
        graph
            .create(&tenant(), &wish(&format!("users/{user}/events")))
            .await
            .unwrap();
    }
    let foreign = Effect::NextLink {
        url: "https://evil.example/".into(),
    };
    control.arm(Rule::next(Op::List, foreign)).unwrap();
    let listed = graph.list(&tenant()).await.unwrap().value;
    assert!(listed.incomplete.is_some());
    assert_eq!(listed.rows.len(), 1);
    control
        .arm(Rule {
            nth: 2,
            ..Rule::next(Op::List, Effect::LoseAfter)
        })
        .unwrap();
    let error = graph.list(&tenant()).await.unwrap_err();
    assert_eq!(error.kind(), "unavailable", "its second page failed");
}

#[tokio::test(start_paused = true)]
async fn a_redirected_renewal_is_followed_within_graph() {
    let sim = sim(json!({"renewals": {"redirect": true}}));
    let (graph, control) = (graph(&sim), Control::new(Arc::clone(&sim)));
    graph
        .create(&tenant(), &wish("users/a/events"))
        .await
        .unwrap();
    let id = control.live()[0].id.parse().unwrap();
    let renew = RenewRequest {
        expires: "2026-03-04T12:00:00Z".parse().unwrap(),
        notification_url: None,
        certificate: None,
    };
    graph.renew(&tenant(), &id, &renew).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_seed_is_one_story() {
    let run = || async {
        let sim = sim(json!({
            "chances": {"lose_before": 100, "lose_after": 100, "throttle": 100, "hide_row": 200,
                        "server_error_after": 100, "unreachable": 50},
            "latency": {"min_ms": 1, "max_ms": 900},
        }));
        let graph = graph(&sim);
        let mut story = Vec::new();
        for at in 0..100 {
            let made = graph
                .create(&tenant(), &wish(&format!("users/{at}/events")))
                .await;
            story.push(made.map_or_else(
                |error| error.kind().to_owned(),
                |row| row.value.id.to_string(),
            ));
            let listed = graph.list(&tenant()).await;
            story.push(listed.map_or_else(
                |error| error.to_string(),
                |all| all.value.rows.len().to_string(),
            ));
        }
        let fired = sim.with(|service, _| service.faults.fired.clone());
        (story, fired)
    };
    let (first, fired) = run().await;
    assert_eq!(run().await.0, first);
    for effect in [
        "lose_before",
        "lose_after",
        "answer",
        "hide_row",
        "answer_after",
        "unreachable",
    ] {
        assert!(
            fired.get(effect).is_some_and(|count| *count > 0),
            "{effect} never happened"
        );
    }
}

#[tokio::test]
async fn both_doors_send_the_same_bytes() {
    let bed = Bed::new().await;
    let inside = Sim::new(
        SimClock::standing(START.parse().unwrap()),
        Settings::default(),
        1,
    );
    let ask = |op: Op, body: &Value| Request {
        op,
        caller: caller_of(Some("Bearer me"), &Settings::default().tokens),
        id: None,
        skiptoken: None,
        redirected: false,
        client_request_id: None,
        base: bed.sim.graph_url(),
        body: body.to_string().into_bytes(),
    };
    for body in [
        bed.body(json!({})),
        bed.body(json!({})),
        bed.body(json!({"resource": "users"})),
        json!({}),
    ] {
        let outside = bed.call("POST", "/v1.0/subscriptions", body.clone()).await;
        let request = ask(Op::Create, &body);
        let Exchange::Answered(answer) = exchange(&inside, &request, &Willing, None).await else {
            panic!("no answer");
        };
        let within: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((outside.status, outside.body), (answer.status, within));
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9/?$=('):.%é -]{0,40}".prop_map(Value::from),
        Just(json!("2026-03-02T12:00:00Z")),
        Just(json!("9999-12-31T23:59:59.9999999Z")),
        Just(json!("-009999-01-02T01:59:59Z")),
        Just(json!("users/a/messages")),
        Just(json!("http://localhost/x")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop::collection::vec(inner, 0..3).prop_map(Value::from)
    })
}

proptest! {
    #[test]
    fn no_body_can_break_the_service(
        values in prop::collection::vec(any_json(), 12),
        raw in prop::collection::vec(any::<u8>(), 0..64),
        renews in any::<bool>(),
    ) {
        const NAMES: [&str; 12] = [
            "resource", "changeType", "notificationUrl", "lifecycleNotificationUrl",
            "expirationDateTime", "clientState", "includeResourceData", "encryptionCertificate",
            "encryptionCertificateId", "latestSupportedTlsVersion", "notificationQueryOptions",
            "vapidPublicKey",
        ];
        let body: serde_json::Map<String, Value> =
            NAMES.iter().map(|name| (*name).to_owned()).zip(values).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let sim = Sim::new(SimClock::standing(START.parse().unwrap()), Settings::default(), 1);
            let control = Control::new(Arc::clone(&sim));
            let plant = json!({"tenant": TENANT, "subscription": {
                "resource": "users/a/events", "changeType": "created",
                "notificationUrl": "https://x.example/", "expirationDateTime": "2026-03-02T12:00:00Z",
            }});
            let planted = control.plant(serde_json::from_value(plant).unwrap()).unwrap();
            for body in [Value::Object(body).to_string().into_bytes(), raw] {
                let request = Request {
                    op: if renews { Op::Renew } else { Op::Create },
                    caller: Ok(evergraph::sim::token::Caller::app(tenant(), AppId::unnamed())),
                    id: renews.then(|| planted.id.clone()),
                    skiptoken: None,
                    redirected: false,
                    client_request_id: None,
                    base: "http://x".into(),
                    body,
                };
                match exchange(&sim, &request, &Willing, None).await {
                    Exchange::Answered(answer) => assert!((200..500).contains(&answer.status)),
                    other => panic!("{other:?}"),
                }
            }
        });
    }
}
