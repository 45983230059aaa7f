//! The end: what is remembered and what is true in Graph, side by side.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::super::play::{Play, entry_of};
use super::super::story::listed;
use super::super::tables::{self, Tables};
use super::super::tally::Tally;
use super::super::wishes::{CONTESTED, FLEET, INTERRUPTED, LIMITED, Wish};
use crate::app::audit::story::tell;
use crate::domain::state::ShardState;
use crate::sim::row::Row;

pub(super) async fn act(play: &mut Play) -> anyhow::Result<serde_json::Value> {
    play.story.step("What stands at the end");
    let memory = play.stage.memory().await?;
    let live = play.stage.control().live();
    let tables = Tables {
        subscriptions: tables::subscriptions(&play.wishes, &memory),
        calls: tables::calls(&play.stage.calls_after(0)),
        decisions: play.decisions.clone(),
    };
    play.story.show(&tables.text());
    claims_of_agreement(play, &memory, &live);
    claims_of_events(play)?;
    claims_of_the_audit(play, &memory).await?;
    let url = format!("{}/api/health", play.stage.host.url());
    let status = reqwest::Client::builder()
        .no_proxy()
        .build()
        .and_then(|client| client.get(&url).build().map(|request| (client, request)));
    let (client, request) = status.context("could not ask for health")?;
    let answer = client
        .execute(request)
        .await
        .context("could not ask for health")?;
    play.story.same(
        "Its health route says that all is well",
        &200,
        &answer.status().as_u16(),
    );
    serde_json::to_value(&tables).context("could not write the tables")
}

/// The audit knows why what stands there stands there.
async fn claims_of_the_audit(play: &mut Play, memory: &ShardState) -> anyhow::Result<()> {
    let records = play.stage.records().await?;
    let now = play.stage.control().now();
    let story = tell(INTERRUPTED.name, &records, Some(memory), now);
    let story = story.context("the audit knows nothing of it")?;
    play.story.tell(format!(
        "Every decision is in the audit. `evergraph why {}` tells:",
        INTERRUPTED.name
    ));
    for sentence in &story.past {
        let at = sentence.at.strftime("%m-%d %H:%M");
        play.story.tell(format!("{at}  {}", sentence.text));
    }
    let told = story.past.iter().any(|one| one.text.starts_with("Adopted"));
    play.story
        .same("It was adopted, and the audit says so", &true, &told);
    Ok(())
}

fn claims_of_agreement(play: &mut Play, memory: &ShardState, live: &[Row]) {
    let ours = format!("/api/notifications/{FLEET}");
    let (own, strange): (Vec<&Row>, Vec<&Row>) = live
        .iter()
        .partition(|row| row.notification_url.ends_with(&ours));
    let served: Vec<&Wish> = play
        .wishes
        .iter()
        .filter(|wish| ![CONTESTED.name, LIMITED.name].contains(&wish.name))
        .collect();
    let once = served.iter().filter(|wish| {
        let rows = own.iter().filter(|row| row.resource == wish.resource);
        rows.count() == 1
    });
    play.story.same(
        "Exactly one live subscription for each wish that could be served, and no other of ours",
        &format!("{} of {}", served.len(), served.len()),
        &format!("{} of {}", once.count(), own.len()),
    );
    let remembered: BTreeMap<String, String> = memory
        .entries
        .values()
        .filter_map(|entry| {
            let held = entry.held.as_ref()?;
            Some((
                held.id.as_str().to_owned(),
                facts(held.expires, entry.renewals),
            ))
        })
        .collect();
    let true_in_graph: BTreeMap<String, String> = own
        .iter()
        .map(|row| (row.id.clone(), facts(row.expires, u64::from(row.renewals))))
        .collect();
    play.story.same(
        "Memory and Graph agree: the same ids, ends and counts of renewals",
        &told(&true_in_graph),
        &told(&remembered),
    );
    let holders = [CONTESTED, LIMITED].map(|wish| {
        let blocked = entry_of(memory, &wish)?.blocked.as_ref()?;
        Some(blocked.holder.as_ref()?.as_str())
    });
    play.story.same(
        "Two subscriptions of a stranger stand untouched, and the report names them",
        &listed(strange.iter().map(|row| row.id.as_str())),
        &listed(holders.into_iter().flatten()),
    );
}

/// Every event of the whole story, against the simulator's own log.
fn claims_of_events(play: &mut Play) -> anyhow::Result<()> {
    let sent = play.stage.control().events(0);
    let forged = sent.iter().filter(|event| event.flaw.is_some()).count();
    let Tally {
        sent,
        missing,
        certain,
        doubled,
        strange,
    } = Tally::of(&sent, &play.stage.sink()?);
    play.story.claim(
        format!(
            "Graph sent {sent} events: none is missing in the sink, none of the {certain} that have \
             an identity is doubled, and none of {forged} forged ones is there"
        ),
        sent > 0 && certain > 0 && forged > 0 && (missing, doubled, strange) == (0, 0, 0),
        "0 missing, 0 doubled, 0 strange",
        format!("{missing} missing, {doubled} doubled, {strange} strange"),
    );
    Ok(())
}

fn facts(expires: jiff::Timestamp, renewals: u64) -> String {
    format!("until {expires}, renewed {renewals}")
}

fn told(rows: &BTreeMap<String, String>) -> String {
    listed(rows.iter().map(|(id, facts)| format!("{id} {facts}")))
}
