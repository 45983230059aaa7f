//! Whether a tick has anything to do.

use jiff::Timestamp;

use super::ids::{SubscriptionId, TenantId};
use super::plan::Reason;
use super::policy::{Mode, Policy};
use super::schedule::after;
use super::state::{Entry, Retry, ShardState, TenantState};
use super::subscription::{Declaration, KeyTag};

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
    /// How much may be done.
    pub mode: Mode,
    /// The present moment, on Graph's clock.
    pub now: Timestamp,
}

impl Agenda<'_> {
    /// The first thing that is to be done now, or `None`: then the tick ends without a lease, a
    /// call of Graph or a write of state.
    pub fn first_item(&self) -> Option<Reason> {
        if self.config_hash.is_some() && self.state.config_hash.as_deref() != self.config_hash {
            return Some(Reason::ConfigChanged);
        }
        let tenants = self.state.tenants.iter();
        let audit = |(name, tenant): (&TenantId, &TenantState)| {
            let alive = self
                .state
                .entries
                .values()
                .any(|entry| entry.key.tenant == *name);
            let due = tenant
                .audited_at
                .is_none_or(|at| after(at, self.policy.audit_every) <= self.now);
            alive && due && !self.is_silent(tenant) && !self.waits(tenant.look_again.as_ref())
        };
        if tenants.into_iter().any(audit) {
            return Some(Reason::Audit);
        }
        let keys = self.state.entries.iter();
        if let Some(reason) = keys
            .into_iter()
            .find_map(|(tag, entry)| self.item_of(tag, entry))
        {
            return Some(reason);
        }
        self.removal().then_some(Reason::Removal)
    }

    fn item_of(&self, tag: &KeyTag, entry: &Entry) -> Option<Reason> {
        let tenant = self.state.tenants.get(&entry.key.tenant);
        if tenant.is_some_and(|tenant| self.is_silent(tenant)) {
            return None;
        }
        if let Some(held) = &entry.held {
            if held.doubted {
                return Some(Reason::PatchSaidGone);
            }
            if held.due <= self.now && !self.waits(entry.retry.as_ref()) {
                return Some(Reason::Due);
            }
        }
        if entry.obstacle.is_some() {
            return Some(Reason::NamedHolder);
        }
        if let Some(intent) = &entry.intent {
            let settled = after(intent.at, self.policy.settle) <= self.now;
            return (settled && self.may_list(tenant)).then_some(Reason::OpenIntent);
        }
        self.is_missing(tag, entry, tenant)
            .then_some(Reason::Missing)
    }

    fn is_missing(&self, tag: &KeyTag, entry: &Entry, tenant: Option<&TenantState>) -> bool {
        let declared = match self.declaration {
            Declaration::Read(set) => set.by_key.contains_key(tag),
            Declaration::Unusable { .. } => false,
        };
        let blocked = entry
            .blocked
            .as_ref()
            .is_some_and(|blocked| blocked.until > self.now);
        declared
            && entry.held.is_none()
            && self.mode >= Mode::CreateOnly
            && !blocked
            && !self.waits(entry.retry.as_ref())
            && self.may_list(tenant)
    }

    fn removal(&self) -> bool {
        self.mode == Mode::Full
            && self.state.watches.iter().any(|(id, watch)| {
                let tenant = self.state.tenants.get(&watch.tenant);
                let confirmed = after(watch.since, self.policy.confirm_after) <= self.now;
                Some(watch.config_hash.as_str()) == self.config_hash
                    && confirmed
                    && !tenant.is_some_and(|tenant| self.is_silent(tenant))
                    && !self.waits(watch.retry.as_ref())
                    && self.may_list(tenant)
                    && !self.holder_waits(id)
            })
    }

    /// Whether the key that the row serves cannot be given a replacement for now.
    fn holder_waits(&self, id: &SubscriptionId) -> bool {
        let serves = |entry: &&Entry| entry.held.as_ref().is_some_and(|held| held.id == *id);
        self.state
            .entries
            .values()
            .find(serves)
            .is_some_and(|entry| {
                let blocked = entry
                    .blocked
                    .as_ref()
                    .is_some_and(|blocked| blocked.until > self.now);
                blocked || entry.intent.is_some() || self.waits(entry.retry.as_ref())
            })
    }

    fn may_list(&self, tenant: Option<&TenantState>) -> bool {
        !self.waits(tenant.and_then(|tenant| tenant.look_again.as_ref()))
    }

    fn is_silent(&self, tenant: &TenantState) -> bool {
        tenant.quiet_until.is_some_and(|until| until > self.now)
    }

    fn waits(&self, retry: Option<&Retry>) -> bool {
        retry.is_some_and(|retry| retry.not_before > self.now)
    }
}
