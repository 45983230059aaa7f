//! From an order to queued notifications: who hears, and what the items say.

use jiff::Timestamp;
use serde_json::Value;

use super::control::{ChangeOrder, ControlError, Emitted, LIFECYCLE_EVENTS, live_row};
use super::deliveries::Cargo;
use super::items::{Changed, change_item, covers, lifecycle_item};
use super::kinds::Kind;
use super::path::Path;
use super::row::Row;
use super::service::Service;

pub(super) fn hearers(
    service: &Service,
    order: &ChangeOrder,
    now: Timestamp,
) -> Result<Vec<Row>, ControlError> {
    let rows = match (&order.subscription, &order.resource) {
        (Some(id), _) => vec![live_row(service, id, now)?],
        (None, Some(resource)) => {
            let changed = Changed {
                resource: resource.clone(),
                change: order.change_type.clone(),
            };
            let tenant = order.tenant.as_deref();
            let rows = service.store.all().filter(|row| {
                row.is_live(now)
                    && tenant.is_none_or(|tenant| row.tenant.as_str() == tenant)
                    && covers(row, &changed)
            });
            rows.cloned().collect()
        }
        (None, None) => {
            let words = "name a resource (a path) or a subscription (an id)";
            return Err(ControlError::Wrong(words.into()));
        }
    };
    Ok(rows)
}

pub(super) fn queue_changes(
    service: &mut Service,
    order: &ChangeOrder,
    rows: &[Row],
    now: Timestamp,
) -> Emitted {
    let settings = service.settings.delivery.clone();
    let mut by_url: Vec<(String, Vec<String>, Vec<Value>)> = Vec::new();
    for row in rows {
        for _ in 0..order.count.clamp(1, 10_000) {
            let resource = item_path(service, order, row);
            let changed = Changed {
                resource,
                change: order.change_type.clone(),
            };
            let item = change_item(row, &changed, now, &mut service.rng, &settings);
            let url = &row.notification_url;
            match by_url
                .iter_mut()
                .find(|(known, ..)| settings.batch && known == url)
            {
                Some((_, ids, items)) => {
                    ids.push(row.id.clone());
                    items.push(item);
                }
                None => by_url.push((url.clone(), vec![row.id.clone()], vec![item])),
            }
        }
    }
    let mut emitted = Emitted {
        deliveries: Vec::new(),
        subscriptions: rows.iter().map(|row| row.id.clone()).collect(),
    };
    for (url, mut ids, items) in by_url {
        ids.dedup();
        for _ in 0..if settings.duplicate { 2 } else { 1 } {
            let (ids, items) = (ids.clone(), items.clone());
            let queue = &mut service.deliveries;
            let number = queue.queue(&url, Cargo::Change, ids, items, now, &settings);
            emitted.deliveries.push(number);
        }
    }
    emitted
}

/// Path of the item that changed; a new one of the subscription's own where the order names none.
fn item_path(service: &mut Service, order: &ChangeOrder, row: &Row) -> String {
    let base = order.resource.as_deref().unwrap_or(&row.resource);
    let base = base.split('?').next().unwrap_or_default().trim_matches('/');
    let path = Path::parse(base);
    if path.words() != row.path.words() || Kind::is_single(&path) {
        return base.to_owned();
    }
    let id: String = std::iter::repeat_with(|| service.rng.alphanumeric())
        .take(24)
        .collect();
    if !base.to_ascii_lowercase().contains("getall") {
        return format!("{base}/{id}");
    }
    // A subscription to everything: the item lies in some team, channel or chat.
    let some = service.guid();
    match (row.kind, base.starts_with("teams")) {
        (Kind::ChatMessage, true) => format!("teams/{some}/channels/19:{some}/messages/{id}"),
        (Kind::ChatMessage, false) => format!("chats/19:{some}/messages/{id}"),
        (Kind::Channel, _) => format!("teams/{some}/channels/{id}"),
        (Kind::ConversationMember, true) => format!("teams/{some}/members/{id}"),
        (Kind::ConversationMember, false) => format!("chats/19:{some}/members/{id}"),
        _ => format!("{base}/{id}"),
    }
}

pub(super) fn queue_lifecycle(
    service: &mut Service,
    row: &Row,
    event: &str,
    now: Timestamp,
) -> Result<Emitted, ControlError> {
    if !LIFECYCLE_EVENTS.contains(&event) {
        return Err(ControlError::Wrong(format!(
            "event is {event:?}; it must be one of {}",
            LIFECYCLE_EVENTS.join(", ")
        )));
    }
    let Some(url) = &row.lifecycle_url else {
        return Err(ControlError::Wrong(format!(
            "subscription {} has no lifecycleNotificationUrl",
            row.id
        )));
    };
    let settings = service.settings.delivery.clone();
    let items = vec![lifecycle_item(row, event, &settings)];
    let ids = vec![row.id.clone()];
    let queue = &mut service.deliveries;
    let number = queue.queue(url, Cargo::Lifecycle, ids.clone(), items, now, &settings);
    Ok(Emitted {
        deliveries: vec![number],
        subscriptions: ids,
    })
}
