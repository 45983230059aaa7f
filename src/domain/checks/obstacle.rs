//! What Graph put in the way of a create, and what follows from it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::ensure::decide::{Ahead, Claim, Holder, after_refusal};
use crate::domain::ids::SubscriptionId;
use crate::domain::judge::Fit;
use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Reason, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::resource::Resource;
use crate::domain::schedule::after;
use crate::domain::sight::ById;
use crate::domain::state::{Blocked, BlockedBy, Going, HeldOrigin, Obstacle};
use crate::domain::subscription::{Desired, Observed};

use super::held::{creation, deletion, needs_renewal};

/// Graph put something in the way of the last create.
pub(in crate::domain) fn to_a_create<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
    let (Some(entry), Some(desired)) = (subject.entry, subject.desired) else {
        return Settled::No;
    };
    let Some(obstacle) = &entry.obstacle else {
        return Settled::No;
    };
    look_into_it(scene, subject, desired, obstacle);
    Settled::Yes
}

/// Graph refused the replacement of a mismatched row. That one serves on while this is looked into.
pub(in crate::domain) fn to_a_replacement<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let before = (scene.steps.len(), scene.changes.len());
    if to_a_create(scene, subject) == Settled::No {
        return Settled::No;
    }
    if (scene.steps.len(), scene.changes.len()) == before {
        return needs_renewal(scene, subject);
    }
    Settled::Yes
}

/// Finds out who holds the combination. The id that Graph named is believed only as far as a GET
/// confirms it. What follows from whom it finds is the ensure engine's decision.
fn look_into_it<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    desired: &Desired,
    obstacle: &Obstacle,
) {
    let holder = match &obstacle.holder {
        None => nameless(scene, subject, desired),
        Some(id) => Some(match subject.tenant.answer(id) {
            None => Holder::Named,
            Some(ById::NoAnswer) => Holder::Unreadable,
            Some(ById::Gone) => Holder::Gone,
            Some(ById::Found(row)) => named(scene, subject, desired, row),
        }),
    };
    if let Some(holder) = holder {
        let ahead = after_refusal(obstacle.cause, holder);
        follow(scene, subject, desired, obstacle, ahead);
    }
}

/// Whose the named row is.
fn named<'a>(
    scene: &Scene<'a>,
    subject: Subject<'a>,
    desired: &Desired,
    row: &'a Observed,
) -> Holder<&'a Observed> {
    if !scene.table.is_ours(row) {
        return Holder::Foreign(row);
    }
    let serves = subject.held().is_some_and(|held| held.id == row.id);
    if scene.table.tag_of(subject.tenant, row) != Some(subject.tag) || serves {
        let goes = must_go(scene, subject, row).is_some();
        return Holder::Otherwise { row, goes };
    }
    let claim = match fit(scene, subject, desired, row) {
        Fit::Good => Claim::Good,
        Fit::Unproven => Claim::Unproven,
        Fit::Mismatched(_) => Claim::Unfit,
        Fit::Unseen | Fit::NoAnswer | Fit::UnknownKey(_) => Claim::Dark,
    };
    Holder::Ours(row, claim)
}

/// Graph named nobody: the complete listing of this pass may show who it is.
fn nameless<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    desired: &Desired,
) -> Option<Holder<&'a Observed>> {
    scene.complete_listing(subject.tenant, Reason::NamedHolder)?;
    let rows = scene.of_resource(subject, &desired.key.resource);
    let (own, foreign): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| scene.table.is_ours(row));
    let own = meant(scene, subject, &own).filter(|row| must_go(scene, subject, row).is_some());
    Some(Holder::Nameless {
        own,
        foreign: foreign.first().copied(),
    })
}

fn follow<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    desired: &Desired,
    obstacle: &Obstacle,
    ahead: Ahead<&'a Observed>,
) {
    let named = obstacle.holder.clone();
    let audit = scene.next_audit(subject.tenant);
    match ahead {
        Ahead::Read => {
            if let Some(id) = &named {
                scene.want_row(subject.tenant.name, id, Reason::NamedHolder);
            }
        }
        Ahead::Later => {
            let holder = named.map(|id| id.to_string()).unwrap_or_default();
            let words = format!("the holder {holder} could not be read");
            scene.hold(subject, Reason::NoAnswer, None, words);
        }
        Ahead::Adopt(row, Claim::Good) => {
            scene.adopt(subject, desired, row, HeldOrigin::Adopted);
        }
        Ahead::Adopt(row, _) => scene.adopt(subject, desired, row, HeldOrigin::Unproven),
        Ahead::InTheWay(row) => {
            if own_row_in_the_way(scene, subject, row) == Settled::No {
                let id = Some(row.id.clone());
                scene.block(subject, BlockedBy::Unclassified, id, audit);
            }
        }
        Ahead::Foreign(row) => {
            let until = end_or_audit(scene, subject, row.expires);
            scene.block(subject, BlockedBy::Foreign, Some(row.id.clone()), until);
        }
        Ahead::Invisible => scene.block(subject, BlockedBy::Invisible, named, audit),
        Ahead::Quota => scene.block(subject, BlockedBy::Quota, None, audit),
        Ahead::Undecided(row) => {
            let id = row.map(|row| row.id.clone());
            scene.block(subject, BlockedBy::Unclassified, id, audit);
        }
    }
}

/// The own row of the resource that Graph can mean: a single one; of several that must all go,
/// one that does not serve the key, since its end costs no coverage.
fn meant<'a>(
    scene: &Scene<'a>,
    subject: Subject<'a>,
    own: &[&'a Observed],
) -> Option<&'a Observed> {
    if let [only] = own {
        return Some(only);
    }
    let held = subject.held().map(|held| &held.id);
    let all_go = own.iter().all(|row| must_go(scene, subject, row).is_some());
    let stray = own.iter().find(|row| Some(&row.id) != held);
    stray.copied().filter(|_| all_go)
}

/// An own row that must go anyway (mismatched, or declared by nobody) blocks its successor: it is
/// deleted first, once its removal is confirmed. [`Settled::No`] where the row has a right to stay.
pub(in crate::domain) fn own_row_in_the_way<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    row: &'a Observed,
) -> Settled {
    let (Some(desired), Some(going)) = (subject.desired, must_go(scene, subject, row)) else {
        return Settled::No;
    };
    scene.watch(subject.tenant.name, &row.id, going);
    let may = scene.mode() == Mode::Full && scene.may_act_on_mismatch();
    if may && scene.is_confirmed(&row.id) && scene.is_removable(&row.id) {
        let listed = scene.complete_listing(subject.tenant, Reason::Removal);
        if listed.is_some() {
            scene.removals.mismatched += 1;
            scene.spared.insert(row.id.clone());
            let delete = deletion(subject, &row.id, Reason::InTheWay);
            let create = creation(scene, subject, desired, Reason::Replacement);
            scene.steps.push(Step::Replace { delete, create });
        }
        return Settled::Yes;
    }
    let until = scene
        .removable_at(&row.id)
        .filter(|at| *at > scene.inputs.now)
        .unwrap_or_else(|| scene.next_audit(subject.tenant));
    scene.block(subject, BlockedBy::OwnRow, Some(row.id.clone()), until);
    Settled::Yes
}

/// Why an own row must go, if it must.
fn must_go(scene: &Scene<'_>, subject: Subject<'_>, row: &Observed) -> Option<Going> {
    let tag = scene.table.tag_of(subject.tenant, row);
    if tag == Some(subject.tag) {
        let fit = fit(scene, subject, subject.desired?, row);
        return matches!(fit, Fit::Mismatched(_)).then_some(Going::Mismatched);
    }
    (!scene.table.is_declared(tag)).then_some(Going::Undeclared)
}

fn fit(scene: &Scene<'_>, subject: Subject<'_>, desired: &Desired, row: &Observed) -> Fit {
    let answer = subject.tenant.answer(&row.id);
    let held = subject.held().filter(|held| held.id == row.id);
    let judge = scene.table.judge();
    judge.fit(answer, row, &subject.tag, desired, held)
}

fn end_or_audit(scene: &Scene<'_>, subject: Subject<'_>, end: Timestamp) -> Timestamp {
    let audit = scene.next_audit(subject.tenant);
    if end > scene.inputs.now {
        audit.min(after(end, jiff::SignedDuration::from_secs(1)))
    } else {
        audit
    }
}

impl<'a> Scene<'a> {
    /// Remembers that the key cannot be served for now.
    pub(in crate::domain) fn block(
        &mut self,
        subject: Subject<'_>,
        cause: BlockedBy,
        holder: Option<SubscriptionId>,
        until: Timestamp,
    ) {
        let earlier = subject.entry.and_then(|entry| entry.blocked.as_ref());
        let same = earlier.filter(|earlier| earlier.cause == cause && earlier.holder == holder);
        let since = same.map_or(self.inputs.now, |earlier| earlier.since);
        let blocked = Blocked {
            cause,
            holder,
            until,
            since,
        };
        self.changes.push(Change::Block {
            tag: subject.tag,
            blocked,
        });
    }

    /// Every row of the resource, own or foreign. The index is made once, where it is needed.
    fn of_resource(&mut self, subject: Subject<'a>, normal: &str) -> Vec<&'a Observed> {
        let (table, tenant) = (self.table, subject.tenant);
        let index = self.by_resource.entry(tenant.name).or_insert_with(|| {
            let mut index: BTreeMap<String, Vec<&'a Observed>> = BTreeMap::new();
            for row in table.rows_of(tenant) {
                if let Ok(resource) = Resource::parse(&row.resource) {
                    let key = resource.normal().to_owned();
                    index.entry(key).or_default().push(row);
                }
            }
            index
        });
        index.get(normal).cloned().unwrap_or_default()
    }
}
