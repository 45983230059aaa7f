//! The rules that hold always, looked at in front of each call of Graph.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::ledger::lock;
use super::stint::{Stint, Worker};
use super::truth::{Realm, declared, fits, is_own, tag_of};
use super::weather::SKEW_MAX;
use crate::app::state_doc::StateDoc;
use crate::domain::ids::SubscriptionId;
use crate::domain::policy::Policy;
use crate::domain::subscription::{Declaration, Desired, KeyTag};
use crate::sim::row::Row;

/// Graph's `Date` has whole seconds, and a correction below two is noise.
const NOISE: SignedDuration = SignedDuration::from_secs(3);

/// Surplus goes at most this long after the survivor's renewal.
const RENEWAL_HOLDS: Duration = Duration::from_secs(10);

/// No call before Retry-After has passed, and none by a worker that lost the lease.
pub fn before_call(worker: &Worker) {
    let now = Instant::now();
    if worker.with(|stint| stint.quiet_until.is_some_and(|until| now < until)) {
        worker.broke("rule 8: Graph was called before Retry-After had passed");
    }
}

fn check_leads(worker: &Worker, what: &str) {
    let now = Instant::now();
    let leads = lock(&worker.realm.ledger)
        .holder
        .as_ref()
        .is_some_and(|holder| holder.worker == worker.number && now < holder.renewed + holder.term);
    if !leads {
        worker.broke(format!("rule 2: {what} was sent without the lease"));
    }
}

/// Why nothing may be created or deleted now, if something says so.
async fn forbidden(worker: &Worker) -> Option<&'static str> {
    let (brake, stranger, ring, home) = worker.with(|stint| {
        let ring = std::sync::Arc::clone(&stint.ring);
        (stint.brake, stint.stranger, ring, stint.home.clone())
    });
    if stranger {
        return Some("the token is a stranger's");
    }
    if brake.is_some() {
        return brake;
    }
    let doc = remembered(&worker.realm).await?;
    let mut kids = doc
        .state
        .entries
        .values()
        .filter_map(|entry| entry.held.as_ref()?.kid.as_ref());
    if kids.any(|kid| !ring.knows(kid)) {
        return Some("a key in use is missing from the ring");
    }
    let residence = doc.state.residence.as_ref()?;
    let here = std::iter::once(&home.current)
        .chain(&home.former)
        .any(|url| url.fleet == residence.fleet && url.origin.as_str() == residence.origin);
    (!here).then_some("the state belongs to another address")
}

/// The memory as it is stored; `None` where it is absent or spoilt.
pub async fn remembered(realm: &Realm) -> Option<StateDoc> {
    let stored = realm.store.read(&realm.state_name).await.ok()??;
    StateDoc::decode(&stored.bytes).ok()
}

/// Rules 4, 5, 14 and 16 for creates.
pub async fn before_create(worker: &Worker, tag: Option<KeyTag>) {
    check_leads(worker, "a create");
    if let Some(why) = forbidden(worker).await {
        worker.broke(format!("rule 16: a create was sent although {why}"));
    }
    let Some(listed) = worker.with(|stint| stint.listed) else {
        return worker.broke("rule 5: a create was sent without a complete listing");
    };
    let Some(tag) = tag else {
        return worker.broke("a create carries no clientState of ours");
    };
    let realm = &worker.realm;
    let intends = remembered(realm).await.is_some_and(|doc| {
        let entry = doc.state.entries.get(&tag);
        entry.is_some_and(|entry| entry.intent.is_some())
    });
    if !intends {
        worker.broke("rule 4: a create was sent before its intent was durable");
    }
    let open = lock(&realm.ledger).open_creates.get(&tag).copied();
    let (memory_lost, skewed) = {
        let truth = lock(&realm.truth);
        let skewed = truth.skew.iter().any(|skew| !skew.is_zero());
        (truth.memory_lost, skewed)
    };
    if let Some(open) = open.filter(|_| !memory_lost) {
        let settled = open + realm.policy.settle;
        let noise = if skewed { NOISE * 2 } else { NOISE };
        if realm.now() + noise < settled || listed + noise < settled {
            worker.broke(format!(
                "rule 4: a create was repeated although the one of {open:.0} may still surface"
            ));
        }
        lock(&realm.ledger).count("create repeated after its settle time");
    }
}

/// Rule 1 and 14 for renewals.
pub fn before_renewal(worker: &Worker, id: &SubscriptionId) {
    check_leads(worker, "a renewal");
    if worker.with(|stint| stint.stranger) {
        worker.broke("rule 14: a renewal was sent with a stranger's token");
    }
    check_ours(worker, id, "renewed");
}

fn check_ours(worker: &Worker, id: &SubscriptionId, what: &str) -> Option<Row> {
    let row = worker.realm.row(id.as_str())?;
    // Not by the worker's own settings, which may be wrong, but by what is true.
    let home = lock(&worker.realm.truth).home.clone();
    if !is_own(&home, &row) {
        worker.broke(format!("rule 1: the foreign row {id} was to be {what}"));
    }
    Some(row)
}

/// Rules 1, 2, 3, 5, 14, 15 and 16 for deletes.
pub async fn before_delete(worker: &Worker, id: &SubscriptionId) {
    check_leads(worker, "a delete");
    check_half_term(worker);
    if let Some(why) = forbidden(worker).await {
        worker.broke(format!("rule 16: a delete was sent although {why}"));
    }
    if worker.with(|stint| stint.listed.is_none()) {
        worker.broke("rule 5: a delete was sent without a complete listing");
    }
    if worker.with(|stint| !stint.seen.contains(id.as_str())) {
        worker.broke(format!(
            "rule 1: {id} was to be deleted without being seen in this pass"
        ));
    }
    if !lock(&worker.realm.ledger).written_down.remove(id.as_str()) {
        worker.broke(format!(
            "audit: the delete of {id} was sent before it was written down"
        ));
    }
    let Some(row) = check_ours(worker, id, "deleted") else {
        return;
    };
    let wanted = tag_of(&row).and_then(|tag| worker.with(|stint| desired(stint, tag)));
    match wanted {
        None => check_undeclared(worker, &row),
        Some(wanted) => check_not_the_last(worker, &row, &wanted).await,
    }
}

fn desired(stint: &Stint, tag: KeyTag) -> Option<Desired> {
    match stint.declaration.as_ref()? {
        Declaration::Read(set) => set.by_key.get(&tag).cloned(),
        Declaration::Unusable { .. } => None,
    }
}

fn check_half_term(worker: &Worker) {
    let now = Instant::now();
    let enough = lock(&worker.realm.ledger)
        .holder
        .as_ref()
        .is_some_and(|holder| now <= holder.sent + holder.term / 2);
    if !enough {
        worker.broke("a delete began with less than half of the lease's term left");
    }
}

/// Rule 15: seen undeclared for a quarter of an hour, and not too many at once.
fn check_undeclared(worker: &Worker, row: &Row) {
    let realm = &worker.realm;
    let since = {
        let truth = lock(&realm.truth);
        tag_of(row).and_then(|tag| truth.undeclared_since.get(&tag).copied())
    };
    // A first sighting may be dated by a clock that Graph has not corrected yet: by the stored
    // correction of another worker.
    let skewed = lock(&realm.truth).skew.iter().any(|skew| !skew.is_zero());
    let noise = if skewed { SKEW_MAX * 2 } else { NOISE };
    let early = since.is_some_and(|since| realm.now() + noise < since + realm.policy.confirm_after);
    if early {
        worker.broke(format!(
            "rule 15: {} was to be deleted before its time",
            row.id
        ));
    }
    let entries = worker.with(|stint| {
        stint.undeclared_deleted += 1;
        stint.undeclared_deleted
    });
    let known = lock(&realm.truth).undeclared_since.len();
    let kept = stint_size(worker);
    if entries > Policy::removals_per_pass(known + kept) {
        worker.broke("rule 15: too many undeclared rows were deleted in one pass");
    }
    realm.count("undeclared row deleted");
}

fn stint_size(worker: &Worker) -> usize {
    worker.with(|stint| {
        stint
            .declaration
            .as_ref()
            .map_or(0, |one| declared(one).len())
    })
}

/// Rule 3: never the last one, unless it stands in the way under a durable intent; duplicates
/// only below a survivor that was renewed a moment ago.
async fn check_not_the_last(worker: &Worker, row: &Row, wanted: &Desired) {
    let realm = &worker.realm;
    let (home, ring) =
        worker.with(|stint| (stint.home.clone(), std::sync::Arc::clone(&stint.ring)));
    let tag = wanted.key.tag();
    let others: Vec<Row> = realm
        .own_rows()
        .into_iter()
        .filter(|other| other.id != row.id && tag_of(other) == Some(tag))
        .collect();
    let now = Instant::now();
    let survivor = others.iter().find(|other| {
        worker.with(|stint| {
            let patched = stint.patched.get(&other.id);
            patched.is_some_and(|at| now.duration_since(*at) <= RENEWAL_HOLDS)
        })
    });
    let Some(survivor) = survivor else {
        let instead = remembered(realm).await.is_some_and(|doc| {
            let mut entries = doc.state.entries.values();
            entries.any(|entry| {
                let intent = entry.intent.as_ref();
                let instead = intent.and_then(|intent| intent.instead_of.as_ref());
                instead.is_some_and(|id| id.as_str() == row.id)
            })
        });
        if instead {
            return realm.count("row in the way deleted first");
        }
        let which = if others.is_empty() {
            "the last row"
        } else {
            "a duplicate"
        };
        return worker.broke(format!(
            "rule 3: {which} of {} was to be deleted, and no survivor was renewed",
            wanted.name
        ));
    };
    let good = fits(&home, &ring, wanted, row);
    if good && survivor.id > row.id {
        worker.broke(format!(
            "rule 3: {} was to go, but it is the smaller id",
            row.id
        ));
    }
    realm.count(if good {
        "duplicate deleted"
    } else {
        "mismatched row replaced"
    });
}
