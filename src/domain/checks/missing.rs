//! Checks of a key that nothing serves.

use crate::domain::judge::Fit;
use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Reason, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::schedule::after;
use crate::domain::sight::ById;
use crate::domain::sight::Listing;
use crate::domain::state::{BlockedBy, HeldOrigin};

use super::held::creation;
use super::obstacle;
use super::twins::{Twins, say_dark};

/// Nothing is wished for and nothing is served. A create that may still have happened is looked
/// for first: what it left is then a row like any other that nobody declares.
pub(in crate::domain) fn is_not_declared<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    if subject.desired.is_some() {
        return Settled::No;
    }
    if scene.is_braked() {
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

/// Not before the holder's end, or the next audit.
pub(in crate::domain) fn is_blocked<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
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
pub(in crate::domain) fn failed_lately<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
    let retry = subject.entry.and_then(|entry| entry.retry.as_ref());
    let Some(retry) = retry.filter(|retry| retry.not_before > scene.inputs.now) else {
        return Settled::No;
    };
    let words = format!("{} attempts failed", retry.failures);
    scene.hold(subject, Reason::Backoff, Some(retry.not_before), words)
}

/// A create without an outcome may still surface: not before its settle time.
pub(in crate::domain) fn intent_is_settling<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
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
pub(in crate::domain) fn needs_a_complete_listing<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    // What may not be created may still be adopted, but no listing is taken for that alone.
    if scene.mode() < Mode::CreateOnly && *subject.tenant.listing() == Listing::NotTaken {
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

/// Own rows of the key are taken over: the bytewise smallest that fits, before one that nothing
/// proves, before one that is not as declared.
pub(in crate::domain) fn is_there_already<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let Some(desired) = subject.desired else {
        return Settled::Yes;
    };
    let twins = Twins::of(scene, subject, desired);
    for row in &twins.unseen {
        scene.want_row(subject.tenant.name, &row.id, Reason::UnseenClientState);
    }
    if !twins.unseen.is_empty() {
        return Settled::Yes;
    }
    let found = [
        (twins.good.first(), HeldOrigin::Adopted),
        (twins.unproven.first(), HeldOrigin::Unproven),
    ];
    for (row, origin) in found {
        if let Some(row) = row {
            scene.adopt(subject, desired, row, origin);
            return Settled::Yes;
        }
    }
    // Nothing is created beside a row that may be the very one.
    if let Some((row, fit)) = twins.dark.first() {
        if matches!(fit, Fit::UnknownKey(_)) {
            // Only a changed ring helps: not looked at anew at every tick.
            let until = scene.next_audit(subject.tenant);
            scene.block(
                subject,
                BlockedBy::Unclassified,
                Some(row.id.clone()),
                until,
            );
        }
        return say_dark(scene, subject, row, fit);
    }
    let Some(row) = twins.mismatched.first() else {
        return Settled::No;
    };
    // Listings show deleted rows for days: what is to serve must be there.
    match subject.tenant.answer(&row.id) {
        None => {
            let why = Reason::UnseenClientState;
            scene.want_row(subject.tenant.name, &row.id, why);
            Settled::Yes
        }
        Some(ById::Found(_)) => {
            scene.adopt(subject, desired, row, HeldOrigin::Mismatched);
            Settled::Yes
        }
        Some(_) => say_dark(scene, subject, row, &Fit::NoAnswer),
    }
}

/// Graph refused the create because of an own row whose removal is confirmed by now.
pub(in crate::domain) fn own_row_must_go_first<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let blocked = subject.entry.and_then(|entry| entry.blocked.as_ref());
    let own = blocked.filter(|blocked| blocked.cause == BlockedBy::OwnRow);
    let Some(id) = own.and_then(|blocked| blocked.holder.as_ref()) else {
        return Settled::No;
    };
    let seen = scene.table.row(subject.tenant, id);
    match seen.filter(|seen| scene.table.is_ours(seen.row)) {
        Some(seen) => obstacle::own_row_in_the_way(scene, subject, seen.row),
        None => Settled::No,
    }
}

/// Nothing stands in the way that we know of.
pub(in crate::domain) fn create_it<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
    let Some(desired) = subject.desired else {
        return Settled::Yes;
    };
    let create = creation(scene, subject, desired, Reason::Missing);
    scene.steps.push(Step::Create(create));
    Settled::Yes
}
