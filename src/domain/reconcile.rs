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

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::client_state::KeyRing;
use super::ids::{AppId, SubscriptionId, TenantId};
use super::key;
use super::ownership::Home;
use super::plan::{Change, Hold, Look, Plan, Reason, Step};
use super::policy::{Mode, Policy};
use super::removal;
use super::rescue;
use super::schedule::after;
use super::sight::{Listing, Proofs, Sights, WakeMark};
use super::state::ShardState;
use super::subscription::{Declaration, Observed};
use super::table::{Gate, Table, Tenant};

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
    /// Rows whose removal failed in this pass; not tried again in it. Where no state is readable,
    /// rows whose renewal failed too: nothing else remembers that.
    pub failed: BTreeSet<SubscriptionId>,
    /// Why the audit could not be written in this pass, if it could not: nothing is deleted then.
    pub audit_failing: Option<String>,
}

impl Progress {
    /// A pass that begins.
    pub fn new(started_at: Timestamp) -> Self {
        Self {
            started_at,
            undeclared_removed: 0,
            mismatched_acted: 0,
            failed: BTreeSet::new(),
            audit_failing: None,
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
    let table = Table::new(inputs);
    let mut scene = Scene::new(&table);
    if inputs.unreadable.is_some() {
        rescue::renew_own_rows(&mut scene);
    } else {
        scene.pass_the_gates();
        scene.record_residence();
        scene.listings_by_themselves();
        key::decide_all(&mut scene);
        removal::decide_all(&mut scene);
    }
    scene.finish()
}

/// The plan as it grows.
pub(super) struct Scene<'a> {
    pub(super) table: &'a Table<'a>,
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) removals: Removals,
    /// Rows whose removal time begins with this plan.
    pub(super) newly_watched: BTreeSet<SubscriptionId>,
    /// Rows that this plan removes or replaces, and rows whose turn comes in the next pass.
    pub(super) spared: BTreeSet<SubscriptionId>,
    pub(super) by_resource: HashMap<&'a TenantId, BTreeMap<String, Vec<&'a Observed>>>,
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

impl<'a> Scene<'a> {
    fn new(table: &'a Table<'a>) -> Self {
        let inputs = table.inputs;
        Self {
            table,
            inputs,
            removals: Removals {
                undeclared: inputs.progress.undeclared_removed,
                mismatched: inputs.progress.mismatched_acted,
                cap: Policy::removals_per_pass(inputs.state.entries.len()),
            },
            newly_watched: BTreeSet::new(),
            spared: BTreeSet::new(),
            by_resource: HashMap::new(),
            looks: BTreeSet::new(),
            changes: Vec::new(),
            steps: Vec::new(),
            holds: Vec::new(),
        }
    }

    /// The effective mode.
    pub(super) fn mode(&self) -> Mode {
        self.table.grade.mode
    }

    /// Whether anything lowers the mode of this pass.
    pub(super) fn is_braked(&self) -> bool {
        !self.table.grade.brakes.is_empty()
    }

    fn pass_the_gates(&mut self) {
        for tenant in &self.table.tenants {
            let name = tenant.name.clone();
            match &tenant.gate {
                Gate::Open => {}
                Gate::AskApp => drop(self.looks.insert(Look::App(name))),
                Gate::RecordApp(app) => {
                    let (tenant, app) = (name, app.clone());
                    self.changes.push(Change::RecordApp { tenant, app });
                }
                Gate::Shut { why, until, words } => {
                    self.hold_tenant(tenant.name, *why, *until, words.clone());
                }
            }
        }
    }

    fn record_residence(&mut self) {
        let home = &self.inputs.home.current;
        let here = self
            .inputs
            .state
            .residence
            .as_ref()
            .is_some_and(|recorded| {
                recorded.fleet == home.fleet && recorded.origin == home.origin.as_str()
            });
        if !here && !self.is_braked() {
            self.changes.push(Change::RecordResidence);
        }
    }

    /// Listings that no key asks for: the audit, the one after creates, and a change of configuration.
    fn listings_by_themselves(&mut self) {
        let changed = !self.is_braked()
            && self.table.config_hash.is_some()
            && self.inputs.state.config_hash != self.table.config_hash;
        for tenant in self.table.tenants.iter().filter(|tenant| tenant.is_open()) {
            let audited_at = tenant.remembered.and_then(|known| known.audited_at);
            let audit_due = audited_at
                .is_none_or(|at| after(at, self.inputs.policy.audit_every) <= self.inputs.now);
            if let Some(at) = tenant.listing().complete_since() {
                if audited_at.is_none_or(|earlier| earlier < at) {
                    let tenant = tenant.name.clone();
                    self.changes.push(Change::Audited { tenant, at });
                }
            } else if audit_due {
                self.want_listing(tenant, Reason::Audit);
            } else if tenant
                .remembered
                .is_some_and(|known| known.is_verify_due(self.inputs.now))
            {
                self.want_listing(tenant, Reason::VerifyCreates);
            } else if changed {
                self.want_listing(tenant, Reason::ConfigChanged);
            }
        }
    }

    /// The moment of the tenant's next audit.
    pub(super) fn next_audit(&self, tenant: &Tenant<'_>) -> Timestamp {
        let seen = tenant.listing().complete_since();
        let begun = seen.or(tenant.remembered.and_then(|known| known.audited_at));
        let now = self.inputs.now;
        let next = after(begun.unwrap_or(now), self.inputs.policy.audit_every);
        next.max(after(now, self.inputs.policy.tick))
    }

    /// When the complete listing of this pass began. Where none was taken it is asked for, and
    /// where it is incomplete that is reported.
    pub(super) fn complete_listing(
        &mut self,
        tenant: &Tenant<'_>,
        why: Reason,
    ) -> Option<Timestamp> {
        match tenant.listing() {
            Listing::Complete { begun_at, .. } => Some(*begun_at),
            Listing::NotTaken => {
                self.want_listing(tenant, why);
                None
            }
            Listing::Incomplete { why, .. } => {
                self.hold_tenant(tenant.name, Reason::IncompleteListing, None, why.clone());
                None
            }
        }
    }

    fn want_listing(&mut self, tenant: &Tenant<'_>, why: Reason) {
        if *tenant.listing() != Listing::NotTaken {
            return;
        }
        let again = tenant
            .remembered
            .and_then(|known| known.look_again.as_ref());
        if let Some(retry) = again.filter(|retry| retry.not_before > self.inputs.now) {
            let (until, words) = (Some(retry.not_before), "no listing could be had".to_owned());
            return self.hold_tenant(tenant.name, Reason::Backoff, until, words);
        }
        let asked =
            |look: &Look| matches!(look, Look::List { tenant: asked, .. } if asked == tenant.name);
        if !self.looks.iter().any(asked) {
            let tenant = tenant.name.clone();
            self.looks.insert(Look::List { tenant, why });
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
        let known = |hold: &Hold| hold.tag.is_none() && hold.why == why && hold.tenant == *tenant;
        if !self.holds.iter().any(known) {
            self.holds.push(Hold {
                tenant: tenant.clone(),
                tag: None,
                id: None,
                why,
                until,
                words,
            });
        }
    }

    /// The last word: what the mode does not allow is not done, whoever planned it.
    fn finish(mut self) -> Plan {
        let mode = self.mode();
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in std::mem::take(&mut self.steps) {
            match restrict(step, mode) {
                Ok(step) => steps.push(step),
                Err(hold) => self.holds.push(*hold),
            }
        }
        steps.sort_by_key(urgency);
        if self.looks.is_empty() && self.changes.is_empty() && steps.is_empty() {
            removal::postpone(&mut self);
        }
        Plan {
            grade: self.table.grade.clone(),
            looks: self.looks.into_iter().collect(),
            changes: self.changes,
            steps,
            holds: self.holds,
        }
    }
}

fn restrict(step: Step, mode: Mode) -> Result<Step, Box<Hold>> {
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
        Step::Renew(renewal) => (renewal.tenant, renewal.tag, Some(renewal.id)),
        Step::Create(create) => (create.desired.key.tenant, Some(create.tag), None),
        Step::Collapse { survivor, .. } => (survivor.tenant, survivor.tag, Some(survivor.id)),
        Step::Replace { delete, create } => (delete.tenant, Some(create.tag), Some(delete.id)),
        Step::Delete(delete) => (delete.tenant, None, Some(delete.id)),
    };
    Err(Box::new(Hold {
        tenant,
        tag,
        id,
        why: Reason::ModeForbids,
        until: None,
        words: format!("mode {mode} does not allow it"),
    }))
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
