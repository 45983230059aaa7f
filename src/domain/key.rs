//! Decisions about one key: an ordered list of checks, each of which either settles the matter
//! for this plan or leaves it to the next one.

use super::checks;
use super::plan::{Change, Hold, Reason};
use super::reconcile::Scene;
use super::state::Entry;
use super::subscription::{Desired, KeyTag};

/// One key on the working table.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) tag: KeyTag,
    pub(super) desired: Option<&'a Desired>,
    pub(super) entry: Option<&'a Entry>,
    /// The tenant of either.
    pub(super) tenant: &'a super::ids::TenantId,
}

impl<'a> Subject<'a> {
    pub(super) fn held(&self) -> Option<&'a super::state::Held> {
        self.entry?.held.as_ref()
    }
}

/// Whether a check settled the matter for this plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nothing more is decided about the key until the next plan.
    Yes,
    /// The next check decides.
    No,
}

type Check = fn(&mut Scene<'_>, Subject<'_>) -> Settled;

/// What is asked about a key that is served, in this order.
const HELD: &[Check] = &[
    checks::held::is_gone_for_good,
    checks::held::turned_foreign,
    checks::held::doubt_needs_a_get,
    checks::held::shows_another_end,
    checks::held::is_proven_by_now,
    checks::held::is_no_longer_declared,
    checks::held::obstacle_to_its_replacement,
    checks::held::has_duplicates,
    checks::held::is_mismatched,
    checks::held::has_a_mismatched_twin,
    checks::held::needs_renewal,
];

/// What is asked about a key that is not served, in this order.
const MISSING: &[Check] = &[
    checks::missing::is_not_declared,
    checks::missing::obstacle,
    checks::missing::is_blocked,
    checks::missing::failed_lately,
    checks::missing::intent_is_settling,
    checks::missing::needs_a_complete_listing,
    checks::missing::is_there_already,
    checks::missing::own_row_must_go_first,
    checks::missing::create_it,
];

/// Decides about every key that is declared or remembered.
pub(super) fn decide_all(scene: &mut Scene<'_>) {
    let declared = scene.declared.map(|set| &set.by_key);
    let entries = &scene.inputs.state.entries;
    let mut wishes = declared.into_iter().flatten().peekable();
    let mut memories = entries.iter().peekable();
    // Both maps are ordered by tag: one walk over both meets every key once.
    loop {
        let (tag, desired, entry) = match (wishes.peek(), memories.peek()) {
            (None, None) => return,
            (Some((wish, _)), Some((memory, _))) if wish == memory => {
                let (tag, desired) = wishes.next().unzip();
                (tag, desired, memories.next().map(|(_, entry)| entry))
            }
            (Some((wish, _)), Some((memory, _))) if wish > memory => {
                let (tag, entry) = memories.next().unzip();
                (tag, None, entry)
            }
            (None, Some(_)) => {
                let (tag, entry) = memories.next().unzip();
                (tag, None, entry)
            }
            (Some(_), _) => {
                let (tag, desired) = wishes.next().unzip();
                (tag, desired, None)
            }
        };
        let tenant = desired
            .map(|desired: &Desired| &desired.key.tenant)
            .or(entry.map(|entry: &Entry| &entry.key.tenant));
        if let (Some(tag), Some(tenant)) = (tag, tenant) {
            decide(
                scene,
                Subject {
                    tag: *tag,
                    desired,
                    entry,
                    tenant,
                },
            );
        }
    }
}

fn decide(scene: &mut Scene<'_>, subject: Subject<'_>) {
    remember_declaration(scene, subject);
    if !scene.is_open(subject.tenant) {
        return;
    }
    let checks = if subject.held().is_some() {
        HELD
    } else {
        MISSING
    };
    for check in checks {
        if check(scene, subject) == Settled::Yes {
            return;
        }
    }
}

fn remember_declaration(scene: &mut Scene<'_>, subject: Subject<'_>) {
    let Some(desired) = subject.desired else {
        return;
    };
    if subject
        .entry
        .is_some_and(|entry| entry.name.as_ref() == Some(&desired.name))
    {
        return;
    }
    if scene.grade.brakes.is_empty() {
        scene.changes.push(Change::Declare {
            tag: subject.tag,
            key: desired.key.clone(),
            name: desired.name.clone(),
        });
    }
}

impl Scene<'_> {
    pub(super) fn hold(
        &mut self,
        subject: Subject<'_>,
        why: Reason,
        until: Option<jiff::Timestamp>,
        words: impl Into<String>,
    ) -> Settled {
        self.holds.push(Hold {
            tenant: subject.tenant.clone(),
            tag: Some(subject.tag),
            id: subject.held().map(|held| held.id.clone()),
            why,
            until,
            words: words.into(),
        });
        Settled::Yes
    }
}
