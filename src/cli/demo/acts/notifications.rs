//! Things change, and Graph notifies.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::play::{Play, answer_of};
use super::super::stage::Stage;
use super::super::tally::{Got, Tally};
use super::super::wishes::{FIRST, Wish};
use crate::devhost::{Cause, HostEvent, Outcome};
use crate::sim::control::ChangeOrder;
use crate::sim::deliveries::Delivery;

/// Whose resource changes, and how often: two kinds that Graph gives an identity, and one that it
/// does not.
const CHANGES: [(Wish, u32); 3] = [(FIRST[0], 12), (FIRST[1], 5), (FIRST[3], 2)];

pub(super) async fn act(play: &mut Play) -> anyhow::Result<()> {
    play.story.step("Things change, and Graph notifies");
    play.story.tell(
        "Twelve messages come in, five people change, and two files. Graph does not promise to say \
         a thing only once: here it posts everything twice.",
    );
    let (after, mark) = (play.stage.last_event(), play.stage.witness.mark());
    send_twice(play, true)?;
    for (wish, count) in CHANGES {
        announce(play, &wish, count)?;
    }
    let posts = play.delivered(after).await?;
    send_twice(play, false)?;
    claims_of_answers(play, &posts, mark);
    let got = play.stage.sink()?;
    let tally = Tally::of(&play.stage.control().events(after), &got);
    claims_of_count(play, &tally, &got);
    example(play, &got);
    Ok(())
}

/// Says in Graph's name that something changed, so many times.
pub(super) fn announce(play: &Play, wish: &Wish, count: u32) -> anyhow::Result<()> {
    let change_type = wish.change_types.first().copied().unwrap_or_default();
    let order = ChangeOrder {
        resource: None,
        subscription: Some(play.id_of(wish)?),
        change_type: change_type.to_owned(),
        tenant: None,
        count,
    };
    play.stage.control().emit_change(&order)?;
    Ok(())
}

fn send_twice(play: &Play, twice: bool) -> anyhow::Result<()> {
    let control = play.stage.control();
    control.patch_settings(json!({"delivery": {"duplicate": twice}}))?;
    Ok(())
}

fn claims_of_answers(play: &mut Play, posts: &[Delivery], mark: usize) {
    let accepted = posts.iter().filter(|one| answer_of(one) == "202").count();
    play.story.same(
        "Each POST went through the host's proxy, and was answered 202 after the durable write",
        &"6 of 6 by Graph, 6 by the host".to_owned(),
        &format!(
            "{accepted} of {} by Graph, {} by the host",
            posts.len(),
            taken_in(&play.stage, mark)
        ),
    );
}

/// POSTs that the host handed to the handler and that were taken in.
pub(super) fn taken_in(stage: &Stage, mark: usize) -> usize {
    let taken = stage.witness.since(mark, |event| match event {
        HostEvent::Invocation(one) => match (&one.cause, &one.outcome) {
            (Cause::Http { .. }, Outcome::Succeeded { status: Some(202) }) => Some(()),
            _ => None,
        },
        _ => None,
    });
    taken.len()
}

fn claims_of_count(play: &mut Play, tally: &Tally, got: &[Got]) {
    play.story.same(
        "None is missing: what Graph sent lies in the sink",
        &"19 sent, 0 missing, 0 that nobody sent".to_owned(),
        &format!(
            "{} sent, {} missing, {} that nobody sent",
            tally.sent, tally.missing, tally.strange
        ),
    );
    play.story.same(
        "None is doubled where its identity is certain: messages by their etag, people by their \
         sequence number",
        &"17 certain, 0 doubled".to_owned(),
        &format!("{} certain, {} doubled", tally.certain, tally.doubled),
    );
    let files: Vec<&Got> = got.iter().filter(|one| one.name == FIRST[3].name).collect();
    let ids: BTreeSet<&str> = files
        .iter()
        .filter_map(|one| one.event["id"].as_str())
        .collect();
    let is_certain = files.iter().any(|one| one.certain);
    play.story.same(
        "A file's item says only that something changed: all pass, each with an id of its own",
        &"4 events, 4 ids, certain false".to_owned(),
        &format!(
            "{} events, {} ids, certain {is_certain}",
            files.len(),
            ids.len()
        ),
    );
    let secrets = got.iter().filter(|one| {
        let text = one.event.to_string();
        text.contains("clientState")
    });
    play.story.same(
        "clientState, by which each was proven, was taken out",
        &0,
        &secrets.count(),
    );
}

fn example(play: &mut Play, got: &[Got]) {
    let Some(one) = got.iter().find(|one| one.name == FIRST[0].name) else {
        return;
    };
    let word = |name: &str| one.event[name].as_str().unwrap_or_default();
    play.story.tell(format!(
        "One of them, as a consumer reads it: type {}, subscription {}, id {}.",
        word("type"),
        word("subscription"),
        word("id")
    ));
}
