//! Hours pass, and what is due is renewed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::play::{Play, entry_of};
use super::super::story::listed;
use super::super::wishes::Wish;
use super::of;
use crate::domain::state::ShardState;
use crate::sim::calls::CallRecord;
use crate::sim::request::Op;

/// Beyond the renewal time of what lives for eight or nine hours (70 % of it, less a jitter),
/// before its end, and before the next audit.
const HOURS_LATER: SignedDuration = SignedDuration::from_mins(6 * 60 + 30);

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story.step("Hours pass, and what is due is renewed");
    let earlier = play.stage.memory().await?;
    let before = play.stage.last_call();
    let from = play.stage.control().now();
    play.tick(HOURS_LATER).await?;
    let now = play.stage.control().now();
    play.story.tell(format!(
        "The virtual clock jumps from {} to {}, and the host's own timer fires.",
        from.strftime("%H:%M"),
        now.strftime("%H:%M")
    ));
    let calls = play.stage.calls_after(before);
    play.story.wire(&calls);
    let due = due(play, &earlier, now);
    claims_of_calls(play, &due, &calls);
    claims_of_ends(play, &due, &earlier).await
}

/// Wishes whose stored renewal time has come, with the end that was known then.
fn due(play: &Play, memory: &ShardState, now: Timestamp) -> Vec<Wish> {
    let is_due = |wish: &&Wish| {
        let held = entry_of(memory, wish).and_then(|entry| entry.held.as_ref());
        held.is_some_and(|held| held.due <= now)
    };
    play.wishes.iter().filter(is_due).copied().collect()
}

fn claims_of_calls(play: &mut Play, due: &[Wish], calls: &[CallRecord]) {
    play.story.same(
        "Due by then: what lives for eight and nine hours",
        &"orders-inbox, support-channel".to_owned(),
        &listed(due.iter().map(|wish| wish.name)),
    );
    let patched = of(calls, Op::Renew)
        .filter(|call| call.status == Some(200))
        .filter_map(|call| super::super::wishes::name_of(call.resource.as_deref()?));
    play.story.same(
        "Each of these got exactly one PATCH, nothing else did",
        &listed(due.iter().map(|wish| wish.name)),
        &listed(patched),
    );
    play.story.same(
        "Renewals by id need no listing: no other call was made",
        &due.len(),
        &calls.len(),
    );
}

async fn claims_of_ends(play: &mut Play, due: &[Wish], earlier: &ShardState) -> anyhow::Result<()> {
    let memory = play.stage.memory().await?;
    let ends = |memory: &ShardState| -> BTreeMap<&'static str, Option<Timestamp>> {
        let end = |wish: &Wish| Some(entry_of(memory, wish)?.held.as_ref()?.expires);
        due.iter().map(|wish| (wish.name, end(wish))).collect()
    };
    let (old, new) = (ends(earlier), ends(&memory));
    let in_graph: BTreeMap<_, _> = due
        .iter()
        .map(|wish| (wish.name, play.live(wish).first().map(|row| row.expires)))
        .collect();
    let later = new
        .iter()
        .all(|(name, end)| old.get(name).is_some_and(|old| end > old));
    play.story.claim(
        "Their ends moved, and the memory holds what Graph returned",
        later && new == in_graph && !new.is_empty(),
        told(&in_graph),
        told(&new),
    );
    Ok(())
}

fn told(ends: &BTreeMap<&'static str, Option<Timestamp>>) -> String {
    let one = |(name, end): (&&str, &Option<Timestamp>)| match end {
        Some(end) => format!("{name} until {}", end.strftime("%m-%d %H:%M")),
        None => format!("{name} without an end"),
    };
    listed(ends.iter().map(one))
}
