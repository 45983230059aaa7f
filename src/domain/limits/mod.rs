//! What Graph allows for each kind of resource: change types, lifetimes, lifecycle URL,
//! selection, quotas, permissions.
//!
//! Sources, by the short names used in the table: *subscription* is Microsoft's v1.0 resource
//! page of subscription (2026-09-17), *overview* that of change notifications (2025-03-05),
//! *create* that of creating a subscription (2026-05-05), *rich* that of notifications with
//! resource data (2026-04-17), *presence* that of presence notifications (2026-08-15),
//! *observed* what Graph was seen to answer.

mod permission;
mod table;

pub use permission::{AppRole, Permission, of as permission, role_id};

use std::fmt;

use jiff::SignedDuration;

use super::resource::{Resource, ResourceKind};
use super::subscription::{ChangeType, ChangeTypes, Lifetime};

/// An expiry nearer than this is raised to this by Graph (subscription).
pub const RAISED_TO: SignedDuration = SignedDuration::from_mins(45);

/// Beyond this, Teams resources need a lifecycle URL (subscription).
pub const LIFECYCLE_NEEDED_BEYOND: SignedDuration = SignedDuration::from_hours(1);

/// How long a subscription may live, and what to ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifespan {
    /// The documented maximum, in minutes.
    pub max_min: u32,
    /// What `max` asks for, in minutes: below the maximum by a margin for the skew of clocks
    /// and for limits that are tighter than documented.
    pub request_min: u32,
    /// Where the maximum is from.
    pub source: &'static str,
}

/// Whether notifications may carry the resource itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rich {
    /// Not supported.
    No,
    /// Supported.
    Yes {
        /// Its own limits of lifetime.
        lifespan: Lifespan,
        /// What holds for `$select`.
        select: SelectRule,
    },
}

/// What holds for `$select` with resource data (rich).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SelectRule {
    /// Must be there (Outlook).
    Required,
    /// May be there.
    Allowed,
    /// Must not be there.
    Refused,
}

/// Whether a lifecycle URL is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LifecycleRule {
    /// Recommended only.
    Optional,
    /// Needed when the lifetime is longer than [`LIFECYCLE_NEEDED_BEYOND`].
    NeededBeyondAnHour,
}

/// A number that Graph does not let us exceed. Beyond it, a create is answered with 403.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// How many.
    pub count: u32,
    /// Active subscriptions of what, counted how; completes "at most 1,000 …".
    pub scope: &'static str,
    /// The same, for a program that counts its own.
    pub per: QuotaScope,
    /// Whether kinds that name the same quota fill it together.
    pub shared: bool,
}

/// What a quota counts, as far as a declaration alone can tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum QuotaScope {
    /// Subscriptions to one mailbox.
    Mailbox,
    /// Subscriptions of one application in one tenant.
    AppAndTenant,
    /// Subscriptions of all applications in one tenant.
    Tenant,
    /// Subscriptions of one application to all tenants.
    App,
    /// Subscriptions of one application to one resource path.
    AppAndResource,
    /// Something a declaration does not show, such as the users behind a subscription.
    Elsewhere,
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} {}", thousands(self.count), self.scope)
    }
}

/// A number with commas between thousands.
pub(crate) fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What Graph allows for one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The kind.
    pub kind: ResourceKind,
    /// Change types that Graph accepts.
    pub changes: &'static [ChangeType],
    /// Lifetime without resource data.
    pub basic: Lifespan,
    /// Resource data.
    pub rich: Rich,
    /// Lifecycle URL.
    pub lifecycle: LifecycleRule,
    /// Numbers of subscriptions.
    pub quotas: &'static [Quota],
    /// Available in the global cloud only.
    pub global_cloud_only: bool,
    /// What the sources leave open, as a clause for a warning.
    pub doubt: Option<&'static str>,
}

/// The limits of a kind. An unknown kind gets the shortest usual lifetime and no promises.
pub fn of(kind: ResourceKind) -> &'static Limits {
    table::of(kind)
}

impl Limits {
    /// Change types that Graph accepts, as a set.
    pub fn change_types(&self) -> ChangeTypes {
        ChangeTypes::of(self.changes)
    }

    /// Lifetime limits, with or without resource data. Where resource data is not supported,
    /// the basic ones.
    pub fn lifespan(&self, rich: bool) -> &Lifespan {
        match &self.rich {
            Rich::Yes { lifespan, .. } if rich => lifespan,
            _ => &self.basic,
        }
    }

    /// The longest lifetime that Graph documents.
    pub fn max_lifetime(&self, rich: bool) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.lifespan(rich).max_min))
    }

    /// The longest lifetime that we ask for: a margin below the maximum.
    pub fn request_lifetime(&self, rich: bool) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.lifespan(rich).request_min))
    }

    /// What to ask Graph for: the declared lifetime, never beyond [`Self::request_lifetime`].
    pub fn lifetime_to_request(&self, declared: Lifetime, rich: bool) -> SignedDuration {
        match declared {
            Lifetime::Max => self.request_lifetime(rich),
            Lifetime::Exactly(length) => length.min(self.request_lifetime(rich)),
        }
    }

    /// Whether a subscription of this length needs a lifecycle URL.
    pub fn needs_lifecycle(&self, lifetime: SignedDuration) -> bool {
        self.lifecycle == LifecycleRule::NeededBeyondAnHour && lifetime > LIFECYCLE_NEEDED_BEYOND
    }
}

/// Whether Graph sends resource data for the path: some forms of a kind that supports it do
/// not (overview: chats of a user, and the chats and messages of an app's installations).
pub fn has_resource_data(resource: &Resource) -> bool {
    let kind = resource.kind();
    let narrowed = match kind {
        ResourceKind::Chat => resource.segments().next() != Some("chats"),
        ResourceKind::ChatMessage => resource.is_where_installed(),
        _ => false,
    };
    !narrowed && of(kind).rich != Rich::No
}

/// Query options that Graph refuses in a rich Outlook resource, each with what is wrong
/// (Outlook's page of change notifications): `$top`, `$skip`, `$orderby`, a body in `$select`,
/// and `$expand` of anything but extended properties.
pub fn refused_options(resource: &Resource) -> Vec<String> {
    if !resource.kind().is_outlook() {
        return Vec::new();
    }
    let query = resource.query();
    let mut out: Vec<String> = ["$top", "$skip", "$orderby"]
        .into_iter()
        .filter(|name| query.get(name).is_some())
        .map(str::to_owned)
        .collect();
    let bodies = query.selected().filter(|property| {
        property.eq_ignore_ascii_case("body") || property.eq_ignore_ascii_case("uniqueBody")
    });
    out.extend(bodies.map(|property| format!("$select={property}")));
    if let Some(expand) = query
        .get("$expand")
        .filter(|value| !is_extended_property(value))
    {
        out.push(format!("$expand={expand}"));
    }
    out
}

fn is_extended_property(expand: &str) -> bool {
    let name = expand.split('(').next().unwrap_or(expand).trim();
    [
        "singleValueExtendedProperties",
        "multiValueExtendedProperties",
    ]
    .iter()
    .any(|one| one.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
