//! The handler is killed in the middle of a create, and comes back.

use std::time::Duration;

use jiff::SignedDuration;

use super::super::decisions::Ending;
use super::super::play::{Play, entry_of, held_id};
use super::super::wishes::{INTERRUPTED, short_id};
use super::{creates_of, operations};
use crate::devhost::{Exit, Group, HostEvent};
use crate::domain::state::HeldOrigin;
use crate::sim::calls::CallRecord;
use crate::sim::faults::{Effect, Rule};
use crate::sim::request::Op;

/// Longer than the story: the reply of the interrupted create is never sent.
const NEVER_MS: u64 = 120_000;

/// A handler starts in well under a second.
const RESTART_LIMIT: Duration = Duration::from_secs(15);

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story
        .step("The handler is killed in the middle of a create");
    play.story.tell(format!(
        "A fifth wish, {}. Graph creates the subscription and keeps the reply to itself; in that \
         moment the handler gets SIGKILL.",
        INTERRUPTED.name
    ));
    let before = play.stage.last_call();
    let created = interrupted_create(play, before).await?;
    let id = created.id.clone().unwrap_or_default();
    let looked_from = play.stage.last_call();
    let runs = play.tick(SignedDuration::ZERO).await?;
    play.story.wire(&play.stage.calls_after(before));
    let busy = runs.iter().filter(|run| run.ending == Ending::Busy).count();
    play.story.tell(format!(
        "The timer goes on. {busy} runs found the dead handler's lease, which lapses by itself \
         after a second; then the new handler took it."
    ));
    let after = play.stage.calls_after(looked_from);
    play.story.claim(
        "It looked before it acted again: the list, then the subscription by its id",
        after.first().is_some_and(|call| call.operation == Op::List)
            && after
                .iter()
                .any(|call| call.operation == Op::Get && call.id.as_deref() == Some(&id)),
        format!("list, then get {}", short_id(&id)),
        operations(&after),
    );
    claims_of_adoption(play, before, &id).await
}

/// Declares the wish, waits for the effect of its create, and kills who sent it.
async fn interrupted_create(play: &mut Play, before: u64) -> anyhow::Result<CallRecord> {
    let rule = Rule {
        resource: Some(INTERRUPTED.resource.to_owned()),
        ..Rule::next(Op::Create, Effect::HoldReply { ms: NEVER_MS })
    };
    play.stage.control().arm(rule)?;
    play.wish(INTERRUPTED)?;
    let run = play.stage.jump(SignedDuration::ZERO).await?;
    let fits = |call: &CallRecord| {
        call.resource.as_deref() == Some(INTERRUPTED.resource) && call.id.is_some()
    };
    let created = play
        .stage
        .wait_for_call(before, "the fifth create", fits)
        .await?;
    let group = Group::Function("renew".to_owned());
    let mark = play.stage.witness.mark();
    play.stage.host.kill_handler(&group).await?;
    let memory = play.stage.memory().await?;
    let entry = entry_of(&memory, &INTERRUPTED);
    let intent = entry.is_some_and(|entry| entry.intent.is_some());
    let live = play.live(&INTERRUPTED).len();
    play.story.same(
        "Graph had the subscription; the handler's memory had the intent and no id",
        &"1 live, intent true, id \"\"".to_owned(),
        &format!(
            "{live} live, intent {intent}, id {:?}",
            held_id(&memory, &INTERRUPTED)
        ),
    );
    restarted(play, mark, &group).await?;
    // The run that died with its handler.
    play.stage.run_after(run).await?;
    Ok(created)
}

async fn restarted(play: &mut Play, mark: usize, group: &Group) -> anyhow::Result<()> {
    let witness = &play.stage.witness;
    let exited = |event: &HostEvent| match event {
        HostEvent::HandlerExited {
            group: one,
            pid,
            exit,
            ..
        } if one == group => Some((*pid, *exit)),
        _ => None,
    };
    let ready = |event: &HostEvent| match event {
        HostEvent::HandlerReady {
            group: one,
            pid,
            waited,
        } if one == group => Some((*pid, *waited)),
        _ => None,
    };
    let what = "the end of the killed handler";
    let (old, exit) = witness.wait(mark, RESTART_LIMIT, what, exited).await?;
    let what = "another handler";
    let (new, waited) = witness.wait(mark, RESTART_LIMIT, what, ready).await?;
    play.story.tell(format!(
        "Handler {old} {exit}; the host started handler {new}, ready after {} ms.",
        waited.as_millis()
    ));
    play.story.claim(
        "It was killed by signal 9, and another process took its place",
        exit == Exit::Signal(9) && new != old,
        format!("signal 9, and another pid than {old}"),
        format!("{exit}, and pid {new}"),
    );
    Ok(())
}

async fn claims_of_adoption(play: &mut Play, before: u64, id: &str) -> anyhow::Result<()> {
    let memory = play.stage.memory().await?;
    let entry = entry_of(&memory, &INTERRUPTED);
    let held = entry.and_then(|entry| entry.held.as_ref());
    let adopted = held.is_some_and(|held| held.origin == HeldOrigin::Adopted);
    play.story.claim(
        format!(
            "The very subscription was found and adopted: {}",
            short_id(id)
        ),
        adopted && held_id(&memory, &INTERRUPTED) == id,
        format!("adopted, {id}"),
        format!("adopted {adopted}, {}", held_id(&memory, &INTERRUPTED)),
    );
    let calls = play.stage.calls_after(before);
    let (posts, live) = (
        creates_of(&calls, INTERRUPTED.resource).len(),
        play.live(&INTERRUPTED).len(),
    );
    play.story.same(
        "It was not doubled: one POST in all, one live subscription",
        &"1 POST, 1 live".to_owned(),
        &format!("{posts} POST, {live} live"),
    );
    Ok(())
}
