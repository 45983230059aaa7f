//! Rows that others put there, and what the simulator's log says.

use evergraph::app::report::{Action, Report};
use evergraph::domain::plan::Reason;
use evergraph::sim::control::PlantOrder;
use evergraph::sim::row::Row;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::fleet::{APP, Fleet, TENANT};

/// A row like another one, but for what is changed in its body.
pub fn plant_like(fleet: &Fleet, row: &Row, change: impl FnOnce(&mut Map<String, Value>)) -> Row {
    let expires = fleet.sim.clock.read() + SignedDuration::from_hours(2);
    let body = json!({
        "resource": row.resource,
        "changeType": row.change_type,
        "notificationUrl": row.notification_url,
        "lifecycleNotificationUrl": row.lifecycle_url,
        "expirationDateTime": expires.to_string(),
        "clientState": row.client_state.as_ref().map(|text| text.expose()),
    });
    plant(fleet, body, change)
}

/// A foreign row of the same application.
pub fn plant_foreign(fleet: &Fleet, resource: &str, changes: &str, hours: i64) -> Row {
    let expires = fleet.sim.clock.read() + SignedDuration::from_hours(hours);
    let body = json!({
        "resource": resource,
        "changeType": changes,
        "notificationUrl": "https://theirs.example.com/hook",
        "lifecycleNotificationUrl": "https://theirs.example.com/life",
        "expirationDateTime": expires.to_string(),
        "clientState": "theirs",
    });
    plant(fleet, body, |_| {})
}

fn plant(fleet: &Fleet, body: Value, change: impl FnOnce(&mut Map<String, Value>)) -> Row {
    let mut subscription = body.as_object().unwrap().clone();
    change(&mut subscription);
    let order = PlantOrder {
        tenant: Some(TENANT.to_owned()),
        app: Some(APP.to_owned()),
        subscription,
    };
    fleet.control.plant(order).unwrap()
}

/// Operations and ids of the calls so far that had an answer.
pub fn answered(fleet: &Fleet) -> Vec<(&'static str, String)> {
    fleet.sim.with(|service, _| {
        let log = service.calls.log().filter(|call| call.status.is_some());
        log.map(|call| (call.operation.as_str(), call.id.clone().unwrap_or_default()))
            .collect()
    })
}

/// How many calls of one operation reached Graph.
pub fn sent(fleet: &Fleet, operation: &str) -> usize {
    fleet.sim.with(|service, _| {
        let log = service.calls.log();
        log.filter(|call| call.operation.as_str() == operation)
            .count()
    })
}

/// How often a decision was taken.
pub fn decided(reports: &[Report], action: Action, reason: Reason) -> usize {
    let decisions = reports.iter().flat_map(|report| &report.decisions);
    decisions
        .filter(|decision| decision.action == action && decision.reason == reason)
        .count()
}

/// Everything that was said to people.
pub fn words(reports: &[Report]) -> String {
    let brakes = reports.iter().flat_map(|report| &report.brakes);
    let decisions = reports.iter().flat_map(|report| &report.decisions);
    let brakes = brakes.map(|brake| format!("{}: {}", brake.brake, brake.advice));
    let decisions = decisions.map(|decision| decision.sentence());
    brakes.chain(decisions).collect::<Vec<_>>().join("\n")
}
