//! The items of notifications, in the shapes that the samples show for each kind.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

use super::kinds::{Family, Kind};
use super::path::Path;
use super::rich::is_rich;
use super::row::{Row, ticks};
use super::settings::{DeliverySettings, ExpiryFormat, LifecycleVariant, PathStyle};
use crate::domain::client_state::ClientState;

/// Something that changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// Path of the item as the test wrote it; item ids are case-sensitive.
    pub resource: String,
    /// `created`, `updated` or `deleted`.
    pub change: String,
}

/// Whether the subscription hears of the change.
pub fn covers(row: &Row, changed: &Changed) -> bool {
    let path = Path::parse(&changed.resource);
    let below = row.path.holds(&path);
    // `teams/getAllMessages` and its like hear of their kind anywhere below the first word.
    let words = path.words();
    let parent = words.len().saturating_sub(1);
    let collection = Path::parse(&words[..parent].join("/"));
    let all = row
        .path
        .words()
        .iter()
        .any(|word| word.starts_with("getall"))
        && Kind::of(&collection) == row.kind
        && row.path.words().first() == words.first();
    (below || all) && row.change_set().contains(&changed.change)
}

/// The item of a change, basic form.
pub fn change_item(
    row: &Row,
    changed: &Changed,
    now: Timestamp,
    rng: &mut fastrand::Rng,
    settings: &DeliverySettings,
) -> Value {
    let mut item = head(row, settings);
    item["changeType"] = changed.change.clone().into();
    item["tenantId"] = tenant(row, settings).into();
    if settings.notification_id {
        let id: String = std::iter::repeat_with(|| rng.alphanumeric())
            .take(13)
            .collect();
        item["id"] = id.into();
    }
    let id = changed
        .resource
        .rsplit(['/', '\''])
        .find(|part| !part.is_empty() && *part != ")");
    let id = id.unwrap_or_default().to_owned();
    match row.kind.facts().family {
        Family::Outlook => outlook(&mut item, row, &id, rng),
        Family::Directory => directory(&mut item, row, &id, now),
        // OneDrive and SharePoint say only that something changed (abraunegg/onedrive).
        Family::Drive | Family::SharePoint => {
            item["resource"] = row.resource.trim_start_matches('/').into();
        }
        Family::Teams if row.kind == Kind::Presence => presence(&mut item, row, &id),
        Family::Teams => teams(&mut item, row, changed, &id),
        Family::Other => {
            item["resource"] = changed.resource.trim_start_matches('/').into();
            let name = row.kind.facts().name;
            item["resourceData"] = json!({
                "@odata.type": format!("#Microsoft.Graph.{name}"),
                "@odata.id": changed.resource.trim_start_matches('/'),
                "id": id,
            });
        }
    }
    restyle(&mut item, row, settings);
    if settings.unknown_members {
        item["futureMember"] = json!({"nested": [1, "two", null]});
    }
    item
}

/// Both styles of paths arrive; rich Outlook items were seen with parentheses.
fn restyle(item: &mut Value, row: &Row, settings: &DeliverySettings) {
    let outlook = row.kind.facts().family == Family::Outlook;
    let path = item["resource"].as_str().unwrap_or_default().to_owned();
    let path = path.as_str();
    let written = match settings.path_style {
        PathStyle::Usual if is_rich(row) && outlook => in_parentheses(path),
        PathStyle::Usual => return,
        PathStyle::Parentheses => in_parentheses(path),
        PathStyle::Slashes => path.replace("('", "/").replace("')", ""),
    };
    if let Some(id) = item.pointer_mut("/resourceData/@odata.id")
        && *id == path
    {
        *id = written.clone().into();
    }
    item["resource"] = written.into();
}

/// The item of a lifecycle event. It has no `resource`.
pub fn lifecycle_item(row: &Row, event: &str, settings: &DeliverySettings) -> Value {
    let mut item = head(row, settings);
    let name = match settings.lifecycle_tenant {
        LifecycleVariant::TenantId => "tenantId",
        LifecycleVariant::OrganizationId => "organizationId",
    };
    item[name] = tenant(row, settings).into();
    item["lifecycleEvent"] = event.into();
    item
}

fn head(row: &Row, settings: &DeliverySettings) -> Value {
    json!({
        "subscriptionId": row.id,
        "subscriptionExpirationDateTime": written(row.expires, settings.expiry_format),
        "clientState": row.client_state.as_ref().map(ClientState::expose),
    })
}

fn tenant(row: &Row, settings: &DeliverySettings) -> String {
    if settings.personal_account {
        String::new()
    } else {
        row.tenant.as_str().to_owned()
    }
}

fn written(moment: Timestamp, format: ExpiryFormat) -> String {
    match format {
        ExpiryFormat::Z7 => ticks(moment),
        ExpiryFormat::Z3 => moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        ExpiryFormat::Short => moment.strftime("%Y-%m-%dT%H:%M:%S%.1f+00:00").to_string(),
        ExpiryFormat::Offset => moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        ExpiryFormat::Pacific => moment
            .to_zoned(TimeZone::fixed(Offset::constant(-8)))
            .strftime("%Y-%m-%dT%H:%M:%S%.7f-08:00")
            .to_string(),
    }
}

fn outlook(item: &mut Value, row: &Row, id: &str, rng: &mut fastrand::Rng) {
    let (plural, name) = match row.kind {
        Kind::Event => ("Events", "Event"),
        Kind::Contact => ("Contacts", "Contact"),
        _ => ("Messages", "Message"),
    };
    let user = row.path.user().unwrap_or("me");
    let path = format!("Users/{user}/{plural}/{id}");
    let etag: String = std::iter::repeat_with(|| rng.alphanumeric())
        .take(40)
        .collect();
    item["resource"] = path.clone().into();
    item["resourceData"] = json!({
        "@odata.type": format!("#Microsoft.Graph.{name}"),
        "@odata.id": path,
        "@odata.etag": format!("W/\"{etag}\""),
        "id": id,
    });
}

/// `sequenceNumber` is the moment in .NET ticks since the year 1 (docs-contrib#7634).
fn directory(item: &mut Value, row: &Row, id: &str, now: Timestamp) {
    const YEAR_1_TO_1970_TICKS: i64 = 621_355_968_000_000_000;
    let sequence = i64::try_from(now.as_nanosecond() / 100)
        .unwrap_or(0)
        .saturating_add(YEAR_1_TO_1970_TICKS);
    let (plural, name) = match row.kind {
        Kind::Group => ("Groups", "Group"),
        Kind::User => ("Users", "User"),
        _ => ("DirectoryObjects", "DirectoryObject"),
    };
    let path = format!("{plural}/{id}");
    item["resource"] = path.clone().into();
    item["resourceData"] = json!({
        "@odata.type": format!("#Microsoft.Graph.{name}"),
        "@odata.id": path,
        "id": id,
        "organizationId": row.tenant.as_str(),
        "eventTime": ticks(now),
        "sequenceNumber": sequence,
    });
}

/// Presence items name the tenant twice ("change notifications for presence").
fn presence(item: &mut Value, row: &Row, id: &str) {
    item["resource"] = format!("communications/presences/{id}").into();
    item["resourceData"] = json!({
        "@odata.type": "#microsoft.graph.presence",
        "@odata.id": format!("users/{id}/presence"),
        "id": id,
    });
    item["organizationId"] = row.tenant.as_str().into();
}

fn teams(item: &mut Value, row: &Row, changed: &Changed, id: &str) {
    let path = in_parentheses(&changed.resource);
    item["resource"] = path.clone().into();
    item["resourceData"] = json!({
        "@odata.type": format!("#Microsoft.Graph.{}", row.kind.facts().name),
        "@odata.id": path,
        "id": id,
    });
}

/// `chats/1/messages/2` as Teams writes it: `chats('1')/messages('2')`.
fn in_parentheses(path: &str) -> String {
    if path.contains('(') {
        return path.trim_matches('/').to_owned();
    }
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let pairs = words.chunks(2).map(|pair| match pair {
        [name, key] => format!("{name}('{key}')"),
        rest => rest.join("/"),
    });
    pairs.collect::<Vec<_>>().join("/")
}
