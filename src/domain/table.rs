//! What a planning stands on: the inputs with their indexes, and each tenant's gate.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use jiff::Timestamp;

use super::addresses::Addresses;
use super::grade::grade;
use super::ids::{AppId, SubscriptionId, TenantId};
use super::judge::Judge;
use super::ownership::{FleetUrl, Origin};
use super::plan::{Brake, Grade, Reason};
use super::reconcile::{Inputs, config_hash};
use super::rows::{Mix, Own, Places, Seat, Seen, Strays, seat};
use super::sight::{ById, LifecycleEvent, Listing, Sight};
use super::state::{ShardState, TenantState};
use super::subscription::{Declaration, DesiredSet, KeyTag, Observed};

/// The inputs of one planning, indexed. Nothing in it changes while the plan grows.
pub(super) struct Table<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) declared: Option<&'a DesiredSet>,
    pub(super) config_hash: Option<String>,
    pub(super) grade: Grade,
    /// Every tenant that is declared or remembered.
    pub(super) tenants: Vec<Tenant<'a>>,
    /// Every key that is declared or remembered, by tag.
    pub(super) seats: Vec<Seat<'a>>,
    addresses: Addresses<'a>,
    /// The address of the state's writer, where it is neither ours nor declared as former.
    stranger: Option<FleetUrl>,
    places: Places<'a>,
    marks: BTreeSet<(&'a SubscriptionId, LifecycleEvent)>,
}

/// One tenant on the working table.
pub(super) struct Tenant<'a> {
    pub(super) name: &'a TenantId,
    pub(super) sight: &'a Sight,
    pub(super) strays: Strays<'a>,
    pub(super) remembered: Option<&'a TenantState>,
    pub(super) gate: Gate,
}

impl<'a> Tenant<'a> {
    /// Whether anything may be done in the tenant now.
    pub(super) fn is_open(&self) -> bool {
        self.gate == Gate::Open
    }

    /// The listing of this pass.
    pub(super) fn listing(&self) -> &'a Listing {
        &self.sight.listing
    }

    /// The answer of a GET by id in this pass.
    pub(super) fn answer(&self, id: &SubscriptionId) -> Option<&'a ById> {
        self.sight.by_id.get(id)
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
            inputs.progress.audit_failing.as_deref(),
        );
        let mut seating = Seating::default();
        seating.take_seats(declared, inputs.state);
        let addresses = Addresses::of(inputs.home);
        let places = seating.places(inputs);
        let tenants = seating.tenants(inputs, &places, &addresses);
        Self {
            inputs,
            declared,
            config_hash: config_hash(inputs.declaration, inputs.home),
            stranger: stranger(&grade, inputs.state),
            grade,
            tenants,
            seats: seating.seats,
            addresses,
            places,
            marks: inputs
                .marks
                .iter()
                .map(|mark| (&mark.subscription, mark.event))
                .collect(),
        }
    }

    /// The tenant, if it is declared or remembered. Searches: not for the steady way.
    pub(super) fn tenant(&self, name: &TenantId) -> Option<&Tenant<'a>> {
        self.tenants.iter().find(|tenant| tenant.name == name)
    }

    fn seat_of(&self, tenant: &Tenant<'_>, id: &SubscriptionId) -> Option<&Seat<'a>> {
        let seat = &self.seats[*self.places.get(id)?];
        (self.tenants[seat.tenant].name == tenant.name).then_some(seat)
    }

    /// Whether the state holds the id for a key.
    pub(super) fn is_held(&self, tenant: &Tenant<'_>, id: &SubscriptionId) -> bool {
        self.seat_of(tenant, id).is_some()
    }

    /// A living row by its id, from a GET or from the listing.
    pub(super) fn row(&self, tenant: &Tenant<'a>, id: &SubscriptionId) -> Option<Seen<'a>> {
        match self.seat_of(tenant, id) {
            Some(seat) => seat.seen,
            None => tenant.strays.get(id),
        }
    }

    /// The key that a row stands for: the one that the state holds it for, or the one that it shows.
    pub(super) fn tag_of(&self, tenant: &Tenant<'_>, row: &Observed) -> Option<KeyTag> {
        match self.seat_of(tenant, &row.id) {
            Some(seat) => Some(seat.tag),
            None => row.key(tenant.name).map(|key| key.tag()),
        }
    }

    /// Whether somebody declares the key.
    pub(super) fn is_declared(&self, tag: Option<KeyTag>) -> bool {
        let set = self.declared;
        tag.is_some_and(|tag| set.is_some_and(|set| set.by_key.contains_key(&tag)))
    }

    /// Every row of the tenant, own or foreign.
    pub(super) fn rows_of(&self, tenant: &Tenant<'a>) -> Vec<&'a Observed> {
        let seated = self.seats.iter().filter_map(|seat| {
            let of_tenant = self.tenants[seat.tenant].name == tenant.name;
            seat.seen.filter(|_| of_tenant).map(|seen| seen.row)
        });
        let mut rows: Vec<_> = seated.chain(tenant.strays.all()).collect();
        rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        rows
    }

    /// Every own row of the tenant at the given place.
    pub(super) fn own_rows(&self, place: usize) -> impl Iterator<Item = Own<'a>> + '_ {
        let seated = self.seats.iter().filter(move |seat| seat.tenant == place);
        let seated = seated.filter_map(|seat| {
            let Seen { row, listed } = seat.seen?;
            let tag = Some(seat.tag);
            self.is_ours(row).then_some(Own { row, tag, listed })
        });
        seated.chain(self.tenants[place].strays.own().iter().copied())
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

/// Seats all keys, tenant by tenant as they come.
#[derive(Default)]
struct Seating<'a> {
    seats: Vec<Seat<'a>>,
    names: Vec<&'a TenantId>,
    by_name: HashMap<&'a TenantId, usize, BuildHasherDefault<Mix>>,
}

impl<'a> Seating<'a> {
    /// Both maps are ordered by tag: one walk over both meets every key once.
    fn take_seats(&mut self, declared: Option<&'a DesiredSet>, state: &'a ShardState) {
        let wishes = declared.into_iter().flat_map(|set| &set.by_key);
        let mut wishes = wishes.peekable();
        let mut memories = state.entries.iter().peekable();
        let count = declared.map_or(0, |set| set.by_key.len());
        self.seats.reserve(count.max(state.entries.len()));
        loop {
            let next = match (wishes.peek(), memories.peek()) {
                (Some((wish, _)), Some((memory, _))) => wish.cmp(memory),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let wish = if next.is_le() { wishes.next() } else { None };
            let memory = if next.is_ge() { memories.next() } else { None };
            let (desired, entry) = (wish.map(|(_, one)| one), memory.map(|(_, one)| one));
            let tag = wish.map(|(tag, _)| tag).or(memory.map(|(tag, _)| tag));
            let key = desired.map(|one| &one.key).or(entry.map(|one| &one.key));
            let (Some(tag), Some(key)) = (tag, key) else {
                continue;
            };
            let tenant = self.tenant(&key.tenant);
            self.seats.push(Seat {
                tag: *tag,
                desired,
                entry,
                tenant,
                seen: None,
            });
        }
        for watch in state.watches.values() {
            self.tenant(&watch.tenant);
        }
    }

    fn tenant(&mut self, name: &'a TenantId) -> usize {
        let last = self.seats.last().map(|seat| seat.tenant);
        if let Some(last) = last.filter(|last| self.names[*last] == name) {
            return last;
        }
        *self.by_name.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }

    /// Which seat every held id belongs to; empty where nothing was looked at.
    fn places(&self, inputs: &Inputs<'_>) -> Places<'a> {
        let saw = |sight: &Sight| sight.listing != Listing::NotTaken || !sight.by_id.is_empty();
        let mut places = Places::default();
        if inputs.sights.values().any(saw) {
            places.reserve(self.seats.len());
            let held = self.seats.iter().enumerate();
            places.extend(held.filter_map(|(place, seat)| Some((seat.held_id()?, place))));
        }
        places
    }

    fn tenants(
        &mut self,
        inputs: &'a Inputs<'a>,
        places: &Places<'a>,
        addresses: &Addresses<'_>,
    ) -> Vec<Tenant<'a>> {
        let mut tenants = Vec::with_capacity(self.names.len());
        for (place, name) in self.names.iter().copied().enumerate() {
            let sight = inputs.sights.get(name).unwrap_or(&NOTHING_SEEN);
            let remembered = inputs.state.tenants.get(name);
            let mut strays = seat(sight, place, places, &mut self.seats, inputs.now);
            strays.sort(name, |row| addresses.is_ours(row));
            tenants.push(Tenant {
                name,
                sight,
                strays,
                remembered,
                gate: gate(inputs, name, sight, remembered),
            });
        }
        tenants
    }
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
