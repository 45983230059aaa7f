//! Decisions about one key: an ordered list of checks, each of which either settles the matter
//! for this plan or leaves it to the next one.

use super::checks;
use super::plan::{Change, Hold, Reason};
use super::reconcile::Scene;
use super::state::{Entry, Held};
use super::subscription::{Desired, KeyTag, Observed};
use super::table::Tenant;

/// One key on the working table.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) tag: KeyTag,
    pub(super) desired: Option<&'a Desired>,
    pub(super) entry: Option<&'a Entry>,
    pub(super) tenant: &'a Tenant<'a>,
    /// The row that serves it, as seen in this pass.
    pub(super) row: Option<&'a Observed>,
}

impl<'a> Subject<'a> {
    pub(super) fn held(&self) -> Option<&'a Held> {
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

type Check = for<'a> fn(&mut Scene<'a>, Subject<'a>) -> Settled;

/// What is asked about a key that is served, in this order.
const HELD: &[Check] = &[
    checks::held::is_gone_for_good,
    checks::held::turned_foreign,
    checks::held::doubt_needs_a_get,
    checks::held::shows_another_end,
    checks::held::is_proven_by_now,
    checks::held::must_be_reauthorized,
    checks::held::is_no_longer_declared,
    checks::obstacle::to_a_replacement,
    checks::twins::stands_alone,
    checks::twins::has_duplicates,
    checks::twins::open_create_left_nothing,
    checks::twins::is_mismatched,
    checks::twins::has_a_mismatched_twin,
    checks::held::needs_renewal,
];

/// What is asked about a key that is not served, in this order.
const MISSING: &[Check] = &[
    checks::missing::is_not_declared,
    checks::obstacle::to_a_create,
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
    let table = scene.table;
    for seat in &table.seats {
        let subject = Subject {
            tag: seat.tag,
            desired: seat.desired,
            entry: seat.entry,
            tenant: &table.tenants[seat.tenant],
            row: seat.seen.map(|seen| seen.row),
        };
        decide(scene, subject);
    }
}

fn decide<'a>(scene: &mut Scene<'a>, subject: Subject<'a>) {
    remember_declaration(scene, subject);
    if !subject.tenant.is_open() {
        return;
    }
    let checks = match subject.held() {
        Some(_) => HELD,
        None => MISSING,
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
    let named = subject.entry.and_then(|entry| entry.name.as_ref());
    if named != Some(&desired.name) && !scene.is_braked() {
        scene.changes.push(Change::Declare {
            tag: subject.tag,
            key: desired.key.clone(),
            name: desired.name.clone(),
        });
    }
}

impl Scene<'_> {
    /// Says why nothing is done about the key now.
    pub(super) fn hold(
        &mut self,
        subject: Subject<'_>,
        why: Reason,
        until: Option<jiff::Timestamp>,
        words: impl Into<String>,
    ) -> Settled {
        self.holds.push(Hold {
            tenant: subject.tenant.name.clone(),
            tag: Some(subject.tag),
            id: subject.held().map(|held| held.id.clone()),
            why,
            until,
            words: words.into(),
        });
        Settled::Yes
    }
}
