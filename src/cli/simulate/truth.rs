//! What is true of one fleet at each moment: declaration, addresses, keys, tokens and weather.
//! The weather changes it; workers see it at the beginning of each tick.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::ledger::{Ledger, lock};
use crate::domain::client_state::KeyRing;
use crate::domain::ids::{AppId, SubscriptionName, TenantId};
use crate::domain::ownership::{FleetUrl, Home};
use crate::domain::policy::Policy;
use crate::domain::resource::Resource;
use crate::domain::subscription::{
    ChangeTypes, Declaration, Desired, DesiredSet, KeyTag, Lifetime, SubscriptionKey,
};
use crate::ports::state::{DocName, StateStore};
use crate::sim::control::Control;
use crate::sim::row::Row;

/// Calls of a thousand to the store that go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoreTroubles {
    /// Fail without effect.
    pub fail: u16,
    /// Take effect, and the answer is lost.
    pub lose: u16,
    /// Renewals of a lease that hang for longer than its term.
    pub hang: u16,
}

/// The changing part.
#[derive(Debug)]
pub struct Truth {
    /// What the declaration says.
    pub declaration: Declaration,
    /// Keys that were once declared and are not, and since when.
    pub undeclared_since: BTreeMap<KeyTag, Timestamp>,
    /// Today's addresses.
    pub home: Home,
    /// Today's keys.
    pub ring: Arc<KeyRing>,
    /// Applications that owned the subscriptions before.
    pub former_apps: BTreeSet<AppId>,
    /// Workers whose token is a stranger's.
    pub strangers: BTreeSet<usize>,
    /// How far each worker's clock is ahead.
    pub skew: Vec<SignedDuration>,
    /// Stores that fail.
    pub store: StoreTroubles,
    /// Ticks of a thousand in which a worker dies.
    pub deaths: u16,
    /// The document that stands in place of the state, while it is spoilt.
    pub spoilt: Option<Vec<u8>>,
    /// Whether the memory was ever lost: then duplicates are nobody's fault.
    pub memory_lost: bool,
    /// Whether a complete listing ever left a row out.
    pub rows_hidden: bool,
    /// Whether somebody has a reason to be late.
    pub stormy: bool,
    /// Workers that were set up for another address by mistake.
    pub misplaced: BTreeMap<usize, Home>,
}

/// One fleet.
pub struct Realm {
    /// Its name in the trace.
    pub name: &'static str,
    /// The simulator's controls.
    pub control: Control,
    /// The store, without any decoration.
    pub store: Arc<dyn StateStore>,
    /// The document of the shard.
    pub state_name: DocName,
    /// The application of its tokens.
    pub app: AppId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The numbers.
    pub policy: Policy,
    /// The changing part.
    pub truth: Mutex<Truth>,
    /// What was seen.
    pub ledger: Mutex<Ledger>,
}

impl Realm {
    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.control.now()
    }

    /// Changes what is true.
    pub fn change(&self, change: impl FnOnce(&mut Truth)) {
        change(&mut lock(&self.truth));
    }

    /// Counts something.
    pub fn count(&self, what: &'static str) {
        lock(&self.ledger).count(what);
    }

    /// Writes down what happened.
    pub fn tell(&self, who: &str, what: &str) {
        let at = self.now();
        lock(&self.ledger).tell(at, who, what);
    }

    /// Writes down that a rule was broken.
    pub fn broke(&self, who: &str, what: impl Into<String>) {
        let at = self.now();
        lock(&self.ledger).broke(at, who, what);
    }

    /// Replaces the declaration, and remembers since when keys are no longer in it.
    pub fn declare(&self, wishes: Vec<Desired>) {
        let now = self.now();
        let set = DesiredSet::of(wishes);
        let mut truth = lock(&self.truth);
        for tag in declared(&truth.declaration) {
            truth.undeclared_since.entry(tag).or_insert(now);
        }
        for tag in set.by_key.keys() {
            truth.undeclared_since.remove(tag);
        }
        truth.declaration = Declaration::Read(set);
    }

    /// Every live row whose address is ours, today's or a former one.
    pub fn own_rows(&self) -> Vec<Row> {
        let home = lock(&self.truth).home.clone();
        let urls = addresses(&home);
        self.control.sim().with(|service, at| {
            let live = service.store.all().filter(|row| row.is_live(at.now));
            live.filter(|row| urls.contains(&row.notification_url))
                .cloned()
                .collect()
        })
    }

    /// A live row.
    pub fn row(&self, id: &str) -> Option<Row> {
        self.control
            .sim()
            .with(|service, at| service.store.live(id, at.now).cloned())
    }
}

/// The tags of a declaration that can be read.
pub fn declared(declaration: &Declaration) -> Vec<KeyTag> {
    match declaration {
        Declaration::Read(set) => set.by_key.keys().copied().collect(),
        Declaration::Unusable { .. } => Vec::new(),
    }
}

/// Whether the row stands at one of the addresses. The whole text is compared: the simulator
/// keeps it as it was sent.
pub fn is_own(home: &Home, row: &Row) -> bool {
    addresses(home).contains(&row.notification_url)
}

fn addresses(home: &Home) -> Vec<String> {
    let urls = std::iter::once(&home.current).chain(&home.former);
    urls.map(FleetUrl::notifications).collect()
}

/// The tag of a row's key.
pub fn tag_of(row: &Row) -> Option<KeyTag> {
    let key = SubscriptionKey {
        tenant: row.tenant.clone(),
        resource: Resource::parse(&row.resource).ok()?.normal().to_owned(),
        change_types: ChangeTypes::parse(&row.change_type).ok()?,
        resource_data: row.resource_data == Some(true),
        query_options: row.query_options.clone(),
    };
    Some(key.tag())
}

/// Whether a row is exactly as declared: lifecycle address of today, clientState of its key.
pub fn fits(home: &Home, ring: &KeyRing, desired: &Desired, row: &Row) -> bool {
    let wanted = desired.lifecycle.then(|| home.current.lifecycle());
    let signed = row.client_state.as_ref().and_then(|text| {
        let (tag, _) = ring.verify(home.fleets(), text.expose()).ok()?;
        Some(tag)
    });
    row.lifecycle_url == wanted && signed == Some(desired.key.tag())
}

/// A wish for a resource; `None` where the words are wrong.
pub fn wish(
    tenant: &TenantId,
    name: &str,
    resource: &str,
    changes: &str,
    lifetime: Lifetime,
) -> Option<Desired> {
    let resource = Resource::parse(resource).ok()?;
    Some(Desired {
        name: SubscriptionName::parse(name).ok()?,
        key: SubscriptionKey {
            tenant: tenant.clone(),
            resource: resource.normal().to_owned(),
            change_types: ChangeTypes::parse(changes).ok()?,
            resource_data: false,
            query_options: None,
        },
        resource,
        lifetime,
        lifecycle: true,
        certificate: None,
        because: None,
    })
}
