//! What must hold of every single plan, whatever it was made from.

use std::collections::BTreeSet;

use evergraph::domain::ids::{SubscriptionId, TenantId};
use evergraph::domain::plan::{Creation, Deletion, Plan, Reason, Renewal, Step};
use evergraph::domain::policy::{Mode, Policy};
use evergraph::domain::reconcile::{Inputs, config_hash};
use evergraph::domain::sight::{ById, Listing};
use evergraph::domain::state::Going;
use evergraph::domain::subscription::{Declaration, KeyTag, Observed};

/// Panics where the plan breaks a rule.
#[track_caller]
pub fn check(inputs: &Inputs<'_>, plan: &Plan) {
    if let Err(why) = verdict(inputs, plan) {
        panic!(
            "{why}\nplan: {plan:#?}\nstate: {:#?}\nsights: {:#?}",
            inputs.state, inputs.sights
        );
    }
}

/// What is wrong with the plan, as a sentence.
pub fn verdict(inputs: &Inputs<'_>, plan: &Plan) -> Result<(), String> {
    let eye = Eye { inputs, plan };
    let mut deleted = BTreeSet::new();
    let mut counts = (
        inputs.progress.undeclared_removed,
        inputs.progress.mismatched_acted,
    );
    for step in &plan.steps {
        match step {
            Step::Renew(renewal) => eye.renewal(renewal)?,
            Step::Create(create) => {
                eye.create(create)?;
                counts.1 += usize::from(create.why == Reason::Replacement);
            }
            Step::Collapse { survivor, surplus } => eye.collapse(survivor, surplus)?,
            Step::Replace { create, .. } => {
                eye.create_in_general(create)?;
                counts.1 += 1;
            }
            Step::Delete(_) => {}
        }
        for delete in deletions(step) {
            eye.delete(delete)?;
            ensure(deleted.insert(&delete.id), || {
                format!("{} goes twice", delete.id)
            })?;
            counts.0 += usize::from(delete.why == Reason::Undeclared);
            counts.1 += usize::from(delete.why == Reason::Replaced);
        }
    }
    // Entries that the pass has forgotten since it began may lower the cap a little.
    let cap = Policy::removals_per_pass(inputs.state.entries.len() + counts.0);
    ensure(counts.0 <= cap && counts.1 <= cap, || {
        format!("{counts:?} removals in one pass, {cap} are allowed")
    })
}

pub fn deletions(step: &Step) -> &[Deletion] {
    match step {
        Step::Collapse { surplus, .. } => surplus,
        Step::Replace { delete, .. } | Step::Delete(delete) => std::slice::from_ref(delete),
        Step::Renew(_) | Step::Create(_) => &[],
    }
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

struct Eye<'a> {
    inputs: &'a Inputs<'a>,
    plan: &'a Plan,
}

impl Eye<'_> {
    fn mode(&self, needed: Mode, what: &str) -> Result<(), String> {
        let inputs = self.inputs;
        let mode = self.plan.grade.mode;
        ensure(mode >= needed && inputs.policy.mode >= needed, || {
            format!("{what} in mode {mode}")
        })?;
        ensure(
            self.plan.grade.brakes.is_empty() || needed <= Mode::RenewOnly,
            || format!("{what} in spite of {:?}", self.plan.grade.brakes),
        )
    }

    fn app(&self, tenant: &TenantId) -> Result<(), String> {
        let seen = self
            .inputs
            .sights
            .get(tenant)
            .and_then(|sight| sight.app.as_ref());
        let known = self.inputs.state.tenants.get(tenant);
        let known = known.and_then(|known| known.app.as_ref());
        let blind = self.inputs.unreadable.is_some();
        ensure(seen.is_some() && (blind || seen == known), || {
            format!("something is done in {tenant} with another application's token")
        })?;
        let quiet = self
            .inputs
            .state
            .tenants
            .get(tenant)
            .and_then(|known| known.quiet_until);
        ensure(quiet <= Some(self.inputs.now), || {
            format!("{tenant} is not left in silence")
        })
    }

    fn own_row(&self, tenant: &TenantId, id: &SubscriptionId) -> Option<&Observed> {
        let sight = self.inputs.sights.get(tenant)?;
        let row = match sight.by_id.get(id) {
            Some(ById::Found(row)) => Some(row),
            Some(ById::Gone) => None,
            _ => sight.listing.rows().iter().find(|row| row.id == *id),
        };
        row.filter(|row| self.inputs.home.owner_of(row).is_ours())
    }

    fn is_complete(&self, tenant: &TenantId) -> bool {
        let sight = self.inputs.sights.get(tenant);
        sight.is_some_and(|sight| matches!(sight.listing, Listing::Complete { .. }))
    }

    fn renewal(&self, renewal: &Renewal) -> Result<(), String> {
        self.mode(Mode::RenewOnly, "a renewal")?;
        self.app(&renewal.tenant)?;
        let id = &renewal.id;
        let known = self.inputs.state.entries.values().any(|entry| {
            let held = entry.held.as_ref();
            held.is_some_and(|held| {
                let waits = entry.retry.as_ref();
                held.id == *id && waits.is_none_or(|retry| retry.not_before <= self.inputs.now)
            })
        });
        let own = self.own_row(&renewal.tenant, id).is_some();
        ensure(known || own, || {
            format!("{id} is renewed, but nothing says it is ours")
        })?;
        let allowed = matches!(
            renewal.why,
            Reason::Due | Reason::ShortLifetime | Reason::Reauthorize
        );
        ensure(allowed || own, || {
            format!("{id} is changed unseen, and not because it is due")
        })?;
        ensure(
            !renewal.moves || self.mode(Mode::CreateOnly, "").is_ok(),
            || format!("{id} is moved in a mode that only renews"),
        )?;
        let foreign = self
            .inputs
            .sights
            .get(&renewal.tenant)
            .is_some_and(|sight| {
                matches!(sight.by_id.get(id), Some(ById::Found(row))
                if !self.inputs.home.owner_of(row).is_ours()
                    && self.plan.grade.brakes.is_empty())
            });
        ensure(!foreign, || format!("{id} is renewed, but it is not ours"))
    }

    fn create(&self, create: &Creation) -> Result<(), String> {
        self.create_in_general(create)?;
        let tag = create.tag;
        let entry = self.inputs.state.entries.get(&tag);
        let held = entry.and_then(|entry| entry.held.as_ref());
        if create.why == Reason::Replacement {
            let id = &held.ok_or("a replacement of nothing")?.id;
            self.confirmed(id, Some(Going::Mismatched))?;
        } else {
            ensure(held.is_none(), || {
                "something serves the key already".to_owned()
            })?;
            let rows = self.own_rows(&create.desired.key.tenant, tag);
            ensure(rows.is_empty(), || format!("{rows:?} stand there already"))?;
        }
        let intent = entry.and_then(|entry| entry.intent.as_ref());
        let sight = &self.inputs.sights[&create.desired.key.tenant];
        let begun = sight.listing.complete_since();
        ensure(
            intent.is_none_or(|intent| begun >= Some(intent.at + self.inputs.policy.settle)),
            || "a create is repeated before its settle time was looked back at".to_owned(),
        )
    }

    fn create_in_general(&self, create: &Creation) -> Result<(), String> {
        let tenant = &create.desired.key.tenant;
        self.mode(Mode::CreateOnly, "a create")?;
        self.app(tenant)?;
        ensure(self.is_complete(tenant), || {
            "a create without a complete listing".to_owned()
        })?;
        ensure(self.is_declared(create.tag), || {
            "a create that nobody declares".to_owned()
        })
    }

    fn own_rows(&self, tenant: &TenantId, tag: KeyTag) -> Vec<SubscriptionId> {
        let sight = &self.inputs.sights[tenant];
        let listed = sight.listing.rows().iter();
        listed
            .filter(|row| row.expires > self.inputs.now)
            .filter(|row| sight.by_id.get(&row.id) != Some(&ById::Gone))
            .filter(|row| self.own_row(tenant, &row.id).is_some())
            .filter(|row| row.key(tenant).map(|key| key.tag()) == Some(tag))
            .map(|row| row.id.clone())
            .collect()
    }

    fn is_declared(&self, tag: KeyTag) -> bool {
        matches!(self.inputs.declaration, Declaration::Read(set) if set.by_key.contains_key(&tag))
    }

    fn collapse(&self, survivor: &Renewal, surplus: &[Deletion]) -> Result<(), String> {
        self.renewal(survivor)?;
        ensure(
            self.own_row(&survivor.tenant, &survivor.id).is_some(),
            || format!("the survivor {} was not seen", survivor.id),
        )?;
        ensure(!surplus.is_empty(), || "a collapse of nothing".to_owned())?;
        for delete in surplus {
            let id = &delete.id;
            ensure(*id != survivor.id, || format!("the survivor {id} goes"))?;
            let smaller = delete.why == Reason::Surplus && *id < survivor.id;
            ensure(!smaller, || {
                format!("{id} goes, and is smaller than the survivor")
            })?;
        }
        Ok(())
    }

    fn delete(&self, delete: &Deletion) -> Result<(), String> {
        let id = &delete.id;
        self.mode(Mode::Full, "a delete")?;
        self.app(&delete.tenant)?;
        ensure(self.is_complete(&delete.tenant), || {
            format!("{id} goes without a complete listing")
        })?;
        let row = self.own_row(&delete.tenant, id);
        let row = row.ok_or_else(|| format!("{id} goes, but it is not seen to be ours"))?;
        ensure(!self.inputs.progress.failed.contains(id), || {
            format!("{id} is tried again in one pass")
        })?;
        match delete.why {
            Reason::Surplus => Ok(()),
            Reason::Replaced => self.confirmed(id, Some(Going::Mismatched)),
            Reason::InTheWay => self.confirmed(id, None),
            Reason::Undeclared => {
                let tag = row.key(&delete.tenant).map(|key| key.tag());
                let declared = tag.is_some_and(|tag| self.is_declared(tag));
                ensure(!declared, || format!("{id} goes, but its key is declared"))?;
                self.confirmed(id, Some(Going::Undeclared))
            }
            why => Err(format!("{id} goes because of {why:?}")),
        }
    }

    fn confirmed(&self, id: &SubscriptionId, why: Option<Going>) -> Result<(), String> {
        let watch = self.inputs.state.watches.get(id);
        let watch = watch.ok_or_else(|| format!("{id} is acted upon, but nobody watched it"))?;
        let hash = config_hash(self.inputs.declaration, self.inputs.home);
        let old_enough = watch.since + self.inputs.policy.confirm_after <= self.inputs.now;
        ensure(why.is_none_or(|why| watch.why == why), || {
            format!("{id}: {watch:?}")
        })?;
        ensure(
            old_enough && Some(&watch.config_hash) == hash.as_ref(),
            || format!("{id} is acted upon before that is confirmed: {watch:?}"),
        )
    }
}
