//! Checks of a key that nothing serves.

use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Reason, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::rows::Fit;
use crate::domain::schedule::after;
use crate::domain::state::{BlockedBy, HeldOrigin};
use crate::domain::subscription::Observed;

use super::held::{creation, deletion, fits};
use super::obstacle;

/// Nothing is wished for and nothing is served. A create that may still have happened is looked
/// for first: what it left is then a row like any other that nobody declares.
pub(in crate::domain) fn is_not_declared(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    if subject.desired.is_some() {
        return Settled::No;
    }
    if !scene.grade.brakes.is_empty() {
        return Settled::Yes;
    }
    let intent = subject.entry.and_then(|entry| entry.intent.as_ref());
    if let Some(intent) = intent {
        let settled_at = after(intent.at, scene.inputs.policy.settle);
        if scene.inputs.now < settled_at {
            return scene.hold(
                subject,
                Reason::Settling,
                Some(settled_at),
                "a create is unresolved",
            );
        }
        let seen = scene.complete_listing(subject.tenant, Reason::OpenIntent);
        if seen.is_none_or(|begun| begun < settled_at) {
            return Settled::Yes;
        }
    }
    scene.changes.push(Change::Forget { tag: subject.tag });
    Settled::Yes
}

/// Graph put something in the way of the last create.
pub(in crate::domain) fn obstacle(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    if subject.entry.is_some_and(|entry| entry.obstacle.is_some()) {
        obstacle::look_into_it(scene, subject);
        return Settled::Yes;
    }
    Settled::No
}

/// Not before the holder's end, or the next audit.
pub(in crate::domain) fn is_blocked(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let blocked = subject.entry.and_then(|entry| entry.blocked.as_ref());
    let Some(blocked) = blocked.filter(|blocked| blocked.until > scene.inputs.now) else {
        return Settled::No;
    };
    let words = match &blocked.holder {
        Some(holder) => format!("subscription {holder} holds the combination"),
        None => "no holder is known".to_owned(),
    };
    scene.hold(subject, blocked.cause.into(), Some(blocked.until), words)
}

/// Each failure makes the next attempt wait longer.
pub(in crate::domain) fn failed_lately(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let retry = subject.entry.and_then(|entry| entry.retry.as_ref());
    let Some(retry) = retry.filter(|retry| retry.not_before > scene.inputs.now) else {
        return Settled::No;
    };
    let words = format!("{} attempts failed", retry.failures);
    scene.hold(subject, Reason::Backoff, Some(retry.not_before), words)
}

/// A create without an outcome may still surface: not before its settle time.
pub(in crate::domain) fn intent_is_settling(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
) -> Settled {
    let intent = subject.entry.and_then(|entry| entry.intent.as_ref());
    let Some(intent) = intent else {
        return Settled::No;
    };
    let settled_at = after(intent.at, scene.inputs.policy.settle);
    if scene.inputs.now >= settled_at {
        return Settled::No;
    }
    scene.hold(
        subject,
        Reason::Settling,
        Some(settled_at),
        "a create has no known outcome",
    )
}

/// Check before create. The listing must have begun after the settle time of an open intent.
pub(in crate::domain) fn needs_a_complete_listing(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
) -> Settled {
    if scene.grade.mode < Mode::RenewOnly {
        return scene.hold(subject, Reason::ModeForbids, None, "nothing serves it");
    }
    let intent = subject.entry.and_then(|entry| entry.intent.as_ref());
    let why = if intent.is_some() {
        Reason::OpenIntent
    } else {
        Reason::Missing
    };
    let Some(begun) = scene.complete_listing(subject.tenant, why) else {
        return Settled::Yes;
    };
    match intent.map(|intent| after(intent.at, scene.inputs.policy.settle)) {
        Some(settled_at) if begun < settled_at => {
            let words = "the listing of this pass began too early to see an unresolved create";
            scene.hold(subject, Reason::Settling, Some(settled_at), words)
        }
        _ => Settled::No,
    }
}

/// Own rows of the key are taken over, the bytewise smallest that fits before any that does not.
pub(in crate::domain) fn is_there_already(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(desired) = subject.desired else {
        return Settled::Yes;
    };
    let fits = fits(scene, subject, desired);
    let mut looking = false;
    for (row, fit) in &fits {
        match fit {
            Fit::Unseen => {
                scene.want_row(subject.tenant, &row.id, Reason::UnseenClientState);
                looking = true;
            }
            Fit::NoAnswer => {
                let words = format!("{} could not be read", row.id);
                return scene.hold(subject, Reason::NoAnswer, None, words);
            }
            Fit::UnknownKey(kid) => {
                let words = format!(
                    "{} has our address but is signed by key {kid}, which is not in the ring",
                    row.id
                );
                return scene.hold(subject, Reason::UnknownKey, None, words);
            }
            Fit::Good(_) | Fit::Unproven | Fit::Mismatched(_) => {}
        }
    }
    if looking {
        return Settled::Yes;
    }
    let fitting = fits
        .iter()
        .find(|(_, fit)| matches!(fit, Fit::Good(_) | Fit::Unproven));
    let Some((row, fit)) = fitting.or(fits.first()) else {
        return Settled::No;
    };
    scene.adopt(subject, desired, row, fit);
    Settled::Yes
}

/// Graph refused the create because of an own row whose removal is confirmed by now.
pub(in crate::domain) fn own_row_must_go_first(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
) -> Settled {
    let blocked = subject.entry.and_then(|entry| entry.blocked.as_ref());
    let own = blocked.filter(|blocked| blocked.cause == BlockedBy::OwnRow);
    let Some(id) = own.and_then(|blocked| blocked.holder.as_ref()) else {
        return Settled::No;
    };
    let Some(row) = scene.tenants[subject.tenant].rows.row(id) else {
        return Settled::No;
    };
    obstacle::own_row_in_the_way(scene, subject, row)
}

/// Nothing stands in the way that we know of.
pub(in crate::domain) fn create_it(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(desired) = subject.desired else {
        return Settled::Yes;
    };
    let create = creation(scene, subject, desired, Reason::Missing);
    scene.steps.push(Step::Create(create));
    Settled::Yes
}

impl Scene<'_> {
    /// Makes a row the one that serves the key.
    pub(in crate::domain) fn adopt(
        &mut self,
        subject: Subject<'_>,
        desired: &crate::domain::subscription::Desired,
        row: &Observed,
        fit: &Fit,
    ) {
        let (origin, kid) = match fit {
            Fit::Good(kid) => (HeldOrigin::Adopted, kid.clone()),
            Fit::Unproven => (HeldOrigin::Unproven, None),
            _ => (HeldOrigin::Mismatched, None),
        };
        self.changes.push(Change::Adopt {
            tag: subject.tag,
            key: desired.key.clone(),
            id: row.id.clone(),
            expires: row.expires,
            origin,
            kid,
            certificate_id: row.certificate_id.clone(),
        });
    }

    /// Plans to delete an own row first and to create then.
    pub(in crate::domain) fn replace(
        &mut self,
        subject: Subject<'_>,
        desired: &crate::domain::subscription::Desired,
        row: &Observed,
    ) {
        let delete = deletion(subject, &row.id, Reason::InTheWay);
        let create = creation(self, subject, desired, Reason::Replacement);
        self.steps.push(Step::Replace { delete, create });
    }
}
