//! Whether a tick has anything to do.
//!
//! Every item stands for something that the following pass looks at in Graph or does there; what
//! waits, for a time, a lease of silence or a human, is no item. Two exceptions, both alarms: a
//! tenant whose token is refused or belongs to another application, and a pass that is braked by
//! something only the pass can see (another residence, a missing key), are tried at every tick.

use jiff::Timestamp;

use super::ids::TenantId;
use super::plan::Reason;
use super::policy::{Mode, Policy};
use super::removal::needed;
use super::schedule::after;
use super::state::{Entry, Retry, ShardState, TenantState};
use super::subscription::{Declaration, DesiredSet, KeyTag};

/// What a tick is judged by.
#[derive(Clone, Copy)]
pub struct Agenda<'a> {
    /// What is declared.
    pub declaration: &'a Declaration,
    /// The name of what is wished for.
    pub config_hash: Option<&'a str>,
    /// What is remembered.
    pub state: &'a ShardState,
    /// The numbers.
    pub policy: &'a Policy,
    /// How much may be done, as configured.
    pub mode: Mode,
    /// The present moment, on Graph's clock.
    pub now: Timestamp,
}

impl Agenda<'_> {
    /// The first thing that is to be done now, or `None`: then the tick ends without a lease, a
    /// call of Graph or a write of state.
    pub fn first_item(&self) -> Option<Reason> {
        let changed = self.state.config_hash.as_deref() != self.config_hash;
        if self.declared().is_some() && self.config_hash.is_some() && changed {
            return Some(Reason::ConfigChanged);
        }
        let mut listings = self.state.tenants.iter();
        if let Some(why) = listings.find_map(|known| self.listing_due(known)) {
            return Some(why);
        }
        let entries = self.state.entries.iter();
        let mut items = entries.filter_map(|(tag, entry)| self.item_of(tag, entry));
        if let Some(reason) = items.next() {
            return Some(reason);
        }
        if self.is_any_unremembered() {
            return Some(Reason::Missing);
        }
        self.is_removal_due().then_some(Reason::Removal)
    }

    /// Whether a declared key has no entry at all: the state was mended by hand, perhaps.
    fn is_any_unremembered(&self) -> bool {
        let mut known = self.state.entries.keys().peekable();
        let wishes = self
            .declared()
            .into_iter()
            .flat_map(|set| set.by_key.keys());
        for wish in wishes {
            while known.next_if(|tag| *tag < wish).is_some() {}
            if known.peek() != Some(&wish) {
                return true;
            }
        }
        false
    }

    /// What is declared, where that can be acted upon.
    fn declared(&self) -> Option<&DesiredSet> {
        match self.declaration {
            Declaration::Read(set) if !set.by_key.is_empty() => Some(set),
            _ => None,
        }
    }

    /// The mode that the declaration leaves.
    fn mode(&self) -> Mode {
        match self.declared() {
            Some(_) => self.mode,
            None => self.mode.min(Mode::RenewOnly),
        }
    }

    /// A listing of the tenant that no key asks for.
    fn listing_due(&self, (name, known): (&TenantId, &TenantState)) -> Option<Reason> {
        let audited_at = known.audited_at;
        let audit = audited_at.is_none_or(|at| after(at, self.policy.audit_every) <= self.now);
        let why = match (audit, known.is_verify_due(self.now)) {
            (true, _) => Reason::Audit,
            (false, true) => Reason::VerifyCreates,
            (false, false) => return None,
        };
        let may = !self.is_silent(Some(known)) && self.may_list(Some(known));
        (may && self.is_known(name)).then_some(why)
    }

    /// Whether anything is remembered in the tenant.
    fn is_known(&self, name: &TenantId) -> bool {
        let entries = self.state.entries.values();
        let watches = self.state.watches.values();
        entries
            .map(|entry| &entry.key.tenant)
            .any(|one| one == name)
            || watches.map(|watch| &watch.tenant).any(|one| one == name)
    }

    fn item_of(&self, tag: &KeyTag, entry: &Entry) -> Option<Reason> {
        let held = entry.held.as_ref();
        let due = held.is_some_and(|held| held.doubted || held.due <= self.now);
        let steady = held.is_some() && entry.obstacle.is_none() && entry.intent.is_none();
        if steady && !due {
            return None;
        }
        let tenant = self.state.tenants.get(&entry.key.tenant);
        if self.is_silent(tenant) {
            return None;
        }
        if held.is_some_and(|held| held.doubted) {
            return Some(Reason::PatchSaidGone);
        }
        let waits = self.waits(entry.retry.as_ref());
        if due && !waits && self.mode >= Mode::RenewOnly {
            return Some(Reason::Due);
        }
        self.item_of_create(tag, entry, tenant)
    }

    fn item_of_create(
        &self,
        tag: &KeyTag,
        entry: &Entry,
        tenant: Option<&TenantState>,
    ) -> Option<Reason> {
        let declared = self
            .declared()
            .is_some_and(|set| set.by_key.contains_key(tag));
        let can_see = self.mode() >= Mode::CreateOnly && self.may_list(tenant);
        if entry.obstacle.is_some() && declared {
            return can_see.then_some(Reason::NamedHolder);
        }
        let blocked = entry.blocked.as_ref();
        if blocked.is_some_and(|blocked| blocked.until > self.now) {
            return None;
        }
        if let Some(intent) = &entry.intent {
            let settled = after(intent.at, self.policy.settle) <= self.now;
            let waits = declared && entry.held.is_none() && self.waits(entry.retry.as_ref());
            return (settled && can_see && !waits).then_some(Reason::OpenIntent);
        }
        let missing = declared && entry.held.is_none() && !self.waits(entry.retry.as_ref());
        (missing && can_see).then_some(Reason::Missing)
    }

    fn is_removal_due(&self) -> bool {
        self.state.watches.values().any(|watch| {
            let tenant = self.state.tenants.get(&watch.tenant);
            let confirmed = after(watch.since, self.policy.confirm_after) <= self.now;
            Some(watch.config_hash.as_str()) == self.config_hash
                && self.mode() >= needed(watch)
                && confirmed
                && !self.is_silent(tenant)
                && !self.waits(watch.retry.as_ref())
                && self.may_list(tenant)
        })
    }

    fn may_list(&self, tenant: Option<&TenantState>) -> bool {
        !self.waits(tenant.and_then(|tenant| tenant.look_again.as_ref()))
    }

    fn is_silent(&self, tenant: Option<&TenantState>) -> bool {
        let until = tenant.and_then(|tenant| tenant.quiet_until);
        until.is_some_and(|until| until > self.now)
    }

    fn waits(&self, retry: Option<&Retry>) -> bool {
        retry.is_some_and(|retry| retry.not_before > self.now)
    }
}
