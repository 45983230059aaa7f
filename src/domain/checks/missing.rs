//! Checks of a key that nothing serves: what is remembered of it, and the decisions of the ensure
//! engine (`domain::ensure::decide`) about what was seen.

use jiff::Timestamp;

use crate::domain::ensure::decide::{Claim, Gate, Serves, gate};
use crate::domain::judge::Fit;
use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Reason, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::schedule::after;
use crate::domain::sight::ById;
use crate::domain::sight::Listing;
use crate::domain::state::{BlockedBy, HeldOrigin};
use crate::domain::subscription::{Desired, Observed};

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
    if let Some(settled_at) = settles(scene, subject) {
        match gate_of(scene, subject) {
            Gate::Settling => {
                let words = "a create is unresolved";
                return scene.hold(subject, Reason::Settling, Some(settled_at), words);
            }
            Gate::LookFirst | Gate::LookAgain => {
                let _asked = scene.complete_listing(subject.tenant, Reason::OpenIntent);
                return Settled::Yes;
            }
            Gate::Open => {}
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
    if gate_of(scene, subject) != Gate::Settling {
        return Settled::No;
    }
    scene.hold(
        subject,
        Reason::Settling,
        settles(scene, subject),
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
    match gate_of(scene, subject) {
        Gate::Open => Settled::No,
        Gate::Settling | Gate::LookAgain => {
            let words = "the listing of this pass began too early to see an unresolved create";
            scene.hold(subject, Reason::Settling, settles(scene, subject), words)
        }
        Gate::LookFirst => {
            let why = match settles(scene, subject) {
                Some(_) => Reason::OpenIntent,
                None => Reason::Missing,
            };
            let _asked = scene.complete_listing(subject.tenant, why);
            Settled::Yes
        }
    }
}

/// From when on a create of the key without a known outcome must be visible, if there is one.
fn settles(scene: &Scene<'_>, subject: Subject<'_>) -> Option<Timestamp> {
    let intent = subject.entry?.intent.as_ref()?;
    Some(after(intent.at, scene.inputs.policy.settle))
}

/// The gate of the ensure engine, for a key of the pass: its memory is the shard's document.
pub(in crate::domain) fn gate_of(scene: &Scene<'_>, subject: Subject<'_>) -> Gate {
    let seen_since = subject.tenant.listing().complete_since();
    gate(scene.inputs.now, settles(scene, subject), seen_since)
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
    match twins.claims().who_serves() {
        Serves::Nobody => Settled::No,
        Serves::ReadFirst(_) => {
            for row in &twins.unseen {
                scene.want_row(subject.tenant.name, &row.id, Reason::UnseenClientState);
            }
            Settled::Yes
        }
        Serves::Take(row, Claim::Good) => {
            scene.adopt(subject, desired, row, HeldOrigin::Adopted);
            Settled::Yes
        }
        Serves::Take(row, Claim::Unproven) => {
            scene.adopt(subject, desired, row, HeldOrigin::Unproven);
            Settled::Yes
        }
        Serves::Take(row, Claim::Unfit) => {
            take_what_is_not_as_declared(scene, subject, desired, row)
        }
        Serves::Take(row, Claim::Dark) | Serves::Undecided(row) => {
            create_nothing_beside(scene, subject, &twins, row)
        }
    }
}

/// The row may be the very one, and nothing can be decided about it.
fn create_nothing_beside<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    twins: &Twins<'a>,
    row: &Observed,
) -> Settled {
    let dark = twins.dark.iter().find(|(dark, _)| dark.id == row.id);
    let fit = dark.map_or(&Fit::NoAnswer, |(_, fit)| fit);
    if matches!(fit, Fit::UnknownKey(_)) {
        // Only a changed ring helps: not looked at anew at every tick.
        let until = scene.next_audit(subject.tenant);
        let id = Some(row.id.clone());
        scene.block(subject, BlockedBy::Unclassified, id, until);
    }
    say_dark(scene, subject, row, fit)
}

/// Listings show deleted rows for days: what is to serve must be there.
fn take_what_is_not_as_declared<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    desired: &Desired,
    row: &Observed,
) -> Settled {
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
