//! Checks of a key that is served by a subscription: does it still stand, and is it due?

use jiff::Timestamp;

use crate::domain::ids::SubscriptionId;
use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Creation, Deletion, Reason, Renewal, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::schedule::{after, expiry_to_ask, expiry_to_ask_again, is_short};
use crate::domain::sight::{ById, LifecycleEvent};
use crate::domain::state::{Going, Held, HeldOrigin};
use crate::domain::subscription::Desired;

/// A GET said 404: only that proves it.
pub(in crate::domain) fn is_gone_for_good<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    if subject.tenant.answer(&held.id) != Some(&ById::Gone) {
        return Settled::No;
    }
    scene.changes.push(Change::LetGo {
        tag: subject.tag,
        why: Reason::ConfirmedGone,
    });
    Settled::Yes
}

/// Somebody moved it to an address that is not ours: it is theirs now.
pub(in crate::domain) fn turned_foreign<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    if !subject.row.is_some_and(|row| scene.table.is_foreign(row)) {
        return Settled::No;
    }
    scene.changes.push(Change::LetGo {
        tag: subject.tag,
        why: Reason::TurnedForeign,
    });
    Settled::Yes
}

/// A PATCH that found nothing, a removal event and an absence from a complete listing are hints;
/// the GET decides.
pub(in crate::domain) fn doubt_needs_a_get<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let (name, answer) = (subject.tenant.name, subject.tenant.answer(&held.id));
    let removed = scene
        .table
        .is_marked(&held.id, LifecycleEvent::SubscriptionRemoved);
    let absent = subject.tenant.listing().complete_since().is_some() && subject.row.is_none();
    let why = match (held.doubted, answer) {
        (true, None) => Reason::PatchSaidGone,
        (true, Some(ById::Found(_))) => {
            scene.changes.push(Change::Undoubt { tag: subject.tag });
            return Settled::Yes;
        }
        (true, Some(_)) => {
            // A renewal that is due may still be tried: where it succeeds, the doubt is over.
            scene.hold(subject, Reason::NoAnswer, None, "its fate is not known");
            return needs_renewal(scene, subject);
        }
        (false, None) if removed => Reason::RemovedEvent,
        (false, None) if absent => Reason::AbsentFromListing,
        (false, Some(ById::NoAnswer)) if removed => {
            scene.changes.push(Change::Doubt { tag: subject.tag });
            return Settled::Yes;
        }
        (false, _) => return Settled::No,
    };
    scene.want_row(name, &held.id, why);
    Settled::Yes
}

/// Expiry is what Graph says. A listing may lag behind a fresh PATCH, so a row that was just
/// changed is believed only when read by id.
pub(in crate::domain) fn shows_another_end<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let (Some(held), Some(row)) = (subject.held(), subject.row) else {
        return Settled::No;
    };
    if row.expires == held.expires {
        return Settled::No;
    }
    let answer = subject.tenant.answer(&held.id);
    let fresh = matches!(answer, Some(ById::Found(_)));
    let settled = after(touched(held), scene.inputs.policy.settle) <= scene.inputs.now;
    if !fresh && !settled {
        return Settled::No;
    }
    scene.changes.push(Change::SeenExpiry {
        tag: subject.tag,
        expires: row.expires,
    });
    Settled::Yes
}

/// A notification carried its clientState: that proves it.
pub(in crate::domain) fn is_proven_by_now<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let unproven = |held: &&Held| held.origin == HeldOrigin::Unproven;
    let Some(held) = subject.held().filter(unproven) else {
        return Settled::No;
    };
    if !scene.inputs.proofs.verified.contains(&held.id) {
        return Settled::No;
    }
    scene.changes.push(Change::Proven { tag: subject.tag });
    Settled::Yes
}

/// A lifecycle event asks for a new authorization, which a renewal gives; not within ten minutes
/// of the last PATCH. The wish is remembered: its mark lasts for one pass only.
pub(in crate::domain) fn must_be_reauthorized<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let event = LifecycleEvent::ReauthorizationRequired;
    if !scene.table.is_marked(&held.id, event) || was_served_in_this_pass(scene, held) {
        return Settled::No;
    }
    let due = after(touched(held), scene.inputs.policy.patch_distance);
    if held.due > due {
        scene.changes.push(Change::Hasten {
            tag: subject.tag,
            due,
        });
        return Settled::Yes;
    }
    Settled::No
}

/// It lives on, renewed, until its removal is confirmed.
pub(in crate::domain) fn is_no_longer_declared<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let Some(held) = subject.held().filter(|_| subject.desired.is_none()) else {
        return Settled::No;
    };
    scene.watch(subject.tenant.name, &held.id, Going::Undeclared);
    needs_renewal(scene, subject)
}

/// Whether it is due, was asked for by a lifecycle event, or stands at a former address.
pub(in crate::domain) fn needs_renewal<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let Some(why) = renewal_reason(scene, subject, held) else {
        return Settled::Yes;
    };
    if renewal_waits(scene, subject) {
        return Settled::Yes;
    }
    let step = renewal(scene, subject, held, why);
    scene.steps.push(Step::Renew(step));
    Settled::Yes
}

/// Whether the last renewal failed too short a time ago; says so.
pub(in crate::domain) fn renewal_waits<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> bool {
    let retry = subject.entry.and_then(|entry| entry.retry.as_ref());
    let Some(retry) = retry.filter(|retry| retry.not_before > scene.inputs.now) else {
        return false;
    };
    let words = format!("{} attempts failed", retry.failures);
    scene.hold(subject, Reason::Backoff, Some(retry.not_before), words);
    true
}

fn renewal_reason(scene: &Scene<'_>, subject: Subject<'_>, held: &Held) -> Option<Reason> {
    // In a pass that just renewed it, a short-lived one would be due again at once.
    if was_served_in_this_pass(scene, held) {
        return None;
    }
    let (now, policy) = (scene.inputs.now, scene.inputs.policy);
    if is_to_move(scene, subject) {
        return Some(Reason::MovedAddress);
    }
    if held.due > now {
        return None;
    }
    let event = LifecycleEvent::ReauthorizationRequired;
    if scene.table.is_marked(&held.id, event) {
        return Some(Reason::Reauthorize);
    }
    if is_short(held.expires.duration_since(touched(held)), policy) {
        return Some(Reason::ShortLifetime);
    }
    Some(Reason::Due)
}

/// A row that was adopted in this pass may be due already; one that was created or renewed in it
/// is not.
fn was_served_in_this_pass(scene: &Scene<'_>, held: &Held) -> bool {
    let created = (held.origin == HeldOrigin::Created).then_some(held.obtained_at);
    held.patched_at.max(created) >= Some(scene.inputs.progress.started_at)
}

fn touched(held: &Held) -> Timestamp {
    held.patched_at.unwrap_or(held.obtained_at)
}

pub(in crate::domain) fn renewal(
    scene: &Scene<'_>,
    subject: Subject<'_>,
    held: &Held,
    why: Reason,
) -> Renewal {
    let now = scene.inputs.now;
    let expires = match (subject.desired, subject.entry) {
        (Some(desired), _) => expiry_to_ask(desired, now),
        (None, Some(entry)) => {
            let granted = held.expires.duration_since(touched(held));
            let failures = entry.retry.as_ref().map_or(0, |retry| retry.failures);
            expiry_to_ask_again(&entry.key, granted, failures, now)
        }
        (None, None) => held.expires,
    };
    let wanted = subject
        .desired
        .and_then(|desired| desired.certificate.as_ref());
    let certificate = wanted.is_some_and(|wanted| held.certificate_id.as_ref() != Some(&wanted.id));
    Renewal {
        tenant: subject.tenant.name.clone(),
        id: held.id.clone(),
        tag: Some(subject.tag),
        // Asking for less than it has would shorten it.
        expires: expires.max(held.expires),
        ends: held.expires,
        moves: is_to_move(scene, subject),
        certificate,
        why,
    }
}

/// Whether the row stands at a former address and may be moved to today's.
fn is_to_move(scene: &Scene<'_>, subject: Subject<'_>) -> bool {
    subject.desired.is_some()
        && scene.mode() >= Mode::CreateOnly
        && subject.row.is_some_and(|row| scene.table.is_at_former(row))
}

pub(in crate::domain) fn creation(
    scene: &Scene<'_>,
    subject: Subject<'_>,
    desired: &Desired,
    why: Reason,
) -> Creation {
    Creation {
        tag: subject.tag,
        desired: desired.clone(),
        expires: expiry_to_ask(desired, scene.inputs.now),
        why,
    }
}

pub(in crate::domain) fn deletion(
    subject: Subject<'_>,
    id: &SubscriptionId,
    why: Reason,
) -> Deletion {
    Deletion {
        tenant: subject.tenant.name.clone(),
        id: id.clone(),
        why,
    }
}
