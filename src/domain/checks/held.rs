//! Checks of a key that is served by a subscription.

use crate::domain::ids::SubscriptionId;
use crate::domain::key::{Settled, Subject};
use crate::domain::ownership::Owner;
use crate::domain::plan::{Change, Creation, Deletion, Reason, Renewal, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::rows::Fit;
use crate::domain::schedule::{after, expiry_to_ask, expiry_to_ask_for_key, is_short};
use crate::domain::sight::{ById, LifecycleEvent};
use crate::domain::state::{Going, Held, HeldOrigin};
use crate::domain::subscription::{Desired, Observed};

use super::obstacle;

/// A GET said 404: only that proves it.
pub(in crate::domain) fn is_gone_for_good(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let rows = &scene.tenants[subject.tenant].rows;
    if rows.answer(&held.id) != Some(&ById::Gone) {
        return Settled::No;
    }
    scene.changes.push(Change::LetGo {
        tag: subject.tag,
        why: Reason::ConfirmedGone,
    });
    Settled::Yes
}

/// Somebody moved it to an address that is not ours: it is theirs now.
pub(in crate::domain) fn turned_foreign(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(row) = row_of(scene, subject) else {
        return Settled::No;
    };
    if scene.inputs.home.owner_of(row) != Owner::Foreign {
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
pub(in crate::domain) fn doubt_needs_a_get(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let rows = &scene.tenants[subject.tenant].rows;
    let answer = rows.answer(&held.id);
    if held.doubted {
        return match answer {
            Some(ById::Found(_)) => {
                scene.changes.push(Change::Undoubt { tag: subject.tag });
                Settled::Yes
            }
            Some(_) => scene.hold(subject, Reason::NoAnswer, None, "its fate is not known"),
            None => {
                scene.want_row(subject.tenant, &held.id, Reason::PatchSaidGone);
                Settled::Yes
            }
        };
    }
    let removed = is_marked(scene, &held.id, LifecycleEvent::SubscriptionRemoved);
    if removed && answer.is_none() {
        scene.want_row(subject.tenant, &held.id, Reason::RemovedEvent);
        return Settled::Yes;
    }
    let complete = rows.sight().listing.complete_since().is_some();
    if complete && answer.is_none() && rows.row(&held.id).is_none() {
        scene.want_row(subject.tenant, &held.id, Reason::AbsentFromListing);
        return Settled::Yes;
    }
    Settled::No
}

/// Expiry is what Graph says. A listing may lag behind a fresh PATCH, so a row that was just
/// changed is believed only when read by id.
pub(in crate::domain) fn shows_another_end(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let (Some(held), Some(row)) = (subject.held(), row_of(scene, subject)) else {
        return Settled::No;
    };
    let fresh = matches!(
        scene.tenants[subject.tenant].rows.answer(&held.id),
        Some(ById::Found(_))
    );
    let touched = held
        .patched_at
        .unwrap_or(held.obtained_at)
        .max(held.obtained_at);
    let settled = after(touched, scene.inputs.policy.settle) <= scene.inputs.now;
    if row.expires != held.expires && (fresh || settled) {
        scene.changes.push(Change::SeenExpiry {
            tag: subject.tag,
            expires: row.expires,
        });
    }
    Settled::No
}

/// A notification carried its clientState: that proves it.
pub(in crate::domain) fn is_proven_by_now(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let proven = scene.inputs.proofs.verified.contains(&held.id);
    if held.origin == HeldOrigin::Unproven && proven {
        scene.changes.push(Change::Proven { tag: subject.tag });
    }
    Settled::No
}

/// It lives on, renewed, until its removal is confirmed.
pub(in crate::domain) fn is_no_longer_declared(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
) -> Settled {
    let Some(held) = subject.held().filter(|_| subject.desired.is_none()) else {
        return Settled::No;
    };
    scene.watch(subject.tenant, &held.id, Going::Undeclared);
    needs_renewal(scene, subject)
}

/// Graph refused the replacement of a mismatched row.
pub(in crate::domain) fn obstacle_to_its_replacement(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
) -> Settled {
    if subject.entry.is_some_and(|entry| entry.obstacle.is_some()) {
        obstacle::look_into_it(scene, subject);
        return needs_renewal(scene, subject);
    }
    Settled::No
}

/// Several own rows that fit: the bytewise smallest id stays, so that every worker, seeing any
/// listing, agrees. It is renewed before the others go.
pub(in crate::domain) fn has_duplicates(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    let fits = fits(scene, subject, desired);
    let good = |fit: &Fit| matches!(fit, Fit::Good(_) | Fit::Unproven);
    let twins: Vec<&(&Observed, Fit)> = fits.iter().filter(|(_, fit)| good(fit)).collect();
    let unseen = fits.iter().filter(|(_, fit)| *fit == Fit::Unseen);
    let mut looking = false;
    for (row, _) in unseen {
        scene.want_row(subject.tenant, &row.id, Reason::UnseenClientState);
        looking = true;
    }
    if looking {
        return needs_renewal(scene, subject);
    }
    let Some((survivor, fit)) = twins.first().copied() else {
        return Settled::No;
    };
    if twins.len() == 1 && (survivor.id == held.id || held.origin != HeldOrigin::Mismatched) {
        return Settled::No;
    }
    if survivor.id != held.id {
        scene.adopt(subject, desired, survivor, fit);
        return Settled::Yes;
    }
    if twins.iter().any(|(_, fit)| *fit == Fit::Unproven) {
        scene.hold(
            subject,
            Reason::Unproven,
            None,
            "duplicates wait until it is proven",
        );
        return needs_renewal(scene, subject);
    }
    let surplus: Vec<_> = twins
        .iter()
        .skip(1)
        .filter(|(row, _)| scene.is_removable(&row.id))
        .map(|(row, _)| deletion(subject, &row.id, Reason::Surplus))
        .collect();
    if surplus.is_empty() {
        return Settled::No;
    }
    let survivor = renewal(scene, subject, held, Reason::Survivor);
    scene.steps.push(Step::Collapse { survivor, surplus });
    Settled::Yes
}

/// It serves, but not as declared: it is watched, and once that is confirmed a replacement is
/// created beside it.
pub(in crate::domain) fn is_mismatched(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    let Some(row) = row_of(scene, subject) else {
        wants_to_be_seen(scene, subject);
        return Settled::No;
    };
    let rows = &scene.tenants[subject.tenant].rows;
    let Fit::Mismatched(why) = scene
        .judge()
        .fit(rows, row, &subject.tag, desired, Some(held))
    else {
        return Settled::No;
    };
    scene.watch(subject.tenant, &held.id, Going::Mismatched);
    let waits = subject.entry.and_then(|entry| {
        let blocked = entry.blocked.as_ref().map(|blocked| blocked.until);
        blocked.max(entry.retry.as_ref().map(|retry| retry.not_before))
    });
    let waits = waits.filter(|until| *until > scene.inputs.now);
    let settling = checks_intent(scene, subject);
    if !scene.is_confirmed(&held.id) || waits.is_some() || settling {
        scene.hold(subject, Reason::NotYetConfirmed, waits, why);
        return needs_renewal(scene, subject);
    }
    if !scene.may_act_on_mismatch() {
        scene.hold(subject, Reason::RemovalCap, None, why);
        return needs_renewal(scene, subject);
    }
    if scene
        .complete_listing(subject.tenant, Reason::Removal)
        .is_some()
    {
        scene.removals.mismatched += 1;
        let create = creation(scene, subject, desired, Reason::Replacement);
        scene.steps.push(Step::Create(create));
        return Settled::Yes;
    }
    needs_renewal(scene, subject)
}

/// The replacement stands since an earlier pass: a PATCH confirms it, then the mismatched row goes.
pub(in crate::domain) fn has_a_mismatched_twin(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    if held.obtained_at >= scene.inputs.progress.started_at {
        return Settled::No;
    }
    let twins: Vec<SubscriptionId> = fits(scene, subject, desired)
        .into_iter()
        .filter(|(row, fit)| row.id != held.id && matches!(fit, Fit::Mismatched(_)))
        .map(|(row, _)| row.id.clone())
        .collect();
    let mut surplus = Vec::new();
    for id in twins {
        scene.watch(subject.tenant, &id, Going::Mismatched);
        if scene.is_confirmed(&id) && scene.is_removable(&id) && scene.may_act_on_mismatch() {
            scene.removals.mismatched += 1;
            surplus.push(deletion(subject, &id, Reason::Replaced));
        }
    }
    if surplus.is_empty() {
        return Settled::No;
    }
    let survivor = renewal(scene, subject, held, Reason::ConfirmReplacement);
    scene.steps.push(Step::Collapse { survivor, surplus });
    Settled::Yes
}

/// Whether it is due, was asked for by a lifecycle event, or stands at a former address.
pub(in crate::domain) fn needs_renewal(scene: &mut Scene<'_>, subject: Subject<'_>) -> Settled {
    let Some(held) = subject.held() else {
        return Settled::Yes;
    };
    let Some(why) = renewal_reason(scene, subject, held) else {
        return Settled::Yes;
    };
    let retry = subject.entry.and_then(|entry| entry.retry.as_ref());
    if let Some(retry) = retry.filter(|retry| retry.not_before > scene.inputs.now) {
        let words = format!("its renewal failed {} times", retry.failures);
        return scene.hold(subject, Reason::Backoff, Some(retry.not_before), words);
    }
    let step = renewal(scene, subject, held, why);
    scene.steps.push(Step::Renew(step));
    Settled::Yes
}

fn renewal_reason(scene: &Scene<'_>, subject: Subject<'_>, held: &Held) -> Option<Reason> {
    let (now, policy) = (scene.inputs.now, scene.inputs.policy);
    if is_former(scene, subject) && scene.grade.mode >= Mode::CreateOnly {
        return Some(Reason::MovedAddress);
    }
    // In a pass that just renewed it, a short-lived one would be due again at once.
    let touched = held.patched_at.unwrap_or(held.obtained_at);
    if touched >= scene.inputs.progress.started_at {
        return None;
    }
    let rested = after(touched, policy.patch_distance) <= now;
    if is_marked(scene, &held.id, LifecycleEvent::ReauthorizationRequired) && rested {
        return Some(Reason::Reauthorize);
    }
    if held.due > now {
        return None;
    }
    let short = is_short(held.expires.duration_since(touched), policy);
    Some(if short {
        Reason::ShortLifetime
    } else {
        Reason::Due
    })
}

fn renewal(scene: &Scene<'_>, subject: Subject<'_>, held: &Held, why: Reason) -> Renewal {
    let now = scene.inputs.now;
    let expires = match (subject.desired, subject.entry) {
        (Some(desired), _) => expiry_to_ask(desired, now),
        (None, Some(entry)) => expiry_to_ask_for_key(&entry.key, now),
        (None, None) => held.expires,
    };
    let wanted = subject
        .desired
        .and_then(|desired| desired.certificate.as_ref());
    let certificate = wanted.is_some_and(|wanted| held.certificate_id.as_ref() != Some(&wanted.id));
    Renewal {
        tenant: subject.tenant.clone(),
        id: held.id.clone(),
        tag: Some(subject.tag),
        // Asking for less than it has would shorten it.
        expires: expires.max(held.expires),
        ends: held.expires,
        moves: is_former(scene, subject) && scene.grade.mode >= Mode::CreateOnly,
        certificate,
        why,
    }
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
        tenant: subject.tenant.clone(),
        id: id.clone(),
        why,
    }
}

fn row_of<'a>(scene: &Scene<'a>, subject: Subject<'_>) -> Option<&'a Observed> {
    scene.tenants[subject.tenant].rows.row(&subject.held()?.id)
}

fn is_former(scene: &Scene<'_>, subject: Subject<'_>) -> bool {
    row_of(scene, subject).is_some_and(|row| scene.judge().at_former_address(row))
}

fn is_marked(scene: &Scene<'_>, id: &SubscriptionId, event: LifecycleEvent) -> bool {
    scene
        .inputs
        .marks
        .iter()
        .any(|mark| mark.subscription == *id && mark.event == event)
}

/// Every own row of the key, ids ascending, with how well it fits.
pub(in crate::domain) fn fits<'a>(
    scene: &Scene<'a>,
    subject: Subject<'_>,
    desired: &Desired,
) -> Vec<(&'a Observed, Fit)> {
    let judge = scene.judge();
    let rows = &scene.tenants[subject.tenant].rows;
    let held = subject.held();
    let remembered = |row: &Observed| held.filter(|held| held.id == row.id);
    rows.own(&subject.tag)
        .iter()
        .map(|row| {
            (
                *row,
                judge.fit(rows, row, &subject.tag, desired, remembered(row)),
            )
        })
        .collect()
}

/// A confirmed mismatch is acted upon only when its row is seen in the same pass.
fn wants_to_be_seen(scene: &mut Scene<'_>, subject: Subject<'_>) {
    let Some(held) = subject.held() else { return };
    let watched = scene.inputs.state.watches.get(&held.id);
    let mismatched = watched.is_some_and(|watch| watch.why == Going::Mismatched);
    if mismatched && scene.is_confirmed(&held.id) {
        let _asked = scene.complete_listing(subject.tenant, Reason::Removal);
    }
}

fn checks_intent(scene: &Scene<'_>, subject: Subject<'_>) -> bool {
    let intent = subject.entry.and_then(|entry| entry.intent.as_ref());
    intent.is_some_and(|intent| {
        let settled = after(intent.at, scene.inputs.policy.settle);
        let listing = scene.tenants[subject.tenant]
            .rows
            .sight()
            .listing
            .complete_since();
        listing.is_none_or(|begun| begun < settled)
    })
}
