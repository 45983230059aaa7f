//! From an order to queued notifications: who hears, and what the items say.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::control::{ChangeOrder, ControlError, Emitted, LIFECYCLE_EVENTS, live_row, wrong};
use super::deliveries::{Cargo, Post};
use super::endpoints::Admission;
use super::events::Fate;
use super::items::{Changed, change_item, covers, lifecycle_item};
use super::kinds::Kind;
use super::path::Path;
use super::rich::{enclose, is_rich, tokens};
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

/// An item that is ready to go: of which subscription, and its number in the log.
pub(super) struct Ready {
    pub(super) row: Row,
    pub(super) event: u64,
    pub(super) item: Value,
}

pub(super) fn queue_changes(
    service: &mut Service,
    order: &ChangeOrder,
    rows: &[Row],
    now: Timestamp,
) -> Result<Emitted, ControlError> {
    let mut emitted = Emitted {
        subscriptions: rows.iter().map(|row| row.id.clone()).collect(),
        ..Emitted::default()
    };
    let mut made: Vec<(&Row, Value)> = Vec::new();
    for row in rows {
        for _ in 0..order.count.clamp(1, 10_000) {
            made.push((row, whole_item(service, order, row, now)?));
        }
    }
    // Nothing is written down until every item could be made.
    let mut ready: Vec<Ready> = Vec::new();
    for (row, item) in made {
        let event = service.events.add(row, &item, None, now);
        emitted.events.push(event);
        let lost = service.settings.delivery.loss_per_mille;
        if lost > 0 && service.rng.u16(0..1_000) < lost {
            service.lose(&[event], Fate::Lost, now);
            continue;
        }
        let row = row.clone();
        ready.push(Ready { row, event, item });
    }
    if service.settings.delivery.reorder {
        service.rng.shuffle(&mut ready);
    }
    let doubled = service.settings.delivery.duplicate;
    for batch in batches(ready, service.settings.delivery.batch, most(service)) {
        for _ in 0..if doubled { 2 } else { 1 } {
            emitted
                .deliveries
                .push(queue_batch(service, Cargo::Change, &batch, now)?);
        }
    }
    emitted.deliveries.dedup();
    Ok(emitted)
}

fn most(service: &Service) -> usize {
    service.settings.delivery.batch_max.max(1)
}

/// The item of a change, its content enclosed where the subscription asked for it.
pub(super) fn whole_item(
    service: &mut Service,
    order: &ChangeOrder,
    row: &Row,
    now: Timestamp,
) -> Result<Value, ControlError> {
    let settings = service.settings.delivery.clone();
    let changed = Changed {
        resource: item_path(service, order, row),
        change: order.change_type.clone(),
    };
    let mut item = change_item(row, &changed, now, &mut service.rng, &settings);
    if is_rich(row) {
        enclose(service, row, &mut item, now).map_err(wrong)?;
    }
    Ok(item)
}

/// Items of one address together, in the order of their first.
fn batches(ready: Vec<Ready>, batch: bool, most: usize) -> Vec<Vec<Ready>> {
    if !batch {
        return ready.into_iter().map(|one| vec![one]).collect();
    }
    let mut all: Vec<Vec<Ready>> = Vec::new();
    for one in ready {
        let fits = |group: &&mut Vec<Ready>| {
            group.len() < most && group[0].row.notification_url == one.row.notification_url
        };
        match all.iter_mut().rev().find(fits) {
            Some(group) => group.push(one),
            None => all.push(vec![one]),
        }
    }
    all
}

/// Puts items into a POST that still waits for more, or into one of their own.
fn queue_batch(
    service: &mut Service,
    cargo: Cargo,
    batch: &[Ready],
    now: Timestamp,
) -> Result<u64, ControlError> {
    let rich: Vec<&Row> = batch
        .iter()
        .map(|one| &one.row)
        .filter(|row| is_rich(row))
        .collect();
    let tokens = match rich.as_slice() {
        [] => None,
        rows => Some(tokens(service, rows, now).map_err(wrong)?),
    };
    let items: Vec<Value> = batch.iter().map(|one| one.item.clone()).collect();
    let mut ids: Vec<String> = batch.iter().map(|one| one.row.id.clone()).collect();
    ids.dedup();
    let events: Vec<u64> = batch.iter().map(|one| one.event).collect();
    let url = match (cargo, batch.first()) {
        (Cargo::Lifecycle, Some(first)) => first.row.lifecycle_url.clone().unwrap_or_default(),
        (_, first) => first
            .map(|first| first.row.notification_url.clone())
            .unwrap_or_default(),
    };
    let most = most(service);
    let settings = &service.settings.delivery;
    let waits = settings.batch && settings.batch_window_ms > 0 && !settings.duplicate;
    let open = if waits {
        service.deliveries.open(&url, cargo, now)
    } else {
        None
    };
    let number = match open {
        Some(open) if open.events.len() + events.len() <= most => {
            open.subscriptions.extend(ids);
            open.subscriptions.dedup();
            open.events.extend(&events);
            extend(&mut open.body, items, tokens);
            open.number
        }
        _ => {
            let mut body = json!({ "value": items });
            if let Some(tokens) = tokens {
                body["validationTokens"] = tokens;
            }
            if service.settings.delivery.unknown_members {
                body["futureMember"] = json!({"nested": true});
            }
            let post = Post {
                url,
                cargo,
                subscriptions: ids,
                events: events.clone(),
                body,
            };
            queue_post(service, post, now)
        }
    };
    for event in events {
        if let Some(event) = service.events.find_mut(event) {
            event.deliveries.push(number);
        }
    }
    Ok(number)
}

/// Adds items to a body, and the tokens that it does not have yet.
fn extend(body: &mut Value, items: Vec<Value>, tokens: Option<Value>) {
    if let Some(value) = body["value"].as_array_mut() {
        value.extend(items);
    }
    match (tokens, body.get_mut("validationTokens")) {
        (Some(Value::Array(more)), Some(Value::Array(known))) => {
            for token in more {
                if !known.contains(&token) {
                    known.push(token);
                }
            }
        }
        (Some(tokens), None) => body["validationTokens"] = tokens,
        _ => {}
    }
}

/// Queues a POST as the state of its endpoint allows.
pub(super) fn queue_post(service: &mut Service, post: Post, now: Timestamp) -> u64 {
    let settings = service.settings.delivery.clone();
    let events = post.events.clone();
    let window = i64::try_from(settings.batch_window_ms).unwrap_or(i64::MAX);
    let admission = match post.cargo {
        Cargo::Forged => Admission::Due(now),
        _ => service.endpoints.admit(&post.url, now, &settings.endpoints),
    };
    match admission {
        Admission::Due(due) => {
            let window = match post.cargo {
                Cargo::Forged => SignedDuration::ZERO,
                _ => SignedDuration::from_millis(window),
            };
            let due = due.checked_add(window).unwrap_or(due);
            service.deliveries.queue(post, due, &settings)
        }
        Admission::Dropped => {
            let number = service.deliveries.queue(post, now, &settings);
            service.deliveries.drop_unsent(number);
            service.lose(&events, Fate::Dropped, now);
            number
        }
    }
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
    if row.lifecycle_url.is_none() {
        return Err(ControlError::Wrong(format!(
            "subscription {} has no lifecycleNotificationUrl",
            row.id
        )));
    }
    let item = lifecycle_item(row, event, &service.settings.delivery);
    let number = service.events.add(row, &item, None, now);
    let one = Ready {
        row: row.clone(),
        event: number,
        item,
    };
    Ok(Emitted {
        deliveries: vec![queue_batch(service, Cargo::Lifecycle, &[one], now)?],
        subscriptions: vec![row.id.clone()],
        events: vec![number],
    })
}
