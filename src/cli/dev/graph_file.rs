//! What the simulated Graph remembers between two starts.
//!
//! The real Graph does not forget when a laptop restarts; a simulated one that did would show
//! every subscription as removed behind our back.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::demo::app_folder;
use crate::sim::control::{Control, PlantOrder};
use crate::sim::row::Row;

/// Writes the live subscriptions, if they changed.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn save(control: &Control, file: &Path) -> anyhow::Result<()> {
    let now = control.now();
    let rows: Vec<Value> = control.live().iter().map(|row| row.inside(now)).collect();
    let text = format!("{:#}\n", Value::Array(rows));
    if std::fs::read_to_string(file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    app_folder::replace(file, &text)
}

/// Puts back what was saved and has not expired since.
///
/// # Errors
/// Where the file cannot be read, or holds something else.
pub(super) fn restore(control: &Control, file: &Path) -> anyhow::Result<()> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("could not read {}", file.display()));
        }
    };
    let spoilt = || {
        format!(
            "{} does not hold the subscriptions of a simulated Graph; delete it to begin anew",
            file.display()
        )
    };
    let rows: Vec<Map<String, Value>> = serde_json::from_str(&text).with_context(spoilt)?;
    for row in rows {
        restore_row(control, row).with_context(spoilt)?;
    }
    Ok(())
}

fn restore_row(control: &Control, saved: Map<String, Value>) -> anyhow::Result<()> {
    let text = |name: &str| saved.get(name).and_then(Value::as_str).map(str::to_owned);
    let moment = |name: &str| -> anyhow::Result<Timestamp> {
        let text = text(name).with_context(|| format!("a subscription has no {name}"))?;
        Ok(text.parse()?)
    };
    let (id, expires) = (
        text("id").context("a subscription has no id")?,
        moment("expirationDateTime")?,
    );
    let created = moment("created")?;
    if expires <= control.now() {
        return Ok(());
    }
    let renewals = saved.get("renewals").and_then(Value::as_u64).unwrap_or(0);
    let mut subscription = saved.clone();
    subscription.retain(|_, value| !value.is_null());
    let planted = control.plant(PlantOrder {
        tenant: text("tenantId"),
        app: text("applicationId"),
        subscription,
    })?;
    let row = Row {
        id,
        expires,
        created,
        renewals: u32::try_from(renewals).unwrap_or(u32::MAX),
        ..planted.clone()
    };
    control.sim().with(|service, at| {
        if let Some(stand_in) = service.store.any_mut(&planted.id) {
            stand_in.deleted = Some(at.now);
        }
        let seq = service.store.next_seq();
        service.store.insert(Row { seq, ..row });
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::clock::SimClock;
    use crate::sim::exchange::Sim;
    use crate::sim::settings::Settings;
    use serde_json::json;

    fn graph(now: &str) -> Control {
        let clock = SimClock::standing(now.parse().unwrap());
        Control::new(Sim::new(clock, Settings::default(), 1))
    }

    fn plant(control: &Control, resource: &str, expires: &str) -> Row {
        let subscription = json!({
            "resource": resource, "changeType": "updated", "clientState": "s",
            "notificationUrl": "http://127.0.0.1:1/api/notifications/dev",
            "expirationDateTime": expires,
        });
        let order = PlantOrder {
            tenant: Some("84bd8158-6d4d-4958-8b9f-9d6445542f95".to_owned()),
            app: Some("a".to_owned()),
            subscription: subscription.as_object().unwrap().clone(),
        };
        control.plant(order).unwrap()
    }

    #[test]
    fn a_restart_keeps_what_lives_and_forgets_what_expired() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("graph.json");
        let before = graph("2026-03-02T08:00:00Z");
        let lives = plant(&before, "users", "2026-03-02T12:00:00Z");
        plant(&before, "groups", "2026-03-02T09:00:00Z");
        save(&before, &file).unwrap();
        let after = graph("2026-03-02T11:50:00Z");
        restore(&after, &file).unwrap();
        let rows = after.live();
        let seq = rows[0].seq;
        assert_eq!(rows, [Row { seq, ..lives }]);
    }

    #[test]
    fn no_file_is_a_fresh_start_and_a_spoilt_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("graph.json");
        let control = graph("2026-03-02T08:00:00Z");
        restore(&control, &file).unwrap();
        for spoilt in ["{}", "[{}]", "[", r#"[{"id":"a","created":"soon"}]"#] {
            std::fs::write(&file, spoilt).unwrap();
            let error = restore(&control, &file).unwrap_err();
            assert!(
                format!("{error:#}").contains("delete it to begin anew"),
                "{error:#}"
            );
        }
    }
}
