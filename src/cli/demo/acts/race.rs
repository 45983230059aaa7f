//! A second handler races the first.

use jiff::SignedDuration;

use super::super::decisions::Ending;
use super::super::play::{Play, held_id};
use super::super::stage::Run;
use super::super::wishes::{RACED, Wish};
use super::{creates_of, operations};
use crate::devhost::{Group, RunningHost};
use crate::sim::faults::{Effect, Rule};
use crate::sim::request::Op;

/// Graph takes this long to answer the create, so that the two runs overlap.
const SLOW_MS: u64 = 1000;

/// Two handlers that were called at once.
struct Race {
    wish: Wish,
    first: Run,
    second: Run,
    calls_from: u64,
}

impl Race {
    /// Whether the two met: one worked while the other found the lease taken.
    fn has_met(&self) -> bool {
        let endings = [self.first.ending, self.second.ending];
        endings == [Ending::Complete, Ending::Busy] || endings == [Ending::Busy, Ending::Complete]
    }
}

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story.step("A second handler races the first");
    let second = play.stage.second_host().await?;
    let ended = told(play, &second).await;
    second.stop().await;
    ended
}

async fn told(play: &mut Play, second: &RunningHost) -> anyhow::Result<()> {
    let pids = (
        play.stage
            .pid(&Group::Function("renew".to_owned()))
            .unwrap_or_default(),
        second.pids().first().map_or(0, |(_, pid)| *pid),
    );
    play.story.tell(format!(
        "A second instance of the app runs over the same state. One more wish, {}, and both \
         handlers, {} and {}, are called at once; Graph is slow.",
        RACED[0].name, pids.0, pids.1
    ));
    let mut race = run(play, second, RACED[0]).await?;
    for wish in &RACED[1..] {
        if race.has_met() {
            break;
        }
        play.story.tell(format!(
            "The two runs did not overlap on this machine; once more, with {}.",
            wish.name
        ));
        play.tick(SignedDuration::ZERO).await?;
        race = run(play, second, *wish).await?;
    }
    claims(play, &race, pids).await
}

async fn run(play: &mut Play, second: &RunningHost, wish: Wish) -> anyhow::Result<Race> {
    let calls_from = play.stage.last_call();
    let rule = Rule {
        resource: Some(wish.resource.to_owned()),
        ..Rule::next(Op::Create, Effect::HoldReply { ms: SLOW_MS })
    };
    play.stage.control().arm(rule)?;
    play.wish(wish)?;
    let (first, second) = tokio::join!(
        play.stage.host.invoke_timer("renew"),
        second.invoke_timer("renew")
    );
    let (first, second) = (play.stage.read_run(first?), play.stage.read_run(second?));
    play.keep(&[first.clone(), second.clone()]);
    Ok(Race {
        wish,
        first,
        second,
        calls_from,
    })
}

async fn claims(play: &mut Play, race: &Race, pids: (u32, u32)) -> anyhow::Result<()> {
    let calls = play.stage.calls_after(race.calls_from);
    play.story.wire(&calls);
    let said = |run: &Run| run.invocation.logs.first().cloned().unwrap_or_default();
    let (winner, loser) = match race.first.ending {
        Ending::Busy => (pids.1, pids.0),
        _ => (pids.0, pids.1),
    };
    play.story
        .tell(format!("Handler {} said: {}.", pids.0, said(&race.first)));
    play.story
        .tell(format!("Handler {} said: {}.", pids.1, said(&race.second)));
    play.story.claim(
        format!("The lease decided: handler {winner} did the work, handler {loser} stood back"),
        race.has_met(),
        "one complete, one finds the lease taken",
        format!("{:?}, {:?}", race.first.ending, race.second.ending),
    );
    let idle = said(if winner == pids.0 {
        &race.second
    } else {
        &race.first
    });
    play.story.claim(
        "Who stood back made no call of Graph",
        idle.ends_with("; 0 calls of Graph"),
        "0 calls of Graph",
        idle,
    );
    let posts = creates_of(&calls, race.wish.resource).len();
    let live: Vec<String> = play
        .live(&race.wish)
        .into_iter()
        .map(|row| row.id)
        .collect();
    let memory = play.stage.memory().await?;
    play.story.claim(
        "Two workers, one wish: one POST, one live subscription, and it is the remembered one",
        posts == 1 && live == [held_id(&memory, &race.wish)],
        "1 POST, 1 live",
        format!("{posts} POST, {} live; {}", live.len(), operations(&calls)),
    );
    Ok(())
}
