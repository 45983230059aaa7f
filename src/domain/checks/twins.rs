//! Checks of a key that is served, against the other own rows of the same key: duplicates, and
//! rows that are not as declared.

use jiff::Timestamp;

use crate::domain::ensure::decide::{Claims, Gate};
use crate::domain::judge::Fit;
use crate::domain::key::{Settled, Subject};
use crate::domain::plan::{Change, Reason, Step};
use crate::domain::policy::Mode;
use crate::domain::reconcile::Scene;
use crate::domain::rows::Own;
use crate::domain::schedule::after;
use crate::domain::state::{Going, Held, HeldOrigin};
use crate::domain::subscription::{Desired, Observed};

use super::held::{creation, deletion, needs_renewal, renewal, renewal_waits};
use super::missing::gate_of;

/// The own rows of one key, by how well they fit; ids ascending.
pub(in crate::domain) struct Twins<'a> {
    pub(in crate::domain) good: Vec<&'a Observed>,
    pub(in crate::domain) unproven: Vec<&'a Observed>,
    pub(in crate::domain) mismatched: Vec<&'a Observed>,
    /// To be read by id first.
    pub(in crate::domain) unseen: Vec<&'a Observed>,
    /// Rows about which nothing can be decided, and why.
    pub(in crate::domain) dark: Vec<(&'a Observed, Fit)>,
}

impl<'a> Twins<'a> {
    pub(in crate::domain) fn of(
        scene: &Scene<'a>,
        subject: Subject<'a>,
        desired: &Desired,
    ) -> Self {
        let mut twins = Self {
            good: Vec::new(),
            unproven: Vec::new(),
            mismatched: Vec::new(),
            unseen: Vec::new(),
            dark: Vec::new(),
        };
        let mut rows: Vec<&Observed> = strays_of(subject).map(|own| own.row).collect();
        rows.extend(subject.row.filter(|row| scene.table.is_ours(row)));
        rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        for row in rows {
            match fit_of(scene, subject, desired, row) {
                Fit::Good => twins.good.push(row),
                Fit::Unproven => twins.unproven.push(row),
                Fit::Mismatched(_) => twins.mismatched.push(row),
                Fit::Unseen => twins.unseen.push(row),
                fit => twins.dark.push((row, fit)),
            }
        }
        twins
    }

    /// The same, for the decisions of the ensure engine.
    pub(in crate::domain) fn claims(&self) -> Claims<&'a Observed> {
        Claims {
            unseen: self.unseen.first().copied(),
            good: self.good.first().copied(),
            unproven: self.unproven.first().copied(),
            dark: self.dark.first().map(|(row, _)| *row),
            unfit: self.mismatched.first().copied(),
        }
    }

    /// The row that should serve the key: the bytewise smallest of the good ones, so that every
    /// worker, seeing any listing, agrees.
    fn survivor(&self, held: &Held) -> Option<&'a Observed> {
        let fits = |rows: &[&Observed]| rows.iter().any(|row| row.id == held.id);
        if let Some(smallest) = self.good.first() {
            // What cannot be seen may still be better than what can.
            let known = fits(&self.good) || fits(&self.mismatched) || fits(&self.unproven);
            return known.then_some(*smallest);
        }
        // Among rows that nothing proves, the one that we know is as good as any.
        let known = fits(&self.mismatched);
        self.unproven.first().copied().filter(|_| known)
    }
}

fn strays_of<'a>(subject: Subject<'a>) -> impl Iterator<Item = &'a Own<'a>> {
    subject.tenant.strays.of(&subject.tag).iter()
}

fn fit_of(scene: &Scene<'_>, subject: Subject<'_>, desired: &Desired, row: &Observed) -> Fit {
    let answer = subject.tenant.answer(&row.id);
    let held = subject.held().filter(|held| held.id == row.id);
    scene
        .table
        .judge()
        .fit(answer, row, &subject.tag, desired, held)
}

/// The steady way: nothing else of the key is seen, and what is seen is good.
pub(in crate::domain) fn stands_alone<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    let proven = matches!(held.origin, HeldOrigin::Created | HeldOrigin::Adopted);
    let busy = subject.entry.is_none_or(|entry| entry.intent.is_some());
    if busy || !proven || strays_of(subject).next().is_some() {
        return Settled::No;
    }
    let good = |row: &Observed| {
        scene.table.is_ours(row) && fit_of(scene, subject, desired, row) == Fit::Good
    };
    if !subject.row.is_some_and(good) {
        return Settled::No;
    }
    needs_renewal(scene, subject)
}

/// Several own rows that fit: one stays and is renewed before the others go.
pub(in crate::domain) fn has_duplicates<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    let twins = Twins::of(scene, subject, desired);
    if !twins.unseen.is_empty() {
        for row in &twins.unseen {
            scene.want_row(subject.tenant.name, &row.id, Reason::UnseenClientState);
        }
        return needs_renewal(scene, subject);
    }
    for (row, fit) in twins.dark.iter().filter(|(row, _)| row.id != held.id) {
        say_dark(scene, subject, row, fit);
    }
    let Some(survivor) = twins.survivor(held) else {
        return Settled::No;
    };
    let good = twins.good.iter().any(|row| row.id == survivor.id);
    let proven = matches!(held.origin, HeldOrigin::Created | HeldOrigin::Adopted);
    if survivor.id != held.id || (good && !proven) {
        let origin = if good {
            HeldOrigin::Adopted
        } else {
            HeldOrigin::Unproven
        };
        scene.adopt(subject, desired, survivor, origin);
        return Settled::Yes;
    }
    if twins.good.len() + twins.unproven.len() < 2 {
        return Settled::No;
    }
    collapse(scene, subject, held, &twins)
}

fn collapse<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
    held: &Held,
    twins: &Twins<'a>,
) -> Settled {
    if !twins.unproven.is_empty() {
        let words = "duplicates wait until it is proven";
        scene.hold(subject, Reason::Unproven, None, words);
        return Settled::No;
    }
    if scene
        .complete_listing(subject.tenant, Reason::Removal)
        .is_none()
    {
        return Settled::No;
    }
    if scene.mode() < Mode::Full {
        scene.hold(subject, Reason::ModeForbids, None, "it has duplicates");
        return Settled::No;
    }
    let surplus: Vec<_> = twins
        .good
        .iter()
        .filter(|row| row.id != held.id && scene.is_removable(&row.id))
        .map(|row| deletion(subject, &row.id, Reason::Surplus))
        .collect();
    if surplus.is_empty() {
        return Settled::No;
    }
    if renewal_waits(scene, subject) {
        return Settled::Yes;
    }
    scene
        .spared
        .extend(surplus.iter().map(|delete| delete.id.clone()));
    let survivor = renewal(scene, subject, held, Reason::Survivor);
    scene.steps.push(Step::Collapse { survivor, surplus });
    Settled::Yes
}

/// A replacement whose create had no answer: a complete listing that began after the settle time
/// and shows nothing of it settles the matter.
pub(in crate::domain) fn open_create_left_nothing<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let open = subject.entry.is_some_and(|entry| entry.intent.is_some());
    if !open || scene.mode() < Mode::CreateOnly {
        return Settled::No;
    }
    match gate_of(scene, subject) {
        Gate::Settling | Gate::LookAgain => Settled::No,
        Gate::LookFirst => {
            let _asked = scene.complete_listing(subject.tenant, Reason::OpenIntent);
            Settled::No
        }
        // A row that could not be read may be the very one.
        Gate::Open if is_anything_dark(scene, subject) => Settled::No,
        Gate::Open => {
            scene.changes.push(Change::Unintend { tag: subject.tag });
            Settled::Yes
        }
    }
}

/// It serves, but not as declared: it is watched, and once that is confirmed a replacement is
/// created beside it. Until then it is renewed like any other.
pub(in crate::domain) fn is_mismatched<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    if scene.is_braked() {
        return Settled::No;
    }
    let Some(row) = subject.row else {
        wants_to_be_seen(scene, subject, held);
        return Settled::No;
    };
    let Fit::Mismatched(words) = fit_of(scene, subject, desired, row) else {
        return Settled::No;
    };
    scene.watch(subject.tenant.name, &held.id, Going::Mismatched);
    if let Some((why, until)) = keeps_it(scene, subject, held) {
        scene.hold(subject, why, until, words);
    } else if scene
        .complete_listing(subject.tenant, Reason::Removal)
        .is_some()
    {
        scene.removals.mismatched += 1;
        scene.spared.insert(held.id.clone());
        let create = creation(scene, subject, desired, Reason::Replacement);
        scene.steps.push(Step::Create(create));
    }
    needs_renewal(scene, subject)
}

/// Whether another own row of the key is there about which nothing can be decided: nothing is
/// created beside it.
fn is_anything_dark(scene: &Scene<'_>, subject: Subject<'_>) -> bool {
    let held = subject.held().map(|held| &held.id);
    subject.desired.is_some_and(|desired| {
        let twins = Twins::of(scene, subject, desired);
        twins.dark.iter().any(|(row, _)| Some(&row.id) != held)
    })
}

/// Why no replacement is created now, and until when, if so.
fn keeps_it(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
    held: &Held,
) -> Option<(Reason, Option<Timestamp>)> {
    let now = scene.inputs.now;
    let entry = subject.entry?;
    let confirmed_at = scene.confirmed_at(&held.id);
    if scene.mode() < Mode::CreateOnly {
        return Some((Reason::ModeForbids, None));
    }
    if is_anything_dark(scene, subject) {
        return Some((Reason::NoAnswer, None));
    }
    if confirmed_at > now {
        return Some((Reason::NotYetConfirmed, Some(confirmed_at)));
    }
    if let Some(intent) = &entry.intent {
        let settled_at = after(intent.at, scene.inputs.policy.settle);
        return Some((Reason::Settling, Some(settled_at)));
    }
    let blocked = entry.blocked.as_ref().filter(|blocked| blocked.until > now);
    if let Some(blocked) = blocked {
        return Some((blocked.cause.into(), Some(blocked.until)));
    }
    let retry = entry.retry.as_ref().filter(|retry| retry.not_before > now);
    if let Some(retry) = retry {
        return Some((Reason::Backoff, Some(retry.not_before)));
    }
    if !scene.may_act_on_mismatch() {
        scene.spared.insert(held.id.clone());
        return Some((Reason::RemovalCap, None));
    }
    None
}

/// The replacement stands since an earlier pass: a PATCH confirms it, then the mismatched row goes.
pub(in crate::domain) fn has_a_mismatched_twin<'a>(
    scene: &mut Scene<'a>,
    subject: Subject<'a>,
) -> Settled {
    let (Some(held), Some(desired)) = (subject.held(), subject.desired) else {
        return Settled::No;
    };
    let twins = Twins::of(scene, subject, desired);
    let good = twins.good.iter().any(|row| row.id == held.id);
    if twins.mismatched.is_empty() || !good || scene.is_braked() {
        return Settled::No;
    }
    let fresh = held.obtained_at >= scene.inputs.progress.started_at;
    let allowed =
        scene.mode() == Mode::Full && !fresh && subject.tenant.listing().complete_since().is_some();
    let mut surplus = Vec::new();
    for row in twins.mismatched {
        scene.watch(subject.tenant.name, &row.id, Going::Mismatched);
        if !scene.is_confirmed(&row.id) || !scene.is_removable(&row.id) {
            continue;
        }
        if fresh || !scene.may_act_on_mismatch() {
            scene.spared.insert(row.id.clone());
        } else if allowed {
            scene.removals.mismatched += 1;
            surplus.push(deletion(subject, &row.id, Reason::Replaced));
        }
    }
    if surplus.is_empty() || renewal_waits(scene, subject) {
        return Settled::No;
    }
    scene
        .spared
        .extend(surplus.iter().map(|delete| delete.id.clone()));
    let survivor = renewal(scene, subject, held, Reason::ConfirmReplacement);
    scene.steps.push(Step::Collapse { survivor, surplus });
    Settled::Yes
}

/// A confirmed mismatch is acted upon only when its row is seen in the same pass.
fn wants_to_be_seen(scene: &mut Scene<'_>, subject: Subject<'_>, held: &Held) {
    let watched = scene.inputs.state.watches.get(&held.id);
    let mismatched = watched.is_some_and(|watch| watch.why == Going::Mismatched);
    if mismatched && scene.is_confirmed(&held.id) && scene.is_removable(&held.id) {
        let _asked = scene.complete_listing(subject.tenant, Reason::Removal);
    }
}

/// Says why nothing is decided about a row.
pub(in crate::domain) fn say_dark(
    scene: &mut Scene<'_>,
    subject: Subject<'_>,
    row: &Observed,
    fit: &Fit,
) -> Settled {
    let (why, words) = match fit {
        Fit::UnknownKey(kid) => (
            Reason::UnknownKey,
            format!(
                "{} has our address but is signed by key {kid}, which is not in the ring",
                row.id
            ),
        ),
        _ => (Reason::NoAnswer, format!("{} could not be read", row.id)),
    };
    scene.hold(subject, why, None, words)
}

impl Scene<'_> {
    /// Makes a row the one that serves the key.
    pub(in crate::domain) fn adopt(
        &mut self,
        subject: Subject<'_>,
        desired: &Desired,
        row: &Observed,
        origin: HeldOrigin,
    ) {
        let held = subject.held().filter(|held| held.id == row.id);
        let kid = match origin {
            HeldOrigin::Created | HeldOrigin::Adopted => self.table.judge().kid(row, held),
            HeldOrigin::Unproven | HeldOrigin::Mismatched => None,
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
}
