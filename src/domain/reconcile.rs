//! The heart: from what is declared, remembered and seen to what should happen next.
//!
//! A pass asks again and again: it shows what it has seen, receives a [`Plan`], looks where the
//! plan says, does what the plan says, and asks anew until the plan is at rest. Nothing here
//! knows how that is done.
//!
//! ```text
//!                      not held                         held
//!  not declared   forget; strays: watch, delete    renew when due; watch, delete
//!  declared       settle? listing: adopt | create  renew; collapse duplicates; replace mismatched
//! ```

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::client_state::KeyRing;
use super::grade::grade;
use super::ids::{AppId, SubscriptionId, TenantId};
use super::key;
use super::ownership::Home;
use super::plan::{Change, Grade, Hold, Look, Plan, Reason, Step};
use super::policy::{Mode, Policy};
use super::removal;
use super::rescue;
use super::rows::{Judge, Rows};
use super::schedule::after;
use super::sight::{Listing, Proofs, Sight, Sights, WakeMark};
use super::state::{ShardState, TenantState};
use super::subscription::{Declaration, DesiredSet};

/// Everything that a decision rests on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// What is declared.
    pub declaration: &'a Declaration,
    /// What is remembered; empty where it cannot be read.
    pub state: &'a ShardState,
    /// Why the stored state cannot be read, if it cannot.
    pub unreadable: Option<&'a str>,
    /// What this pass has seen so far.
    pub sights: &'a Sights,
    /// Durable wishes that lay there when the pass began.
    pub marks: &'a [WakeMark],
    /// What notifications have proven.
    pub proofs: &'a Proofs,
    /// Our addresses.
    pub home: &'a Home,
    /// Our keys.
    pub ring: &'a KeyRing,
    /// Applications that owned our subscriptions before.
    pub former_apps: &'a BTreeSet<AppId>,
    /// The numbers.
    pub policy: &'a Policy,
    /// The present moment, on Graph's clock.
    pub now: Timestamp,
    /// What this pass has done so far.
    pub progress: &'a Progress,
}

/// What a pass has done so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Progress {
    /// When it began, on Graph's clock.
    pub started_at: Timestamp,
    /// Rows that were no longer declared and were removed.
    pub undeclared_removed: usize,
    /// Mismatched rows that were acted upon.
    pub mismatched_acted: usize,
    /// Rows whose removal failed in this pass; not tried again in it.
    pub failed: BTreeSet<SubscriptionId>,
}

impl Progress {
    /// A pass that begins.
    pub fn new(started_at: Timestamp) -> Self {
        Self {
            started_at,
            undeclared_removed: 0,
            mismatched_acted: 0,
            failed: BTreeSet::new(),
        }
    }
}

/// The name of what is wished for: the declaration and our addresses. `None` where the
/// declaration cannot be used.
pub fn config_hash(declaration: &Declaration, home: &Home) -> Option<String> {
    let Declaration::Read(set) = declaration else {
        return None;
    };
    let mut text = format!("{} {}", set.hash, home.current.notifications());
    for former in &home.former {
        text.push(' ');
        text.push_str(&former.notifications());
    }
    Some(text)
}

/// What should happen next.
///
/// # Guarantees
/// The plan depends on the arguments alone; equal arguments give equal plans, whatever the
/// order of rows in a listing. Applying the changes, looking and doing what it says, and
/// asking anew with the results, comes to rest.
pub fn reconcile(inputs: &Inputs<'_>) -> Plan {
    let mut scene = Scene::new(inputs);
    if inputs.unreadable.is_some() {
        rescue::renew_own_rows(&mut scene);
    } else {
        scene.record_residence();
        scene.listings_by_themselves();
        key::decide_all(&mut scene);
        removal::decide_all(&mut scene);
    }
    scene.finish()
}

/// The working table of one planning: inputs, indexes, and the plan as it grows.
pub(super) struct Scene<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) declared: Option<&'a DesiredSet>,
    pub(super) config_hash: Option<String>,
    pub(super) grade: Grade,
    pub(super) tenants: BTreeMap<&'a TenantId, Tenant<'a>>,
    pub(super) removals: Removals,
    /// Rows that this plan found mismatched.
    pub(super) still_mismatched: BTreeSet<SubscriptionId>,
    /// Rows whose removal time begins with this plan.
    pub(super) newly_watched: BTreeSet<SubscriptionId>,
    looks: BTreeSet<Look>,
    pub(super) changes: Vec<Change>,
    pub(super) steps: Vec<Step>,
    pub(super) holds: Vec<Hold>,
}

/// How many removals are planned in this pass, this plan included.
pub(super) struct Removals {
    pub(super) undeclared: usize,
    pub(super) mismatched: usize,
    pub(super) cap: usize,
}

/// One tenant on the working table.
pub(super) struct Tenant<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) remembered: Option<&'a TenantState>,
    open: bool,
}

static NOTHING_SEEN: Sight = Sight {
    app: None,
    no_token: None,
    listing: Listing::NotTaken,
    by_id: BTreeMap::new(),
};

impl<'a> Scene<'a> {
    fn new(inputs: &'a Inputs<'a>) -> Self {
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
        let mut scene = Self {
            inputs,
            declared,
            config_hash: config_hash(inputs.declaration, inputs.home),
            grade,
            tenants: BTreeMap::new(),
            removals: Removals {
                undeclared: inputs.progress.undeclared_removed,
                mismatched: inputs.progress.mismatched_acted,
                cap: Policy::removals_per_pass(inputs.state.entries.len()),
            },
            still_mismatched: BTreeSet::new(),
            newly_watched: BTreeSet::new(),
            looks: BTreeSet::new(),
            changes: Vec::new(),
            steps: Vec::new(),
            holds: Vec::new(),
        };
        scene.open_tenants();
        scene
    }

    fn open_tenants(&mut self) {
        let state = self.inputs.state;
        let declared = self
            .declared
            .into_iter()
            .flat_map(|set| set.by_key.values());
        let names: BTreeSet<&TenantId> = declared
            .map(|desired| &desired.key.tenant)
            .chain(state.entries.values().map(|entry| &entry.key.tenant))
            .chain(state.watches.values().map(|watch| &watch.tenant))
            .collect();
        for name in names {
            let sight = self.inputs.sights.get(name).unwrap_or(&NOTHING_SEEN);
            let remembered = state.tenants.get(name);
            let open = self.gate(name, sight, remembered);
            let rows = Rows::new(name, sight, self.inputs.home, self.inputs.now);
            self.tenants.insert(
                name,
                Tenant {
                    rows,
                    remembered,
                    open,
                },
            );
        }
    }

    /// Whether anything may be done in the tenant. A token of another application sees none of
    /// the subscriptions that this state knows, so it must change nothing.
    fn gate(&mut self, name: &TenantId, sight: &Sight, remembered: Option<&TenantState>) -> bool {
        if let Some(why) = &sight.no_token {
            self.hold_tenant(name, Reason::NoToken, None, why.clone());
            return false;
        }
        let Some(app) = &sight.app else {
            self.looks.insert(Look::App(name.clone()));
            return false;
        };
        match remembered.and_then(|tenant| tenant.app.as_ref()) {
            Some(recorded) if recorded == app => {}
            Some(recorded) if !self.inputs.former_apps.contains(recorded) => {
                let words = format!(
                    "the token belongs to application {app}, but {recorded} owns the subscriptions \
                     of tenant {name}; nothing is changed there. If the move is meant, add \
                     {recorded} to EVERGRAPH_FORMER_APPS"
                );
                self.hold_tenant(name, Reason::OtherApplication, None, words);
                return false;
            }
            _ => {
                self.changes.push(Change::RecordApp {
                    tenant: name.clone(),
                    app: app.clone(),
                });
                return false;
            }
        }
        let quiet = remembered.and_then(|tenant| tenant.quiet_until);
        if let Some(until) = quiet.filter(|until| *until > self.inputs.now) {
            let words = "Graph asked for silence".to_owned();
            self.hold_tenant(name, Reason::QuietPeriod, Some(until), words);
            return false;
        }
        true
    }

    fn record_residence(&mut self) {
        let here = self
            .inputs
            .state
            .residence
            .as_ref()
            .is_some_and(|recorded| {
                recorded.fleet == self.inputs.home.current.fleet
                    && recorded.origin == self.inputs.home.current.origin.as_str()
            });
        if !here && self.grade.brakes.is_empty() {
            self.changes.push(Change::RecordResidence);
        }
    }

    /// Listings that no key asks for: the audit, and a change of configuration.
    fn listings_by_themselves(&mut self) {
        let changed = self.grade.brakes.is_empty()
            && self.config_hash.is_some()
            && self.inputs.state.config_hash != self.config_hash;
        let names: Vec<&TenantId> = self.tenants.keys().copied().collect();
        for name in names {
            let audited_at = self.tenants[name]
                .remembered
                .and_then(|tenant| tenant.audited_at);
            let audit_due = audited_at
                .is_none_or(|at| after(at, self.inputs.policy.audit_every) <= self.inputs.now);
            let begun_at = self.tenants[name].rows.sight().listing.complete_since();
            if let Some(begun_at) = begun_at {
                if self.is_open(name) && audited_at.is_none_or(|at| at < begun_at) {
                    self.changes.push(Change::Audited {
                        tenant: name.clone(),
                        at: begun_at,
                    });
                }
            } else if audit_due {
                self.want_listing(name, Reason::Audit);
            } else if changed {
                self.want_listing(name, Reason::ConfigChanged);
            }
        }
    }

    /// Whether anything may be done in the tenant now.
    pub(super) fn is_open(&self, tenant: &TenantId) -> bool {
        self.tenants.get(tenant).is_some_and(|tenant| tenant.open)
    }

    /// What is needed to judge rows.
    pub(super) fn judge(&self) -> Judge<'a> {
        Judge {
            home: self.inputs.home,
            ring: self.inputs.ring,
            proofs: self.inputs.proofs,
        }
    }

    /// The moment of the tenant's next audit.
    pub(super) fn next_audit(&self, tenant: &TenantId) -> Timestamp {
        let begun = self.tenants.get(tenant).and_then(|tenant| {
            let seen = tenant.rows.sight().listing.complete_since();
            seen.or(tenant.remembered.and_then(|tenant| tenant.audited_at))
        });
        let next = after(
            begun.unwrap_or(self.inputs.now),
            self.inputs.policy.audit_every,
        );
        next.max(after(self.inputs.now, self.inputs.policy.tick))
    }

    /// When the complete listing of this pass began. Where none was taken it is asked for, and
    /// where it is incomplete that is reported.
    pub(super) fn complete_listing(&mut self, tenant: &TenantId, why: Reason) -> Option<Timestamp> {
        let listing = &self.tenants.get(tenant)?.rows.sight().listing;
        match listing {
            Listing::Complete { begun_at, .. } => Some(*begun_at),
            Listing::NotTaken => {
                self.want_listing(tenant, why);
                None
            }
            Listing::Incomplete { why, .. } => {
                self.hold_tenant(tenant, Reason::IncompleteListing, None, why.clone());
                None
            }
        }
    }

    fn want_listing(&mut self, tenant: &TenantId, why: Reason) {
        let Some(seen) = self.tenants.get(tenant) else {
            return;
        };
        if !seen.open || seen.rows.sight().listing != Listing::NotTaken {
            return;
        }
        let again = seen
            .remembered
            .and_then(|tenant| tenant.look_again.as_ref());
        if let Some(retry) = again.filter(|retry| retry.not_before > self.inputs.now) {
            let until = Some(retry.not_before);
            self.hold_tenant(
                tenant,
                Reason::Backoff,
                until,
                "no listing could be had".to_owned(),
            );
            return;
        }
        let asked =
            |look: &Look| matches!(look, Look::List { tenant: asked, .. } if asked == tenant);
        if !self.looks.iter().any(asked) {
            self.looks.insert(Look::List {
                tenant: tenant.clone(),
                why,
            });
        }
    }

    /// Asks for something to be seen.
    pub(super) fn look(&mut self, look: Look) {
        self.looks.insert(look);
    }

    /// Asks for a row by id.
    pub(super) fn want_row(&mut self, tenant: &TenantId, id: &SubscriptionId, why: Reason) {
        self.looks.insert(Look::Get {
            tenant: tenant.clone(),
            id: id.clone(),
            why,
        });
    }

    fn hold_tenant(
        &mut self,
        tenant: &TenantId,
        why: Reason,
        until: Option<Timestamp>,
        words: String,
    ) {
        let known = |hold: &Hold| hold.tag.is_none() && hold.tenant == *tenant && hold.why == why;
        if self.holds.iter().any(known) {
            return;
        }
        self.holds.push(Hold {
            tenant: tenant.clone(),
            tag: None,
            id: None,
            why,
            until,
            words,
        });
    }

    /// The last word: what the mode does not allow is not done, whoever planned it.
    fn finish(mut self) -> Plan {
        let mode = self.grade.mode;
        let steps = std::mem::take(&mut self.steps);
        let mut allowed = Vec::with_capacity(steps.len());
        for step in steps {
            match restrict(step, mode) {
                Ok(step) => allowed.push(step),
                Err(hold) => self.holds.push(hold),
            }
        }
        allowed.sort_by_key(urgency);
        Plan {
            grade: self.grade,
            looks: self.looks.into_iter().collect(),
            changes: self.changes,
            steps: allowed,
            holds: self.holds,
        }
    }
}

fn restrict(step: Step, mode: Mode) -> Result<Step, Hold> {
    let needed = match &step {
        Step::Renew(renewal) if renewal.moves => Mode::CreateOnly,
        Step::Renew(_) => Mode::RenewOnly,
        Step::Create(_) => Mode::CreateOnly,
        Step::Collapse { .. } | Step::Replace { .. } | Step::Delete(_) => Mode::Full,
    };
    if mode >= needed {
        return Ok(step);
    }
    let (tenant, tag, id) = match step {
        Step::Renew(mut renewal) => {
            if renewal.moves && mode >= Mode::RenewOnly && renewal.why == Reason::Due {
                renewal.moves = false;
                return Ok(Step::Renew(renewal));
            }
            (renewal.tenant, renewal.tag, Some(renewal.id))
        }
        Step::Create(create) => (create.desired.key.tenant, Some(create.tag), None),
        Step::Collapse { survivor, .. } => (survivor.tenant, survivor.tag, Some(survivor.id)),
        Step::Replace { delete, create } => (delete.tenant, Some(create.tag), Some(delete.id)),
        Step::Delete(delete) => (delete.tenant, None, Some(delete.id)),
    };
    let words = format!("mode {} does not allow it", mode.as_str());
    Err(Hold {
        tenant,
        tag,
        id,
        why: Reason::ModeForbids,
        until: None,
        words,
    })
}

/// Renewals first, the one that ends first before the others; then what restores one of each;
/// then what is missing; what only tidies comes last.
fn urgency(step: &Step) -> (u8, Timestamp) {
    match step {
        Step::Renew(renewal) => (0, renewal.ends),
        Step::Create(_) => (1, Timestamp::MIN),
        Step::Replace { .. } => (2, Timestamp::MIN),
        Step::Collapse { survivor, .. } => (3, survivor.ends),
        Step::Delete(_) => (4, Timestamp::MIN),
    }
}
