//! What stands now, and what waits: from what is remembered.

use jiff::Timestamp;

use super::phrases::{length, moment};
use super::select::Cast;
use crate::domain::plan::Reason;
use crate::domain::state::{Entry, Held, HeldOrigin, ShardState};

pub(super) fn present(cast: &Cast, state: Option<&ShardState>, now: Timestamp) -> Vec<String> {
    let Some(state) = state else {
        return vec![
            "What stands now is not known: the state was not read (set EVERGRAPH_STATE)."
                .to_owned(),
        ];
    };
    let entries = state.entries.iter();
    let own = entries.filter(|(tag, _)| cast.keys.contains(&tag.to_string()));
    let mut told = Vec::new();
    for (_, entry) in own {
        told.extend(of_entry(entry, now));
    }
    if told.is_empty() {
        told.push(
            "Nothing of it is remembered: it is not declared, and nothing serves it.".to_owned(),
        );
    }
    for (id, watch) in &state.watches {
        if cast.ids.contains(id.as_str()) {
            let why = watch.why.as_str();
            let since = moment(watch.since);
            told.push(format!(
                "{id} is to be removed ({why} since {since}), once that is confirmed."
            ));
        }
    }
    let tenants = state.tenants.iter();
    for (tenant, known) in tenants {
        let concerned = cast.what.iter().any(|what| what.contains(tenant.as_str()));
        if let Some(until) = known.quiet_until.filter(|until| concerned && *until > now) {
            let until = moment(until);
            told.push(format!(
                "Graph asked for silence in tenant {tenant} until {until}."
            ));
        }
    }
    told
}

fn of_entry(entry: &Entry, now: Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    match &entry.held {
        Some(held) => told.push(served(entry, held, now)),
        None => told.push("Nothing serves it.".to_owned()),
    }
    if let Some(intent) = &entry.intent {
        told.push(format!(
            "A create was written down at {}; its outcome is not known yet.",
            moment(intent.at)
        ));
    }
    if let Some(blocked) = &entry.blocked {
        let holder = blocked.holder.as_ref();
        let holder = holder.map(|id| format!(" ({id})"));
        told.push(format!(
            "It is blocked since {}: {}{}; the next attempt is at {}.",
            moment(blocked.since),
            super::phrases::since(Reason::from(blocked.cause).as_str()),
            holder.unwrap_or_default(),
            moment(blocked.until)
        ));
    }
    if let Some(retry) = &entry.retry {
        told.push(format!(
            "It failed {} times in a row; the next attempt is not before {}.",
            retry.failures,
            moment(retry.not_before)
        ));
    }
    if let Some(obstacle) = &entry.obstacle {
        told.push(format!(
            "What stands in its way is to be looked at ({}: {}).",
            obstacle.cause,
            obstacle.cause.meaning()
        ));
    }
    told
}

fn served(entry: &Entry, held: &Held, now: Timestamp) -> String {
    let how = match held.origin {
        HeldOrigin::Created => "created",
        HeldOrigin::Adopted => "adopted",
        HeldOrigin::Unproven => "adopted, not proven yet,",
        HeldOrigin::Mismatched => "not as declared, and serving until it is replaced,",
    };
    let left = held.expires.duration_since(now);
    let ends = match left.is_positive() {
        true => format!("until {} (in {})", moment(held.expires), length(left)),
        false => format!("but it ended at {}", moment(held.expires)),
    };
    let renewal = match held.due > now {
        true => format!("the next renewal is due at {}", moment(held.due)),
        false => format!("a renewal is due since {}", moment(held.due)),
    };
    format!(
        "It is served by {}, {how} at {}, {ends}; {renewal}. Renewed {} times, created {} times.",
        held.id,
        moment(held.obtained_at),
        entry.renewals,
        entry.creations
    )
}
