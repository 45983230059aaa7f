//! What a planning stands on: the inputs with their indexes, and each tenant's gate.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::grade::grade;
use super::ids::{AppId, SubscriptionId, TenantId};
use super::ownership::{FleetUrl, Home, Origin};
use super::plan::{Brake, Grade, Reason};
use super::reconcile::{Inputs, config_hash};
use super::rows::{Judge, Known, Rows};
use super::sight::{LifecycleEvent, Listing, Sight};
use super::state::{ShardState, TenantState};
use super::subscription::{Declaration, DesiredSet, Observed};

/// The inputs of one planning, indexed. Nothing in it changes while the plan grows.
pub(super) struct Table<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) declared: Option<&'a DesiredSet>,
    pub(super) config_hash: Option<String>,
    pub(super) grade: Grade,
    /// Every tenant that is declared or remembered, by name.
    pub(super) tenants: Vec<Tenant<'a>>,
    addresses: Addresses<'a>,
    /// The address of the state's writer, where it is neither ours nor declared as former.
    stranger: Option<FleetUrl>,
    places: HashMap<&'a TenantId, usize>,
    marks: BTreeSet<(&'a SubscriptionId, LifecycleEvent)>,
}

/// One tenant on the working table.
pub(super) struct Tenant<'a> {
    pub(super) name: &'a TenantId,
    pub(super) rows: Rows<'a>,
    pub(super) remembered: Option<&'a TenantState>,
    pub(super) gate: Gate,
}

impl Tenant<'_> {
    /// Whether anything may be done in the tenant now.
    pub(super) fn is_open(&self) -> bool {
        self.gate == Gate::Open
    }

    /// The listing of this pass.
    pub(super) fn listing(&self) -> &Listing {
        &self.rows.sight().listing
    }
}

/// Whether anything may be done in a tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    /// Yes.
    Open,
    /// Not before it is known which application the token belongs to.
    AskApp,
    /// Not before this application is recorded.
    RecordApp(AppId),
    /// No.
    Shut {
        why: Reason,
        until: Option<Timestamp>,
        words: String,
    },
}

static NOTHING_SEEN: Sight = Sight {
    app: None,
    no_token: None,
    listing: Listing::NotTaken,
    by_id: std::collections::BTreeMap::new(),
};

impl<'a> Table<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        let declared = match inputs.declaration {
            Declaration::Read(set) => Some(set),
            Declaration::Unusable { .. } => None,
        };
        let grade = grade(
            inputs.policy.mode,
            inputs.declaration,
            inputs.state,
            inputs.unreadable,
            inputs.home,
            inputs.ring,
        );
        let mut table = Self {
            inputs,
            declared,
            config_hash: config_hash(inputs.declaration, inputs.home),
            stranger: stranger(&grade, inputs.state),
            grade,
            tenants: Vec::new(),
            addresses: Addresses::of(inputs.home),
            places: HashMap::new(),
            marks: inputs
                .marks
                .iter()
                .map(|mark| (&mark.subscription, mark.event))
                .collect(),
        };
        table.seat_tenants();
        table
    }

    fn seat_tenants(&mut self) {
        let known = match self.inputs.sights.values().any(has_rows) {
            true => known_ids(self.declared, self.inputs.state),
            false => HashMap::new(),
        };
        for name in tenant_names(self.declared, self.inputs.state) {
            let sight = self.inputs.sights.get(name).unwrap_or(&NOTHING_SEEN);
            let remembered = self.inputs.state.tenants.get(name);
            let gate = gate(self.inputs, name, sight, remembered);
            let rows = Rows::new(
                name,
                sight,
                &self.addresses,
                &known,
                self.declared,
                self.inputs.now,
            );
            self.places.insert(name, self.tenants.len());
            self.tenants.push(Tenant {
                name,
                rows,
                remembered,
                gate,
            });
        }
    }

    /// The tenant, if it is declared or remembered.
    pub(super) fn tenant(&self, name: &TenantId) -> Option<&Tenant<'a>> {
        self.tenants.get(*self.places.get(name)?)
    }

    /// Whether a durable wish of this kind lies there for the subscription.
    pub(super) fn is_marked(&self, id: &SubscriptionId, event: LifecycleEvent) -> bool {
        !self.marks.is_empty() && self.marks.contains(&(id, event))
    }

    /// What is needed to judge rows.
    pub(super) fn judge(&self) -> Judge<'_> {
        Judge {
            addresses: &self.addresses,
            ring: self.inputs.ring,
            proofs: self.inputs.proofs,
            watches: &self.inputs.state.watches,
        }
    }

    /// Whether the row is ours by its address.
    pub(super) fn is_ours(&self, row: &Observed) -> bool {
        self.addresses.is_ours(row)
    }

    /// Whether the row stands at an address that is ours but not today's.
    pub(super) fn is_at_former(&self, row: &Observed) -> bool {
        self.addresses.is_ours(row) && !self.addresses.is_current(row)
    }

    /// Whether the row stands at an address that was never ours. Under a wrong configuration
    /// every row would: the address of the state's writer does not count as foreign.
    pub(super) fn is_foreign(&self, row: &Observed) -> bool {
        let at_writer = |url: &FleetUrl| url.is_notifications(&row.notification_url);
        !self.addresses.is_ours(row) && !self.stranger.as_ref().is_some_and(at_writer)
    }
}

fn has_rows(sight: &Sight) -> bool {
    !sight.listing.rows().is_empty() || !sight.by_id.is_empty()
}

fn tenant_names<'a>(declared: Option<&'a DesiredSet>, state: &'a ShardState) -> Vec<&'a TenantId> {
    let mut names: BTreeSet<&TenantId> = BTreeSet::new();
    let mut last: Option<&TenantId> = None;
    let wished = declared.into_iter().flat_map(|set| set.by_key.values());
    let every = wished
        .map(|desired| &desired.key.tenant)
        .chain(state.entries.values().map(|entry| &entry.key.tenant))
        .chain(state.watches.values().map(|watch| &watch.tenant));
    for name in every {
        // Most neighbours share their tenant; the set is asked only where it changes.
        if last != Some(name) {
            names.insert(name);
            last = Some(name);
        }
    }
    names.into_iter().collect()
}

/// Whose every held id is, and whether its key is declared: both maps are ordered by tag, so one
/// walk over both answers that for all.
fn known_ids<'a>(
    declared: Option<&'a DesiredSet>,
    state: &'a ShardState,
) -> HashMap<&'a SubscriptionId, Known> {
    let mut wishes = declared
        .into_iter()
        .flat_map(|set| set.by_key.keys())
        .peekable();
    let mut known = HashMap::with_capacity(state.entries.len());
    for (tag, entry) in &state.entries {
        while wishes.next_if(|wish| *wish < tag).is_some() {}
        let declared = wishes.peek() == Some(&tag);
        if let Some(held) = &entry.held {
            let tag = *tag;
            known.insert(&held.id, Known { tag, declared });
        }
    }
    known
}

/// A token of another application sees none of the subscriptions that this state knows, so it
/// must change nothing.
fn gate(
    inputs: &Inputs<'_>,
    name: &TenantId,
    sight: &Sight,
    remembered: Option<&TenantState>,
) -> Gate {
    let shut = |why, until, words| Gate::Shut { why, until, words };
    if let Some(why) = &sight.no_token {
        return shut(Reason::NoToken, None, why.clone());
    }
    let Some(app) = &sight.app else {
        return Gate::AskApp;
    };
    match remembered.and_then(|tenant| tenant.app.as_ref()) {
        Some(recorded) if recorded == app => {}
        Some(recorded) if !inputs.former_apps.contains(recorded) => {
            let words = format!(
                "the token belongs to application {app}, but {recorded} owns the subscriptions \
                 of tenant {name}; nothing is changed there. If the move is meant, add \
                 {recorded} to EVERGRAPH_FORMER_APPS"
            );
            return shut(Reason::OtherApplication, None, words);
        }
        _ => return Gate::RecordApp(app.clone()),
    }
    let quiet = remembered.and_then(|tenant| tenant.quiet_until);
    match quiet.filter(|until| *until > inputs.now) {
        Some(until) => shut(
            Reason::QuietPeriod,
            Some(until),
            "Graph asked for silence".to_owned(),
        ),
        None => Gate::Open,
    }
}

fn stranger(grade: &Grade, state: &ShardState) -> Option<FleetUrl> {
    let other = |brake: &Brake| matches!(brake, Brake::OtherResidence { .. });
    let recorded = state
        .residence
        .as_ref()
        .filter(|_| grade.brakes.iter().any(other))?;
    Some(FleetUrl {
        origin: Origin::parse(&recorded.origin).ok()?,
        fleet: recorded.fleet.clone(),
    })
}

/// Our addresses as text, made once: most rows repeat them letter by letter.
pub(super) struct Addresses<'a> {
    pub(super) home: &'a Home,
    notifications: String,
    lifecycle: String,
}

impl<'a> Addresses<'a> {
    fn of(home: &'a Home) -> Self {
        Self {
            home,
            notifications: home.current.notifications(),
            lifecycle: home.current.lifecycle(),
        }
    }

    fn is_current(&self, row: &Observed) -> bool {
        row.notification_url == self.notifications
            || self.home.current.is_notifications(&row.notification_url)
    }

    /// Whether the row is ours by its address.
    pub(super) fn is_ours(&self, row: &Observed) -> bool {
        row.notification_url == self.notifications || self.home.owner_of(row).is_ours()
    }

    /// Whether the URL is today's lifecycle address.
    pub(super) fn is_lifecycle(&self, url: &str) -> bool {
        url == self.lifecycle || self.home.current.is_lifecycle(url)
    }
}
