//! The checks of a create that come after the handshake: permission, quota, duplicate.
//!
//! A passed handshake does not mean that a subscription exists: 403 and 409 were seen after it
//! (onedrive-api-docs#1398, msgraph-sdk-dotnet#365, abraunegg/onedrive#2501).

use jiff::Timestamp;

use super::kinds::{Doubles, Kind};
use super::path::respelled;
use super::refusal::Refusal;
use super::row::Row;
use super::settings::{Permissions, Settings};
use super::store::{Group, Store, groups_of};
use super::token::Caller;

/// Whether the caller may subscribe to the kind.
pub fn check_permission(
    caller: &Caller,
    kind: Kind,
    permissions: &Permissions,
) -> Result<(), Refusal> {
    let facts = kind.facts();
    let needs_user = permissions.refuse_app_only && !facts.app_only && !caller.delegated;
    let missing = match (&permissions.granted, facts.permission) {
        (Some(granted), Some(needed)) => !granted.iter().any(|one| one == needed),
        _ => false,
    };
    if needs_user || missing {
        // onedrive-api-docs#1398
        return Err(Refusal::extension("Create", 403, "Access denied"));
    }
    Ok(())
}

/// Whether there is room for one more.
pub fn check_quota(
    store: &Store,
    row: &Row,
    now: Timestamp,
    settings: &Settings,
) -> Result<(), Refusal> {
    for group in groups_of(row) {
        let Some((limit, refusal)) = limit_of(&group, settings) else {
            continue;
        };
        if store.live_of(&group, now).count() >= limit {
            return Err(refusal);
        }
    }
    Ok(())
}

fn limit_of(group: &Group, settings: &Settings) -> Option<(usize, Refusal)> {
    let quotas = &settings.quotas;
    // "The message names the limit exceeded" (overview page); the exact text was not found.
    let plain = |limit: usize, of: &str| {
        let reason = format!("Subscription limit of '{limit}' for each {of} has been reached.");
        (limit, Refusal::extension("Create", 403, &reason))
    };
    match group {
        Group::Mailbox(..) => {
            let limit = quotas.mailbox?;
            Some(if quotas.mailbox_as_429 {
                (limit, mailbox_as_429(limit))
            } else {
                plain(limit, "mailbox")
            })
        }
        Group::DirectoryApp(_) => Some(plain(quotas.directory_app?, "application")),
        Group::DirectoryTenant(_) => Some(plain(quotas.directory_tenant?, "tenant")),
        Group::DirectoryAppTenant(..) => Some(plain(
            quotas.directory_app_tenant?,
            "application and tenant",
        )),
        Group::TeamsTenant(_) => Some(plain(quotas.teams_organization?, "organization")),
        Group::TeamsUser(..) => Some(plain(quotas.teams_user?, "user")),
        Group::CallRecords(_) => Some(plain(quotas.call_records?, "organization")),
        Group::Approvals(_) => Some(plain(quotas.approvals?, "tenant")),
        Group::Drive(..) => {
            // docs#21403
            let words = "Maximum number of subscriptions has been reached";
            Some((quotas.drive?, Refusal::extension("Create", 403, words)))
        }
        Group::Owner(..) | Group::Path(..) | Group::Presence(_) => None,
    }
}

/// The full mailbox as Stack Overflow 65494288 saw it.
fn mailbox_as_429(limit: usize) -> Refusal {
    let words = format!(
        "Operation: Create; Exception: [Status Code: 429; Reason: Resource \
         'SubscriptionCountReached' has reached limit of '{limit}'.  Please retry after \
         '12/31/9999 11:59:59 PM']"
    );
    Refusal::new(429, "ExtensionError", words)
}

/// Whether something of the same kind stands in the way.
pub fn check_duplicate(
    store: &Store,
    row: &Row,
    now: Timestamp,
    settings: &Settings,
) -> Result<(), Refusal> {
    let rules = &settings.duplicates;
    let doubles = row.kind.facts().doubles;
    match doubles {
        Doubles::OneForAll => {
            let group = Group::Presence(row.tenant.clone());
            let taken = store
                .live_of(&group, now)
                .any(|other| other.app == row.app && other.creator == row.creator);
            if taken {
                // The typing errors are the service's (msgraph-sdk-go#596).
                let words = "A subscripton already exists. It must be deleted before a another \
                             can be made.";
                return Err(Refusal::extension("Create", 409, words));
            }
        }
        Doubles::LimitOfOne if rules.limit_of_one => {
            if same_path(store, row, now, settings).next().is_some() {
                return Err(limit_of_one(row));
            }
        }
        Doubles::LimitOfOne => {}
        Doubles::Silent if rules.lists_silent => {}
        Doubles::Silent | Doubles::Conflict if rules.silent => {}
        Doubles::Silent | Doubles::Conflict => {
            let changes = row.change_set();
            let holder = same_path(store, row, now, settings)
                .find(|other| !rules.by_change_type || other.change_set() == changes);
            if let Some(holder) = holder {
                let id = rules.name_holder.then_some(holder.id.as_str());
                return Err(Refusal::in_use(id));
            }
        }
    }
    Ok(())
}

/// techcommunity 4194946: Teams' answer to a second subscription of app and path.
fn limit_of_one(row: &Row) -> Refusal {
    let path = row.resource.trim_start_matches('/').to_uppercase();
    let reason = format!(
        "App '{}' has reached its limit of '1' '{path}' subscription on tenant '{}'.",
        row.app, row.tenant
    );
    Refusal::extension("Create", 403, &reason)
}

/// Live rows of the same resource, in the scope and with the spelling rules of the switches.
/// The query belongs to the resource (`$select` makes another subscription).
fn same_path<'s>(
    store: &'s Store,
    row: &'s Row,
    now: Timestamp,
    settings: &'s Settings,
) -> impl Iterator<Item = &'s Row> {
    let rules = &settings.duplicates;
    let group = Group::Path(row.tenant.clone(), row.path.joined());
    let rows: Vec<&Row> = store.live_of(&group, now).collect();
    rows.into_iter().filter(move |other| {
        let same_app = rules.across_apps || other.app == row.app;
        let same_query = match (other.path.query(), row.path.query()) {
            (Some(a), Some(b)) if rules.fold_case => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        };
        let same_spelling = match (rules.fold_spelling, rules.fold_case) {
            (true, true) => true,
            (true, false) => respelled(&other.resource) == respelled(&row.resource),
            (false, true) => other.resource.eq_ignore_ascii_case(&row.resource),
            (false, false) => other.resource == row.resource,
        };
        same_app && same_query && same_spelling
    })
}
