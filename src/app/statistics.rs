//! What each intake has counted, in a small document of its own: `stats/{instance}.json`.
//!
//! It is written once a minute while notifications come, and not at all while none do. Whoever
//! shows figures adds the documents up, and says how old they are; a pass reads from them which
//! subscriptions their notifications have proven. The name of an instance begins with the day
//! on which it began, so that documents of long ago are recognised and removed by the next
//! instance that begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::audit::trail::Trail;
use super::intake::{Figures, Intake};
use crate::domain::audit::{Kind, Record, Rule};
use crate::domain::governor::{Answers, Standing, Treatment};
use crate::domain::ids::SubscriptionId;
use crate::domain::notification::seen::SeenIds;
use crate::domain::sight::Proofs;
use crate::ports::clock::Clock;
use crate::ports::ids::UniqueIds;
use crate::ports::state::{DocName, StateStore};

const PREFIX: &str = "stats/";

/// Time between two writes.
const EVERY: Duration = Duration::from_secs(60);

/// Documents that are read, and looked through, at most.
const DOCUMENTS: usize = 500;

/// Documents that are read at once.
const AT_ONCE: usize = 16;

/// Documents of instances that began before this are removed.
const KEPT: SignedDuration = SignedDuration::from_hours(8 * 24);

/// What one instance has counted since it began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstanceFigures {
    /// When it began.
    pub began: Timestamp,
    /// When this was written.
    pub at: Timestamp,
    /// Requests that were answered.
    pub requests: u64,
    /// Events written to the sink.
    pub written: u64,
    /// Certain repeats that were suppressed.
    pub repeats: u64,
    /// Items refused, by the word of the reason.
    pub refused: BTreeMap<String, u64>,
    /// Requests answered 503, by the word of the reason.
    pub delayed: BTreeMap<String, u64>,
    /// Requests that were no notification.
    pub unreadable: u64,
    /// Items that came to the other one of our two addresses.
    pub wrong_route: u64,
    /// Wake marks left.
    pub marks: u64,
    /// When an item was last accepted.
    pub last_accepted: Option<Timestamp>,
    /// Answers within the governor's window: all, over the first, over the second threshold. On
    /// our own clock, without the share of the host and the network.
    pub answers: [u64; 3],
    /// Handshakes answered, each invocation once.
    #[serde(default)]
    pub handshakes: u64,
    /// How long answers took, by the classes of `domain::times`.
    #[serde(default)]
    pub took: Vec<u64>,
    /// What came before us, where the platform says when a request came in.
    #[serde(default)]
    pub before: BeforeFigures,
    /// Subscriptions last proven by the clientState of an item, each with the time.
    pub proven: BTreeMap<String, Timestamp>,
    /// Subscriptions last refused by it.
    pub disproven: BTreeMap<String, Timestamp>,
}

/// The time between a platform's mark and our first byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct BeforeFigures {
    /// Requests that carried a mark.
    pub requests: u64,
    /// Their time before us in all, in milliseconds.
    pub sum_ms: u64,
    /// The longest, in milliseconds.
    pub max_ms: u64,
    /// Answers within the governor's window with that time added, as in
    /// [`InstanceFigures::answers`].
    pub answers: [u64; 3],
}

impl InstanceFigures {
    /// An instance that counted nothing yet.
    pub fn empty(began: Timestamp, at: Timestamp) -> Self {
        let answers = (Answers::default(), Answers::default());
        Self::of(&Figures::default(), answers, began, at)
    }

    fn of(
        figures: &Figures,
        (answers, estimated): (Answers, Answers),
        began: Timestamp,
        at: Timestamp,
    ) -> Self {
        let times = |ids: &BTreeMap<SubscriptionId, Timestamp>| {
            let text = ids.iter().map(|(id, at)| (id.to_string(), *at));
            text.collect()
        };
        let (proven, disproven) = figures.seen.lists();
        let refused = figures.refused.iter();
        let delayed = figures.delayed.iter();
        Self {
            began,
            at,
            requests: figures.requests,
            written: figures.written,
            repeats: figures.repeats,
            refused: refused.map(|(why, n)| (why.to_string(), *n)).collect(),
            delayed: delayed.map(|(why, n)| (why.to_string(), *n)).collect(),
            unreadable: figures.unreadable,
            wrong_route: figures.wrong_route,
            marks: figures.marks,
            last_accepted: figures.last_accepted,
            answers: listed(answers),
            handshakes: figures.handshakes,
            took: figures.took.counts().to_vec(),
            before: BeforeFigures {
                requests: figures.before.requests,
                sum_ms: figures.before.sum_ms,
                max_ms: figures.before.max_ms,
                answers: listed(estimated),
            },
            proven: times(proven),
            disproven: times(disproven),
        }
    }
}

/// An endpoint that Graph is about to punish is worth a line a minute.
fn tell(standing: &Standing) {
    let word = match standing.treatment {
        Treatment::Prompt => return,
        Treatment::Slow => "late",
        Treatment::Drop => "not at all",
    };
    tracing::error!(
        intake.answers = standing.answers.all,
        intake.over_slow = standing.answers.over_slow,
        intake.over_drop = standing.answers.over_drop,
        "answers of this instance are so slow that Graph would send new notifications {word}; \
         `evergraph figures` shows the times and reasons"
    );
}

fn listed(answers: Answers) -> [u64; 3] {
    [answers.all, answers.over_slow, answers.over_drop]
}

/// The statistics of this process.
pub struct Statistics {
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn UniqueIds>,
    trail: Arc<Trail>,
    begun: tokio::sync::OnceCell<(Timestamp, DocName)>,
    planned: AtomicBool,
}

impl Statistics {
    /// Nothing is written before something was counted.
    pub fn new(
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn UniqueIds>,
        trail: Arc<Trail>,
    ) -> Self {
        Self {
            store,
            clock,
            ids,
            trail,
            begun: tokio::sync::OnceCell::new(),
            planned: AtomicBool::new(false),
        }
    }

    /// Something was counted: it is written within a minute.
    pub fn counted(self: &Arc<Self>, intake: &Arc<Intake>) {
        // Looked at before it is written: most requests find it planned.
        if self.planned.load(Ordering::Relaxed) || self.planned.swap(true, Ordering::Relaxed) {
            return;
        }
        let (this, intake) = (Arc::clone(self), Arc::clone(intake));
        tokio::spawn(async move {
            tokio::time::sleep(EVERY).await;
            this.planned.store(false, Ordering::Relaxed);
            this.write(&intake).await;
        });
    }

    /// Writes what was counted so far. A failure is only logged: the next minute tries again.
    pub async fn write(&self, intake: &Intake) {
        if let Err(why) = self.try_to_write(intake).await {
            tracing::warn!("the statistics of the intake were not written: {why}");
        }
        self.write_refusals(intake).await;
    }

    /// What was refused since the last time: one record for each reason, and so once a minute at
    /// most. What cannot be written is added to the next one.
    async fn write_refusals(&self, intake: &Intake) {
        let refusals = intake.take_refusals();
        let records = refusals.iter().map(|(refusal, tally)| Record {
            reason: refusal.as_str().to_owned(),
            outcome: "refused".to_owned(),
            count: tally.count,
            rule: Some(Rule::of_today(format!("intake/{refusal}"))),
            words: format!(
                "acknowledged and not passed on, from {} to {}",
                tally.first.strftime("%H:%M:%S"),
                tally.last.strftime("%H:%M:%S")
            ),
            ..Record::new(Kind::Refusals, tally.last, "refuse")
        });
        if let Err(error) = self.trail.write_refusals(records.collect()).await {
            tracing::warn!("what the intake refused waits to be written: {error}");
            intake.give_back(refusals);
        }
    }

    async fn try_to_write(&self, intake: &Intake) -> Result<(), String> {
        let now = self.clock.now().await.map_err(|error| error.to_string())?;
        let begun = self.begun.get_or_try_init(|| self.begin(now)).await?;
        let (began, name) = begun;
        let figures = InstanceFigures::of(&intake.figures(), intake.answers(now), *began, now);
        tell(&intake.standing(now));
        let bytes = serde_json::to_vec(&figures).map_err(|error| error.to_string())?;
        let put = self.store.put(name, bytes).await;
        put.map_err(|error| error.to_string())
    }

    async fn begin(&self, now: Timestamp) -> Result<(Timestamp, DocName), String> {
        clean(self.store.as_ref(), now).await;
        let (day, number) = (now.strftime("%Y%m%d"), self.ids.next() >> 64);
        let name = DocName::parse(&format!("{PREFIX}{day}-{number:016x}.json"));
        Ok((now, name.ok_or("the name of the document is wrong")?))
    }
}

/// Removes documents of long ago.
async fn clean(store: &dyn StateStore, now: Timestamp) {
    let oldest = now.checked_sub(KEPT).unwrap_or(now).strftime("%Y%m%d");
    let oldest = oldest.to_string();
    for name in names(store).await {
        let day = name
            .as_str()
            .strip_prefix(PREFIX)
            .and_then(|name| name.get(..8));
        let is_day = |day: &&str| Date::strptime("%Y%m%d", day).is_ok();
        if day.filter(is_day).is_some_and(|day| day < oldest.as_str())
            && let Err(error) = store.delete(&name).await
        {
            tracing::info!(state.document = %name, "old statistics stay: {error}");
        }
    }
}

async fn names(store: &dyn StateStore) -> Vec<DocName> {
    let listed = store.list(PREFIX, DOCUMENTS).await;
    listed.unwrap_or_else(|error| {
        tracing::warn!("the statistics of the intake cannot be listed: {error}");
        Vec::new()
    })
}

/// The documents of all instances. One that cannot be read is left out.
pub async fn all(store: &dyn StateStore) -> Vec<InstanceFigures> {
    let names = names(store).await;
    let mut reading = Vec::with_capacity(names.len());
    for name in &names {
        reading.push(async move {
            let stored = store.read(name).await.ok()??;
            serde_json::from_slice(&stored.bytes).ok()
        });
    }
    let read = futures::stream::iter(reading).buffered(AT_ONCE);
    let read: Vec<Option<InstanceFigures>> = read.collect().await;
    read.into_iter().flatten().collect()
}

/// What all instances together have learnt about subscription ids; the latest word counts.
pub async fn proofs(store: &dyn StateStore) -> Proofs {
    let figures = all(store).await;
    let words = |of: fn(&InstanceFigures) -> &BTreeMap<String, Timestamp>, proven| {
        let each = figures.iter().flat_map(of);
        each.map(move |(id, at)| (*at, proven, id.as_str()))
    };
    let mut words: Vec<(Timestamp, bool, &str)> = words(|one| &one.proven, true)
        .chain(words(|one| &one.disproven, false))
        .collect();
    words.sort_unstable();
    let mut seen = SeenIds::default();
    for (at, proven, id) in words {
        match proven {
            true => seen.verified(id, at),
            false => seen.refused(id, at),
        }
    }
    seen.proofs()
}
