//! Four wishes become four subscriptions.

use jiff::SignedDuration;

use super::super::play::Play;
use super::super::story::listed;
use super::super::wishes::{FLEET, name_of};
use super::{of, operations};
use crate::devhost::{Cause, Group, HostEvent, Outcome};
use crate::sim::calls::CallRecord;
use crate::sim::request::Op;

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story.step("Four wishes become four subscriptions");
    play.story.tell(
        "subscriptions.toml declares a mailbox folder, all users, a Teams channel and a drive. The \
         host's timer fires. The handler looks before it creates; Graph asks both addresses of a \
         subscription to prove themselves before it says yes.",
    );
    let (before, mark) = (play.stage.last_call(), play.stage.witness.mark());
    play.tick(SignedDuration::ZERO).await?;
    let calls = play.stage.calls_after(before);
    play.story.wire(&calls);
    claims_of_calls(play, &calls);
    claims_of_handshakes(play, &calls, mark);
    let live = play.stage.control().live();
    let seen = listed(live.iter().filter_map(|row| name_of(&row.resource)));
    let expected = listed(play.wishes.iter().map(|wish| wish.name));
    play.story.same(
        "Graph has one live subscription for each wish",
        &expected,
        &seen,
    );
    idle(play).await
}

fn claims_of_calls(play: &mut Play, calls: &[CallRecord]) {
    let listed_first = calls
        .first()
        .is_some_and(|call| call.operation == Op::List && call.status == Some(200));
    play.story.claim(
        "Check before create: the list was read before the first POST was sent",
        listed_first,
        "list, create, create, create, create",
        operations(calls),
    );
    let created = of(calls, Op::Create).filter(|call| call.status == Some(201));
    let seen = format!("{} of {}", created.count(), of(calls, Op::Create).count());
    play.story.same(
        "One POST for each wish, each answered 201",
        &"4 of 4".to_owned(),
        &seen,
    );
}

fn claims_of_handshakes(play: &mut Play, calls: &[CallRecord], mark: usize) {
    let url = play.stage.host.url();
    let wanted = [
        format!("{url}/api/notifications/{FLEET}"),
        format!("{url}/api/lifecycle/{FLEET}"),
    ];
    let validated = of(calls, Op::Create).filter(|call| {
        let echoed = |url: &String| {
            let mut all = call.handshakes.iter();
            all.any(|one| one.url == *url && one.outcome == "echoed")
        };
        wanted.iter().all(echoed)
    });
    play.story.same(
        "Each POST was validated first: both addresses echoed Graph's token",
        &4,
        &validated.count(),
    );
    let proxied = play.stage.witness.since(mark, |event| match event {
        HostEvent::Invocation(one) => match (&one.cause, &one.outcome) {
            (Cause::Http { .. }, Outcome::Succeeded { status: Some(200) }) => {
                Some(one.function.clone())
            }
            _ => None,
        },
        _ => None,
    });
    let count = |name: &str| proxied.iter().filter(|one| *one == name).count();
    let pid = play.stage.pid(&Group::Http).unwrap_or_default();
    play.story.same(
        format!(
            "The handshakes went through the host's proxy to HTTP handler {pid}; the first to each \
             address was the handler's own, to see that Graph will get through"
        ),
        &"5 notifications, 5 lifecycle".to_owned(),
        &format!(
            "{} notifications, {} lifecycle",
            count("notifications"),
            count("lifecycle")
        ),
    );
}

async fn idle(play: &mut Play) -> anyhow::Result<()> {
    let before = play.stage.last_call();
    play.tick(SignedDuration::ZERO).await?;
    play.story.same(
        "The next run reads the list once, to see that all four stand, and none of them twice",
        &"list".to_owned(),
        &operations(&play.stage.calls_after(before)),
    );
    let before = play.stage.last_call();
    let run = play.stage.tick(SignedDuration::ZERO).await?;
    let said = run.invocation.logs.first().cloned().unwrap_or_default();
    play.story.tell(format!(
        "Five minutes later the timer fires once more, and the handler says: {said}."
    ));
    play.story.same(
        "A run with nothing due makes no call of Graph",
        &"no call".to_owned(),
        &operations(&play.stage.calls_after(before)),
    );
    Ok(())
}
