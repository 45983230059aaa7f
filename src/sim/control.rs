//! What tests and demonstrations may do behind Graph's back: in process, and over `/_sim/`.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::checks::draft;
use super::emit::{hearers, queue_changes, queue_lifecycle};
use super::exchange::Sim;
use super::faults::{Armed, Rule};
use super::row::Row;
use super::service::Service;
use super::settings::{Settings, SettingsError};
use super::token::Caller;
use crate::domain::ids::{AppId, TenantId};

/// Why an order cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The order makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// What it names does not exist.
    #[error("{0}")]
    Absent(String),
}

impl From<SettingsError> for ControlError {
    fn from(error: SettingsError) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// A handle on the simulator. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    sim: Arc<Sim>,
}

/// The lifecycle events that Graph sends (lifecycle events page).
pub const LIFECYCLE_EVENTS: [&str; 3] =
    ["reauthorizationRequired", "subscriptionRemoved", "missed"];

/// A change to announce.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeOrder {
    /// Path of the item that changed, such as `users/{id}/messages/{id}`: every live
    /// subscription that covers it hears of it.
    #[serde(default)]
    pub resource: Option<String>,
    /// Or one subscription, whatever it covers.
    #[serde(default)]
    pub subscription: Option<String>,
    /// `created`, `updated` or `deleted`.
    pub change_type: String,
    /// Only this tenant's subscriptions.
    #[serde(default)]
    pub tenant: Option<String>,
    /// How many items, each with an id of its own where the path names none.
    #[serde(default = "one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

/// A subscription to put there without any check.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlantOrder {
    /// Tenant; the default one where left out.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Owning application; `default` where left out.
    #[serde(default)]
    pub app: Option<String>,
    /// The body of a create, as Graph takes it.
    pub subscription: Map<String, Value>,
}

/// What was queued.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Emitted {
    /// Numbers of the deliveries.
    pub deliveries: Vec<u64>,
    /// Subscriptions that hear of it.
    pub subscriptions: Vec<String>,
    /// Numbers of the events, one for each item.
    pub events: Vec<u64>,
}

impl Control {
    /// A handle.
    pub fn new(sim: Arc<Sim>) -> Self {
        Self { sim }
    }

    /// The simulator itself.
    pub fn sim(&self) -> &Arc<Sim> {
        &self.sim
    }

    /// The virtual time of day.
    pub fn now(&self) -> Timestamp {
        self.sim.clock.read()
    }

    /// Moves the virtual clock.
    pub fn advance(&self, by: SignedDuration) {
        self.sim.clock.advance(by);
    }

    /// The switches.
    pub fn settings(&self) -> Settings {
        self.sim.with(|service, _| service.settings.clone())
    }

    /// Lays a JSON object over the switches.
    pub fn patch_settings(&self, patch: Value) -> Result<Settings, ControlError> {
        self.sim.with(|service, _| {
            service.settings = service.settings.patched(patch)?;
            Ok(service.settings.clone())
        })
    }

    /// Arms a fault; answers its number.
    pub fn arm(&self, rule: Rule) -> Result<u64, ControlError> {
        check_rule(&rule)?;
        Ok(self.sim.with(|service, _| service.faults.arm(rule)))
    }

    /// The faults in force, and how often each effect happened.
    pub fn faults(&self) -> (Vec<Armed>, std::collections::BTreeMap<&'static str, u64>) {
        self.sim.with(|service, _| {
            (
                service.faults.rules().to_vec(),
                service.faults.fired.clone(),
            )
        })
    }

    /// Every subscription, the dead ones that still linger included.
    pub fn subscriptions(&self) -> Vec<Row> {
        self.sim
            .with(|service, _| service.store.all().cloned().collect())
    }

    /// Every live subscription.
    pub fn live(&self) -> Vec<Row> {
        self.sim.with(|service, at| {
            let rows = service.store.all();
            rows.filter(|row| row.is_live(at.now)).cloned().collect()
        })
    }

    /// Puts a subscription there: no handshake, no permission, no quota, no duplicate check.
    pub fn plant(&self, order: PlantOrder) -> Result<Row, ControlError> {
        self.sim.with(|service, at| {
            let tenant = order
                .tenant
                .unwrap_or_else(|| service.settings.tokens.default_tenant.clone());
            let tenant = TenantId::parse(&tenant).map_err(wrong)?;
            let app = order.app.as_deref().map_or_else(
                || Ok(AppId::unnamed()),
                |app| AppId::parse(app).map_err(wrong),
            )?;
            let draft = draft(&order.subscription, at.now, &service.settings)
                .map_err(|refusal| ControlError::Wrong(refusal.message))?;
            let row = service.place(at.now, &Caller::app(tenant, app), draft);
            service.store.insert(row.clone());
            Ok(row)
        })
    }

    /// Removes a subscription behind its owner's back, with or without `subscriptionRemoved`.
    pub fn remove(&self, id: &str, announce: bool) -> Result<Emitted, ControlError> {
        let emitted = self.sim.with(|service, at| {
            let row = live_row(service, id, at.now)?;
            let emitted = if announce {
                queue_lifecycle(service, &row, "subscriptionRemoved", at.now)?
            } else {
                Emitted::default()
            };
            if let Some(row) = service.store.any_mut(id) {
                row.deleted = Some(at.now);
            }
            Ok(emitted)
        });
        self.sim.stir();
        emitted
    }

    /// Ends a subscription now.
    pub fn expire(&self, id: &str) -> Result<(), ControlError> {
        self.sim.with(|service, at| {
            live_row(service, id, at.now)?;
            if let Some(row) = service.store.any_mut(id) {
                row.expires = at.now;
            }
            Ok(())
        })
    }

    /// Leaves a subscription out of lists, or shows it again; GET finds it either way (docs#4644).
    pub fn hide(&self, id: &str, hidden: bool) -> Result<(), ControlError> {
        self.sim.with(|service, _| {
            let row = service.store.any_mut(id).ok_or_else(|| absent(id))?;
            row.hidden = hidden;
            Ok(())
        })
    }

    /// Announces a change.
    pub fn emit_change(&self, order: &ChangeOrder) -> Result<Emitted, ControlError> {
        if !["created", "updated", "deleted"].contains(&order.change_type.as_str()) {
            return Err(ControlError::Wrong(format!(
                "change_type is {:?}; it must be created, updated or deleted",
                order.change_type
            )));
        }
        let emitted = self.sim.with(|service, at| {
            let rows = hearers(service, order, at.now)?;
            queue_changes(service, order, &rows, at.now)
        });
        self.sim.stir();
        emitted
    }

    /// Sends a lifecycle event of a subscription.
    pub fn emit_lifecycle(&self, id: &str, event: &str) -> Result<Emitted, ControlError> {
        let emitted = self.sim.with(|service, at| {
            let row = live_row(service, id, at.now)?;
            queue_lifecycle(service, &row, event, at.now)
        });
        self.sim.stir();
        emitted
    }
}

pub(super) fn wrong(error: impl std::fmt::Display) -> ControlError {
    ControlError::Wrong(error.to_string())
}

fn absent(id: &str) -> ControlError {
    ControlError::Absent(format!("there is no live subscription {id}"))
}

pub(super) fn live_row(service: &Service, id: &str, now: Timestamp) -> Result<Row, ControlError> {
    service
        .store
        .live(id, now)
        .cloned()
        .ok_or_else(|| absent(id))
}

fn check_rule(rule: &Rule) -> Result<(), ControlError> {
    use super::faults::Effect;
    if let Effect::Answer(injected) | Effect::AnswerAfter(injected) = &rule.effect
        && !(400..=599).contains(&injected.status)
    {
        return Err(ControlError::Wrong(format!(
            "status is {}; it must be 400 to 599",
            injected.status
        )));
    }
    if rule.nth == 0 {
        return Err(ControlError::Wrong("nth counts from 1".into()));
    }
    Ok(())
}

/// The log of calls and the counters, as JSON.
pub(super) fn calls_json(service: &Service, after: u64, operation: Option<&str>) -> Value {
    let calls: Vec<Value> = service
        .calls
        .log()
        .filter(|record| record.number > after)
        .filter(|record| operation.is_none_or(|op| record.operation.as_str() == op))
        .map(|record| json!(record))
        .collect();
    json!({
        "counts": service.calls.counts(),
        "handshakes": service.calls.handshakes,
        "faults": service.faults.fired,
        "ten_minute_violations": service.calls.ten_minute_violations,
        "calls": calls,
    })
}
