//! Graph itself says that a subscription ended, and that another one needs renewal.

use std::time::Duration;

use super::super::play::{Play, held_id};
use super::super::wishes::{FIRST, Wish, short_id};
use super::{creates_of, of};
use crate::devhost::{Cause, HostEvent};
use crate::sim::calls::CallRecord;
use crate::sim::request::Op;

/// How often Graph asks for the same renewal.
const STORM: usize = 5;

/// The pass that follows takes a fraction of a second.
const LIMIT: Duration = Duration::from_secs(20);

const REMOVED: Wish = FIRST[3];
const ASKED: Wish = FIRST[2];

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story
        .step("Graph says that a subscription ended, and asks for a renewal");
    let (old, asked) = (play.id_of(&REMOVED)?, play.id_of(&ASKED)?);
    play.story.tell(format!(
        "Graph removes {} ({}) and says so. It asks {STORM} times to renew {}. Lifecycle events \
         come to an address of their own; nobody waits for the timer.",
        REMOVED.name,
        short_id(&old),
        ASKED.name
    ));
    let (event, call) = (play.stage.last_event(), play.stage.last_call());
    let mark = play.stage.witness.mark();
    play.stage.control().remove(&old, true)?;
    for _ in 0..STORM {
        play.stage
            .control()
            .emit_lifecycle(&asked, "reauthorizationRequired")?;
    }
    play.delivered(event).await?;
    taken_up(play, &old).await?;
    let calls = play.stage.calls_after(call);
    play.story.wire(&calls);
    claims_of_removal(play, &calls, &old, mark).await?;
    claims_of_renewal(play, &calls, &asked);
    claims_of_sink(play, &old)
}

/// Waits until the marks that the events left are gone, and what they asked for is remembered.
async fn taken_up(play: &Play, old: &str) -> anyhow::Result<()> {
    let over = async {
        loop {
            let id = held_id(&play.stage.memory().await?, &REMOVED);
            if play.stage.wake_marks().await? == 0 && id != old && !id.is_empty() {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(LIMIT, over).await {
        Ok(done) => done,
        Err(_) => anyhow::bail!("nothing followed from the lifecycle events"),
    }
}

async fn claims_of_removal(
    play: &mut Play,
    calls: &[CallRecord],
    old: &str,
    mark: usize,
) -> anyhow::Result<()> {
    let timers = play.stage.witness.since(mark, |event| match event {
        HostEvent::Invocation(one) => matches!(one.cause, Cause::Timer { .. }).then_some(()),
        _ => None,
    });
    let new = held_id(&play.stage.memory().await?, &REMOVED);
    let looked =
        of(calls, Op::Get).any(|call| call.id.as_deref() == Some(old) && call.status == Some(404));
    let posts = creates_of(calls, REMOVED.resource).len();
    let live = play.live(&REMOVED).len();
    play.story.same(
        format!(
            "{} was found gone and created again at once: {}",
            REMOVED.name,
            short_id(&new)
        ),
        &"404 seen true, 1 POST, 1 live, 0 runs of the timer".to_owned(),
        &format!(
            "404 seen {looked}, {posts} POST, {live} live, {} runs of the timer",
            timers.len()
        ),
    );
    Ok(())
}

fn claims_of_renewal(play: &mut Play, calls: &[CallRecord], asked: &str) {
    let patches = of(calls, Op::Renew).filter(|call| call.id.as_deref() == Some(asked));
    play.story.same(
        format!("{STORM} requests to renew {} led to one PATCH", ASKED.name),
        &1,
        &patches.count(),
    );
}

fn claims_of_sink(play: &mut Play, old: &str) -> anyhow::Result<()> {
    let got = play.stage.sink()?;
    let of_kind = |kind: &'static str| got.iter().filter(move |one| one.event["type"] == kind);
    let removed: Vec<_> = of_kind("evergraph.lifecycle.subscriptionRemoved").collect();
    let told = removed
        .iter()
        .any(|one| one.event["resync"] == "required" && one.event["data"]["subscriptionId"] == old);
    play.story.same(
        "The consumer hears of all of it, and that files must be read anew",
        &format!("{STORM} requests, 1 removal, resync true"),
        &format!(
            "{} requests, {} removal, resync {told}",
            of_kind("evergraph.lifecycle.reauthorizationRequired").count(),
            removed.len()
        ),
    );
    Ok(())
}
