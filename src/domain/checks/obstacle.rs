//! What Graph put in the way of a create, and what follows from it.

use jiff::Timestamp;

use crate::domain::conflict::Cause;
use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Reason};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::resource::Resource;
use crate::domain::rows::Fit;
use crate::domain::schedule::after;
use crate::domain::sight::ById;
use crate::domain::state::{Blocked, BlockedBy, Going, Obstacle};
use crate::domain::subscription::Observed;

/// Finds out who holds the combination. The id that Graph named is believed only as far as a GET
/// confirms it.
pub(in crate::domain) fn look_into_it(scene: &mut Scene<'_>, subject: Subject<'_>) {
    let Some(obstacle) = subject.entry.and_then(|entry| entry.obstacle.as_ref()) else {
        return;
    };
    let Some(id) = &obstacle.holder else {
        return nameless(scene, subject, obstacle);
    };
    let answer = scene.tenants[subject.tenant].rows.answer(id).cloned();
    match answer {
        None => scene.want_row(subject.tenant, id, Reason::NamedHolder),
        Some(ById::NoAnswer) => {
            let words = format!("the holder {id} could not be read");
            scene.hold(subject, Reason::NoAnswer, None, words);
        }
        Some(ById::Gone) => {
            let until = scene.next_audit(subject.tenant);
            scene.block(subject, BlockedBy::Invisible, Some(id.clone()), until);
        }
        Some(ById::Found(row)) => named(scene, subject, &row),
    }
}

fn named(scene: &mut Scene<'_>, subject: Subject<'_>, row: &Observed) {
    if !scene.inputs.home.owner_of(row).is_ours() {
        let until = end_or_audit(scene, subject, row.expires);
        scene.block(subject, BlockedBy::Foreign, Some(row.id.clone()), until);
        return;
    }
    let Some(desired) = subject.desired else {
        return;
    };
    let same_key = row
        .key(subject.tenant)
        .is_some_and(|key| key.tag() == subject.tag);
    if same_key && subject.held().is_none_or(|held| held.id != row.id) {
        let judge = scene.judge();
        let rows = &scene.tenants[subject.tenant].rows;
        let fit = judge.fit(rows, row, &subject.tag, desired, None);
        if matches!(fit, Fit::Good(_) | Fit::Unproven) {
            return scene.adopt(subject, desired, row, &fit);
        }
        if matches!(fit, Fit::UnknownKey(_) | Fit::NoAnswer | Fit::Unseen) {
            let until = scene.next_audit(subject.tenant);
            return scene.block(
                subject,
                BlockedBy::Unclassified,
                Some(row.id.clone()),
                until,
            );
        }
    }
    if own_row_in_the_way(scene, subject, row) == Settled::No {
        let until = scene.next_audit(subject.tenant);
        scene.block(
            subject,
            BlockedBy::Unclassified,
            Some(row.id.clone()),
            until,
        );
    }
}

/// Graph named nobody: the complete listing of this pass may show who it is.
fn nameless(scene: &mut Scene<'_>, subject: Subject<'_>, obstacle: &Obstacle) {
    if scene
        .complete_listing(subject.tenant, Reason::NamedHolder)
        .is_none()
    {
        return;
    }
    let wanted = subject.desired.map(|desired| desired.key.resource.clone());
    let same = |row: &&Observed| {
        let resource = Resource::parse(&row.resource);
        resource.is_ok_and(|resource| Some(resource.normal()) == wanted.as_deref())
    };
    let rows = &scene.tenants[subject.tenant].rows;
    let (own, foreign): (Vec<_>, Vec<_>) = rows
        .all()
        .filter(same)
        .partition(|row| scene.inputs.home.owner_of(row).is_ours());
    // Only a single own row of the resource can be the one that Graph means.
    if let [only] = own[..]
        && own_row_in_the_way(scene, subject, only) == Settled::Yes
    {
        return;
    }
    let audit = scene.next_audit(subject.tenant);
    match (obstacle.cause, foreign.first()) {
        (_, Some(row)) => {
            let until = end_or_audit(scene, subject, row.expires);
            scene.block(subject, BlockedBy::Foreign, Some(row.id.clone()), until);
        }
        (Cause::QuotaExhausted, None) => scene.block(subject, BlockedBy::Quota, None, audit),
        (Cause::AlreadyExists, None) => scene.block(subject, BlockedBy::Invisible, None, audit),
        _ => scene.block(subject, BlockedBy::Unclassified, None, audit),
    }
}

/// An own row that must go anyway (mismatched, or declared by nobody) blocks its successor: it is
/// deleted first, once its removal is confirmed. [`Settled::No`] where the row has a right to stay.
pub(in crate::domain) fn own_row_in_the_way(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
    row: &Observed,
) -> Settled {
    let Some(desired) = subject.desired else {
        return Settled::No;
    };
    let Some(going) = must_go(scene, subject, row) else {
        return Settled::No;
    };
    scene.watch(subject.tenant, &row.id, going);
    let confirmed = scene.is_confirmed(&row.id) && scene.is_removable(&row.id);
    if scene.grade.mode == Mode::Full && confirmed && scene.may_act_on_mismatch() {
        scene.removals.mismatched += 1;
        scene.replace(subject, desired, row);
        return Settled::Yes;
    }
    let until = scene
        .confirmed_at(&row.id)
        .filter(|at| *at > scene.inputs.now)
        .unwrap_or_else(|| scene.next_audit(subject.tenant));
    scene.block(subject, BlockedBy::OwnRow, Some(row.id.clone()), until);
    Settled::Yes
}

/// Why an own row must go, if it must.
fn must_go(scene: &Scene<'_>, subject: Subject<'_>, row: &Observed) -> Option<Going> {
    let desired = subject.desired?;
    let key = row.key(subject.tenant);
    let tag = key.map(|key| key.tag());
    if tag == Some(subject.tag) {
        let rows = &scene.tenants[subject.tenant].rows;
        let held = subject.held().filter(|held| held.id == row.id);
        let fit = scene.judge().fit(rows, row, &subject.tag, desired, held);
        return matches!(fit, Fit::Mismatched(_)).then_some(Going::Mismatched);
    }
    let declared = tag.is_some_and(|tag| {
        scene
            .declared
            .is_some_and(|set| set.by_key.contains_key(&tag))
    });
    (!declared).then_some(Going::Undeclared)
}

fn end_or_audit(scene: &Scene<'_>, subject: Subject<'_>, end: Timestamp) -> Timestamp {
    let audit = scene.next_audit(subject.tenant);
    if end > scene.inputs.now {
        audit.min(after(end, jiff::SignedDuration::from_secs(1)))
    } else {
        audit
    }
}

impl Scene<'_> {
    /// Remembers that the key cannot be served for now.
    pub(in crate::domain) fn block(
        &mut self,
        subject: Subject<'_>,
        cause: BlockedBy,
        holder: Option<crate::domain::ids::SubscriptionId>,
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
}
