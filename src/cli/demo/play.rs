//! The story under way: the stage, what is declared by now, and what was decided so far.

use anyhow::Context as _;
use jiff::SignedDuration;
use url::Url;

use super::decisions::Decided;
use super::stage::{Run, Stage};
use super::story::{Post, Story, listed};
use super::wishes::{FIRST, Wish, name_of};
use crate::domain::state::{Entry, ShardState};
use crate::sim::deliveries::Delivery;
use crate::sim::row::Row;

pub(super) struct Play {
    pub(super) stage: Stage,
    pub(super) story: Story,
    pub(super) wishes: Vec<Wish>,
    pub(super) decisions: Vec<Decided>,
}

impl Play {
    pub(super) fn new(stage: Stage, story: Story) -> Self {
        Self {
            stage,
            story,
            wishes: FIRST.to_vec(),
            decisions: Vec::new(),
        }
    }

    /// Declares one more.
    pub(super) fn wish(&mut self, wish: Wish) -> anyhow::Result<()> {
        self.wishes.push(wish);
        self.stage.declare(&self.wishes)
    }

    /// Ticks until a pass is complete, and keeps its decisions.
    pub(super) async fn tick(&mut self, by: SignedDuration) -> anyhow::Result<Vec<Run>> {
        let runs = self.stage.tick_until_done(by).await?;
        self.keep(&runs);
        Ok(runs)
    }

    pub(super) fn keep(&mut self, runs: &[Run]) {
        let decisions = runs.iter().flat_map(|run| &run.decisions);
        self.decisions.extend(decisions.cloned());
    }

    /// The id of the one live subscription of a wish, in Graph.
    pub(super) fn id_of(&self, wish: &Wish) -> anyhow::Result<String> {
        let row = self.live(wish).into_iter().next();
        row.map(|row| row.id)
            .with_context(|| format!("{} has no live subscription", wish.name))
    }

    /// Waits until Graph is done with everything after that event, and shows what it posted.
    /// Returns the POSTs.
    pub(super) async fn delivered(&mut self, after: u64) -> anyhow::Result<Vec<Delivery>> {
        let deliveries = self.stage.deliveries_after(after).await?;
        let rows = self.stage.control().subscriptions();
        let name = |id: &String| {
            let row = rows.iter().find(|row| row.id == *id);
            row.and_then(|row| name_of(&row.resource)).unwrap_or("?")
        };
        let post = |one: &Delivery| Post {
            at: one
                .attempts
                .last()
                .map_or_else(String::new, |one| one.due.clone()),
            to: Url::parse(&one.url).map_or_else(|_| one.url.clone(), |url| url.path().to_owned()),
            subject: listed(one.subscriptions.iter().map(name)),
            items: one.events.len(),
            answer: answer_of(one),
        };
        self.story.posts(deliveries.iter().map(post).collect());
        Ok(deliveries)
    }

    /// The live subscriptions of a wish, in Graph.
    pub(super) fn live(&self, wish: &Wish) -> Vec<Row> {
        let mut rows = self.stage.control().live();
        rows.retain(|row| row.resource == wish.resource);
        rows
    }
}

/// The last answer to a POST.
pub(super) fn answer_of(one: &Delivery) -> String {
    let status = one.attempts.last().and_then(|attempt| attempt.status);
    status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
}

/// What is remembered of a wish.
pub(super) fn entry_of<'m>(memory: &'m ShardState, wish: &Wish) -> Option<&'m Entry> {
    let named = |entry: &&Entry| {
        let name = entry.name.as_ref();
        name.is_some_and(|name| name.as_str() == wish.name)
    };
    memory.entries.values().find(named)
}

/// The id that is remembered for a wish; empty where there is none.
pub(super) fn held_id(memory: &ShardState, wish: &Wish) -> String {
    let held = entry_of(memory, wish).and_then(|entry| entry.held.as_ref());
    held.map_or_else(String::new, |held| held.id.as_str().to_owned())
}
