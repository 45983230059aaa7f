//! What tells one state of the explored world from others, as a number. Only what can differ
//! within one exploration enters: a row's address and clientState, for one, never change in it.

use std::hash::{DefaultHasher, Hash, Hasher};

use evergraph::domain::sight::{ById, Listing, Sights};
use evergraph::domain::state::{Entry, Retry, ShardState};
use evergraph::domain::subscription::Observed;

use crate::model::{Busy, Node};
use crate::support::graph::Toy;

/// The number of a whole state.
pub fn of_node(node: &Node) -> u64 {
    let mut mark = DefaultHasher::new();
    graph(&node.graph, &mut mark);
    state(&node.stored, &mut mark);
    (node.lease, node.now).hash(&mut mark);
    let faults = node.faults;
    (
        faults.lapses,
        faults.losses,
        faults.crashes,
        faults.removals,
        faults.jumps,
    )
        .hash(&mut mark);
    for worker in &node.workers {
        worker.is_some().hash(&mut mark);
        if let Some(worker) = worker {
            busy(worker, node.version, &mut mark);
        }
    }
    mark.finish()
}

/// The number of what survives all workers.
pub fn of_durable(node: &Node) -> u64 {
    let mut mark = DefaultHasher::new();
    graph(&node.graph, &mut mark);
    state(&node.stored, &mut mark);
    node.now.hash(&mut mark);
    mark.finish()
}

fn busy(busy: &Busy, version: u32, mark: &mut DefaultHasher) {
    let worker = &busy.worker;
    state(&worker.state, mark);
    sights(&worker.sights, mark);
    let progress = &worker.progress;
    (
        progress.started_at,
        progress.undeclared_removed,
        progress.mismatched_acted,
    )
        .hash(mark);
    progress.failed.hash(mark);
    (worker.rounds, worker.rested, busy.version == version).hash(mark);
    busy.renewed.hash(mark);
    format!("{:?}", worker.queue).hash(mark);
}

fn graph(graph: &Toy, mark: &mut DefaultHasher) {
    graph.made.hash(mark);
    for kept in graph.rows.values() {
        row(&kept.row, mark);
        kept.lags.hash(mark);
    }
}

fn row(row: &Observed, mark: &mut DefaultHasher) {
    (&row.id, row.expires).hash(mark);
}

fn sights(sights: &Sights, mark: &mut DefaultHasher) {
    for sight in sights.values() {
        sight.app.hash(mark);
        match &sight.listing {
            Listing::NotTaken => 0.hash(mark),
            Listing::Incomplete { .. } => 1.hash(mark),
            Listing::Complete { rows, begun_at } => {
                (2, begun_at, rows.len()).hash(mark);
                rows.iter().for_each(|one| row(one, mark));
            }
        }
        sight.by_id.len().hash(mark);
        for (id, answer) in &sight.by_id {
            id.hash(mark);
            match answer {
                ById::Found(found) => row(found, mark),
                ById::Gone => 1.hash(mark),
                ById::NoAnswer => 2.hash(mark),
            }
        }
    }
}

fn state(state: &ShardState, mark: &mut DefaultHasher) {
    (&state.config_hash, state.residence.is_some()).hash(mark);
    for tenant in state.tenants.values() {
        (
            &tenant.app,
            tenant.audited_at,
            tenant.verify_at,
            tenant.quiet_until,
            tenant.throttles,
        )
            .hash(mark);
        retry(tenant.look_again.as_ref(), mark);
    }
    state.entries.len().hash(mark);
    for (tag, one) in &state.entries {
        tag.hash(mark);
        entry(one, mark);
    }
    state.watches.len().hash(mark);
    for (id, watch) in &state.watches {
        (id, watch.why as u8, watch.since).hash(mark);
        retry(watch.retry.as_ref(), mark);
    }
}

fn entry(entry: &Entry, mark: &mut DefaultHasher) {
    entry.name.hash(mark);
    if let Some(held) = &entry.held {
        (&held.id, held.expires, held.due, held.obtained_at).hash(mark);
        (held.origin as u8, &held.kid, held.patched_at, held.doubted).hash(mark);
    }
    let intent = entry.intent.as_ref();
    intent
        .map(|intent| (intent.at, &intent.instead_of))
        .hash(mark);
    let gap = entry.gap.as_ref();
    gap.map(|gap| (&gap.deleted, gap.since)).hash(mark);
    let obstacle = entry.obstacle.as_ref();
    obstacle
        .map(|obstacle| (&obstacle.holder, obstacle.at))
        .hash(mark);
    let blocked = entry.blocked.as_ref();
    blocked
        .map(|blocked| (blocked.cause as u8, &blocked.holder, blocked.until))
        .hash(mark);
    retry(entry.retry.as_ref(), mark);
    (entry.renewals, entry.creations).hash(mark);
}

fn retry(retry: Option<&Retry>, mark: &mut DefaultHasher) {
    retry
        .map(|retry| (retry.failures, retry.not_before))
        .hash(mark);
}
