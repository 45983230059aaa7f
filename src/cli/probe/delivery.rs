//! Deliveries: well-formed, odd and broken ones. All name subscriptions that do not exist.

use reqwest::Method;
use serde_json::{Value, json};

use super::ask::{Ask, Load};
use super::case::{Act, Case, Group};
use super::judge::Judge;

/// The page on delivery by webhooks.
const PAGE: &str = "learn.microsoft.com/graph/change-notifications-delivery-webhooks (2026-04-22)";

/// The page on lifecycle events.
const LIFECYCLE: &str = "learn.microsoft.com/graph/change-notifications-lifecycle-events";

const ACKNOWLEDGED: &str = "2xx within 3 s";

/// A subscription that nobody has.
pub(super) const SUBSCRIPTION: &str = "0badc0de-0000-4000-8000-000000000003";

/// A tenant that nobody has.
pub(super) const TENANT: &str = "0badc0de-0000-4000-8000-000000000002";

/// The secret in every notification of the suite.
pub(super) const SECRET: &str = "probe-client-state-7f3a";

/// A basic item, shaped as the documentation shows it.
pub(super) fn item(id: &str) -> Value {
    let path = format!("Users/{TENANT}/Messages/probe-{id}");
    json!({
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2031-03-20T11:00:00.0000000Z",
        "clientState": SECRET,
        "changeType": "created",
        "resource": path,
        "tenantId": TENANT,
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": path,
            "@odata.etag": "W/\"CQAAABYAAADkrWGo7bouTKlsgTZMr9KwAAAUWRHf\"",
            "id": format!("probe-{id}"),
        },
    })
}

/// A POST with one basic item.
pub(super) fn change(id: &str) -> String {
    post(&[item(id)])
}

/// A POST with so many.
pub(super) fn batch(count: usize) -> String {
    let items: Vec<Value> = (0..count).map(|at| item(&at.to_string())).collect();
    post(&items)
}

pub(super) fn post(items: &[Value]) -> String {
    json!({ "value": items }).to_string()
}

fn lifecycle(event: &str, tenant: &str) -> Value {
    json!({
        "subscriptionId": SUBSCRIPTION,
        "subscriptionExpirationDateTime": "2031-03-20T11:00:00.0000000Z",
        tenant: TENANT,
        "clientState": SECRET,
        "lifecycleEvent": event,
    })
}

/// An item with one member replaced.
fn with(name: &str, value: Value) -> Value {
    let mut item = item("odd");
    item[name] = value;
    item
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = well_formed();
    all.extend(odd());
    all.extend(broken());
    all
}

fn case(
    id: &'static str,
    says: &'static str,
    source: &'static str,
    expected: &'static str,
    act: Act,
) -> Case {
    Case {
        id,
        group: Group::Delivery,
        says,
        source,
        expected,
        act,
    }
}

/// A case whose every POST must be acknowledged.
fn taken(id: &'static str, says: &'static str, source: &'static str, bodies: Vec<String>) -> Case {
    let asks = bodies.into_iter().map(Ask::notification).collect();
    case(
        id,
        says,
        source,
        ACKNOWLEDGED,
        Act::Each(asks, Judge::Acknowledged),
    )
}

fn well_formed() -> Vec<Case> {
    let events = ["reauthorizationRequired", "subscriptionRemoved", "missed"];
    let events: Vec<String> = events
        .iter()
        .map(|event| post(&[lifecycle(event, "tenantId")]))
        .collect();
    let same = change("replay");
    let mixed = [
        item("mixed"),
        lifecycle("missed", "tenantId"),
        with("tenantId", "0badc0de-0000-4000-8000-000000000004".into()),
    ];
    vec![
        taken(
            "delivery.unknown-subscription",
            "Acknowledge what you do not know: anything but 2xx is sent again for four hours.",
            PAGE,
            vec![change("unknown")],
        ),
        taken(
            "delivery.lifecycle",
            "Acknowledge lifecycle events with 202 and look at them afterwards.",
            LIFECYCLE,
            events,
        ),
        taken(
            "delivery.mixed",
            "One POST may mix subscriptions, tenants and applications that share the address.",
            PAGE,
            vec![post(&mixed)],
        ),
        taken(
            "delivery.batch",
            "value may hold several items.",
            PAGE,
            vec![batch(100)],
        ),
        taken(
            "delivery.replay",
            "The same notification may come again; what was acknowledged once is so again.",
            "github.com/microsoftgraph/microsoft-graph-docs/issues/8499",
            vec![same.clone(), same],
        ),
        case(
            "delivery.chunked",
            "A body without a length is as good as one with it.",
            "RFC 9112, 7.1; not in Graph's documentation",
            ACKNOWLEDGED,
            Act::Each(
                vec![Ask::notification("").load(Load::Chunked(change("chunked")))],
                Judge::Acknowledged,
            ),
        ),
        case(
            "delivery.content-types",
            "The content type of notifications is not documented as fixed.",
            PAGE,
            ACKNOWLEDGED,
            Act::Each(
                [
                    Some("application/json"),
                    Some("application/json;odata=verbose"),
                ]
                .map(|kind| Ask::notification(change("type")).content_type(kind))
                .to_vec(),
                Judge::Acknowledged,
            ),
        ),
    ]
}

/// Expiry dates as samples write them.
const MOMENTS: [&str; 4] = [
    "2025-10-09T15:32:19.8+00:00",
    "2021-02-02T10:30:34.9097561-08:00",
    "2019-08-02T07:58:15+00:00",
    "2031-03-19T22:11:09.952Z",
];

/// Paths as samples write them.
const PATHS: [&str; 4] = [
    "Users('0badc0de')/messages('AAMk=')",
    "chats('19:x@thread.v2')/messages('1612289992105')",
    "communications/presences/0badc0de",
    "Groups/0badc0de",
];

/// Shapes that were seen in real notifications or in samples.
fn odd() -> Vec<Case> {
    let moments = MOMENTS.map(|at| with("subscriptionExpirationDateTime", at.into()));
    let paths = PATHS.map(|path| with("resource", path.into()));
    let sequence = with(
        "resourceData",
        json!({"id": "5f", "sequenceNumber": 639_079_632_000_000_000_i64,
               "eventTime": "2031-03-19T22:11:09.2455823Z", "organizationId": TENANT}),
    );
    let mut bare = item("bare");
    if let Some(members) = bare.as_object_mut() {
        members.remove("resourceData");
    }
    vec![
        taken(
            "delivery.no-tenant",
            "tenantId is empty for personal accounts (inbox-zero, 2025-10).",
            "github.com/elie222/inbox-zero",
            vec![post(&[with("tenantId", "".into())])],
        ),
        taken(
            "delivery.organization-id",
            "Lifecycle items were seen with organizationId in the place of tenantId.",
            "graph-webhooks-testbed (2026-03)",
            vec![post(&[lifecycle("missed", "organizationId")])],
        ),
        taken(
            "delivery.moments",
            "Times have 0 to 7 digits and any offset in samples.",
            "samples of Microsoft Graph's documentation and real bodies in issues",
            vec![post(&moments)],
        ),
        taken(
            "delivery.paths",
            "resource has slashes or keys in parentheses, in any letter case.",
            "samples of Microsoft Graph's documentation",
            vec![post(&paths)],
        ),
        taken(
            "delivery.sequence-numbers",
            "sequenceNumber is a 64-bit number, greater than JavaScript's safe integers.",
            "github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/7634",
            vec![post(&[sequence])],
        ),
        taken(
            "delivery.unknown-members",
            "New members and change types may come at any time.",
            "learn.microsoft.com/graph/best-practices-concept (evolvable enumerations)",
            vec![post(&[
                with("futureMember", json!({"a": [1, null]})),
                with("changeType", "unknownFutureValue".into()),
            ])],
        ),
        taken(
            "delivery.no-resource-data",
            "Items of drives and lists say only that something changed.",
            "abraunegg/onedrive; samples",
            vec![post(&[bare])],
        ),
    ]
}

/// Bodies that hold no notification.
const GARBAGE: [&str; 8] = [
    "",
    "not json",
    "{\"value\":[{\"subscriptionId\":\"",
    "[]",
    "null",
    "{}",
    "{\"value\":{}}",
    "{\"value\":[null,7,\"x\",[]]}",
];

fn broken() -> Vec<Case> {
    let garbage = GARBAGE.map(Ask::notification).to_vec();
    let confused = [
        with("clientState", json!({"a": 1})),
        with("clientState", json!(7)),
        with("subscriptionId", Value::Null),
        with("resourceData", json!("x")),
        with("encryptedContent", json!([1])),
    ];
    let confused = confused.map(|item| Ask::notification(post(&[item])));
    let plain = |method: Method| Ask::notification("").method(method).load(Load::Nothing);
    let loaded = |method: Method| Ask::notification(change("method")).method(method);
    vec![
        case(
            "delivery.garbage",
            "5xx asks for a repetition, and garbage does not get better by that.",
            PAGE,
            "2xx or 4xx, never 5xx",
            Act::Each(garbage, Judge::NoServerError),
        ),
        case(
            "delivery.wrong-types",
            "A member of another type must not bring the receiver down.",
            "not in Graph's documentation",
            "2xx or 4xx, never 5xx",
            Act::Each(confused.to_vec(), Judge::NoServerError),
        ),
        case(
            "delivery.empty-batch",
            "A POST without items is nothing to refuse.",
            "not in Graph's documentation",
            "2xx or 4xx, never 5xx",
            Act::Each(vec![Ask::notification(post(&[]))], Judge::NoServerError),
        ),
        case(
            "delivery.no-token",
            "A validationToken without a value is no handshake, and no notification either.",
            "not in Graph's documentation",
            "2xx or 4xx, never 5xx",
            Act::Each(vec![Ask::handshake("")], Judge::NoServerError),
        ),
        case(
            "delivery.get",
            "Graph sends POST alone; whoever looks by GET must not see an error of the server.",
            "not in Graph's documentation",
            "no server error",
            Act::Each(vec![plain(Method::GET)], Judge::NoServerError),
        ),
        case(
            "delivery.wrong-method",
            "Graph sends POST alone.",
            PAGE,
            "4xx",
            Act::Each(
                vec![
                    loaded(Method::PUT),
                    loaded(Method::PATCH),
                    plain(Method::DELETE),
                ],
                Judge::RatherRefused,
            ),
        ),
    ]
}
