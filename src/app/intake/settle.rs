//! Settling a request that could be read.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use jiff::Timestamp;

use super::cloud_event::{Material, Writer};
use super::content::check_tokens;
use super::repeats::Place;
use super::wire::{Parsed, Posted};
use super::{Intake, Receipt, Route};
use crate::app::marks;
use crate::domain::ids::SubscriptionId;
use crate::domain::notification::event::Event;
use crate::domain::notification::grace::Grace;
use crate::domain::notification::identity::{EventId, kind_of_type};
use crate::domain::notification::judge::{
    Against, Judge, Proof, Rules, Standing, Verdict, judge_by_tokens,
};
use crate::domain::notification::refusal::{Delay, Refusal};
use crate::domain::notification::roster::{Opening, Roster};
use crate::domain::notification::{Happening, Sealed};
use crate::domain::sight::{LifecycleEvent, WakeMark};
use crate::ports::keys::Opened;
use crate::ports::sink::{Outcome, SinkError};

/// Wake marks are left this many at once.
const MARKS_AT_ONCE: usize = 16;

/// An item that nothing speaks against so far.
struct Candidate<'p, 'a, 'r> {
    parsed: &'p Parsed<'a>,
    standing: Standing<'r>,
    id: EventId,
    opened: Option<Opened>,
}

/// What was found out about the items of a request.
#[derive(Default)]
struct Sorted<'p, 'a, 'r> {
    candidates: Vec<Candidate<'p, 'a, 'r>>,
    refused: Vec<(Refusal, Option<&'p str>)>,
    delays: BTreeSet<Delay>,
}

impl<'p> Sorted<'p, '_, '_> {
    fn against(&mut self, parsed: &'p Parsed<'_>, against: Against) {
        match against {
            Against::Refused(refusal) => self
                .refused
                .push((refusal, parsed.item.subscription.as_deref())),
            Against::TryLater(delay) => {
                self.delays.insert(delay);
            }
        }
    }
}

/// Which events of a request are durable.
enum Written {
    All,
    Some(Vec<EventId>),
}

impl Intake {
    /// Settles what can be settled. Refusals are counted before anything is written, so that a
    /// request which runs out of time has counted them too.
    pub(super) async fn settle(
        &self,
        route: Route,
        posted: &Posted<'_>,
        bytes: usize,
        roster: &Roster,
        now: Timestamp,
    ) -> Receipt {
        let mut sorted = self.judge(posted, roster, now);
        self.judge_by_tokens(posted, &mut sorted, now).await;
        // Before repeats are left out: the first may have been written while its mark was not.
        let marks: BTreeSet<WakeMark> = sorted.candidates.iter().filter_map(mark_of).collect();
        let misrouted = misrouted(&sorted.candidates, route);
        let known = self.drop_written(&mut sorted, now);
        self.open(&mut sorted).await;
        self.ledger.refused(&sorted.refused, now);
        let items = sorted.candidates.iter().map(|one| &one.parsed.item);
        let ids = items.filter_map(|item| item.subscription.as_deref());
        self.ledger.verified(ids, now);
        let mut receipt = Receipt {
            repeats: known,
            refused: sorted.refused.len(),
            wrong_route: misrouted,
            delays: sorted.delays,
            ..Receipt::default()
        };
        let (marks, ()) = tokio::join!(
            self.wake(&marks),
            self.leave(&mut receipt, &sorted.candidates, bytes, now)
        );
        match marks {
            Ok(left) => receipt.marks = left,
            Err(delay) => {
                receipt.delays.insert(delay);
            }
        }
        receipt
    }

    /// By clientState and tenant, each item on its own.
    fn judge<'p, 'a, 'r>(
        &'r self,
        posted: &'p Posted<'a>,
        roster: &'r Roster,
        now: Timestamp,
    ) -> Sorted<'p, 'a, 'r> {
        let mut judge = Judge::new(Rules {
            ring: &self.config.ring,
            home: &self.config.home,
            roster,
        });
        let mut sorted = Sorted::default();
        for item in &posted.items {
            let parsed = match item {
                Ok(parsed) => parsed,
                Err(refusal) => {
                    sorted.refused.push((*refusal, None));
                    continue;
                }
            };
            match judge.judge(&parsed.item) {
                Verdict::Ours(standing) => {
                    let id = self.id_of(parsed, &standing);
                    sorted.candidates.push(Candidate {
                        parsed,
                        standing,
                        id,
                        opened: None,
                    });
                }
                Verdict::Refused(refusal) => sorted.against(parsed, Against::Refused(refusal)),
                Verdict::UnknownKid(kid) => {
                    let against = match self.ledger.meet(&kid, now) {
                        Grace::Waits => Against::TryLater(Delay::UnknownKid),
                        Grace::Over => Against::Refused(Refusal::UnknownKid),
                    };
                    sorted.against(parsed, against);
                }
            }
        }
        sorted
    }

    fn id_of(&self, parsed: &Parsed<'_>, standing: &Standing<'_>) -> EventId {
        let item = &parsed.item;
        let kind = match (standing.expected, &item.data.odata_type) {
            (Some(expected), _) => expected.kind,
            (None, Some(odata_type)) => kind_of_type(odata_type),
            (None, None) => crate::domain::resource::ResourceKind::Unknown,
        };
        let fleet = &self.config.home.current.fleet;
        EventId::certain(item, kind, fleet, &standing.tag)
            .unwrap_or_else(|| EventId::unique(self.services.ids.next()))
    }

    /// By the tokens of the request, where any item leans on them.
    async fn judge_by_tokens<'p>(
        &self,
        posted: &'p Posted<'_>,
        sorted: &mut Sorted<'p, '_, '_>,
        now: Timestamp,
    ) {
        let leans = |one: &Candidate<'_, '_, '_>| one.standing.proof == Proof::Tokens;
        if !sorted.candidates.iter().any(leans) {
            return;
        }
        let publisher = self.services.publisher.as_ref();
        let checks = check_tokens(publisher, &posted.tokens, now).await;
        for one in std::mem::take(&mut sorted.candidates) {
            let tenant = one.standing.tenant.as_deref();
            match judge_by_tokens(&checks, tenant) {
                Err(against) if leans(&one) => sorted.against(one.parsed, against),
                _ => sorted.candidates.push(one),
            }
        }
    }

    /// Leaves out certain repeats of what was written before anything is opened for them.
    fn drop_written(&self, sorted: &mut Sorted<'_, '_, '_>, now: Timestamp) -> usize {
        let before = sorted.candidates.len();
        self.repeats
            .drop_written(&mut sorted.candidates, |one| one.id, now);
        before - sorted.candidates.len()
    }

    /// Opens the content that is to be opened here.
    async fn open(&self, sorted: &mut Sorted<'_, '_, '_>) {
        let sealed: Vec<Sealed<'_>> = sorted.candidates.iter().filter_map(to_open).collect();
        if sealed.is_empty() {
            return;
        }
        let mut opened = self.opener.open_all(&sealed).await.into_iter();
        for mut one in std::mem::take(&mut sorted.candidates) {
            if to_open(&one).is_some() {
                match opened.next() {
                    Some(Ok(content)) => one.opened = Some(content),
                    Some(Err(against)) => {
                        sorted.against(one.parsed, against);
                        continue;
                    }
                    None => continue,
                }
            }
            sorted.candidates.push(one);
        }
    }

    /// Writes events, and awaits those that others write.
    async fn leave(
        &self,
        receipt: &mut Receipt,
        candidates: &[Candidate<'_, '_, '_>],
        bytes: usize,
        now: Timestamp,
    ) {
        let ids: Vec<EventId> = candidates.iter().map(|one| one.id).collect();
        let (mut claim, places) = self.repeats.claim(&ids, now);
        let mut awaited = Vec::new();
        let mut mine = Vec::new();
        for (one, place) in candidates.iter().zip(places) {
            match place {
                Place::Write => mine.push(one),
                Place::Suppress => receipt.repeats += 1,
                Place::Await(first) => awaited.push((one.id, first)),
            }
        }
        let events = self.events(&mine, bytes, now);
        match self.write(&events).await {
            Written::All => {
                receipt.written = events.len();
                claim.written(now);
            }
            Written::Some(written) => {
                // Each item is remembered for itself: its neighbour's sink may be another one.
                receipt.written = written.len();
                receipt.delays.insert(Delay::Sink);
                claim.written_in_part(&written, now);
                drop(claim);
            }
        }
        for (id, first) in awaited {
            // The first may have been written although its neighbours were not.
            if first.succeeds().await || self.repeats.is_written(&id, now) {
                receipt.repeats += 1;
            } else {
                receipt.delays.insert(Delay::FirstNotWritten);
            }
        }
    }

    fn events(&self, mine: &[&Candidate<'_, '_, '_>], bytes: usize, now: Timestamp) -> Vec<Event> {
        let fleet = &self.config.home.current.fleet;
        let mut writer = Writer::new(fleet, now, mine.len(), bytes);
        for one in mine {
            writer.write(&Material {
                parsed: one.parsed,
                standing: &one.standing,
                id: one.id,
                opened: one.opened.as_ref(),
            });
        }
        writer.events()
    }

    /// Writes events, and says which of them are durable now.
    async fn write(&self, events: &[Event]) -> Written {
        if events.is_empty() {
            return Written::All;
        }
        let outcomes = match self.services.sink.write_each(events).await {
            Outcome::Alike(Ok(())) => return Written::All,
            Outcome::Alike(failed) => vec![failed],
            Outcome::Each(outcomes) => outcomes,
        };
        let mut written = Vec::new();
        let mut failed: Vec<SinkError> = Vec::new();
        for (event, outcome) in events.iter().zip(outcomes) {
            match outcome {
                Ok(()) => written.push(event.id),
                Err(error) if failed.contains(&error) => {}
                Err(error) => failed.push(error),
            }
        }
        for error in failed {
            match &error {
                SinkError::Unavailable { .. } => tracing::warn!("{error}; Graph sends them again"),
                SinkError::Denied { .. } => tracing::error!("{error}; Graph sends them again"),
            }
        }
        match written.len() == events.len() {
            true => Written::All,
            false => Written::Some(written),
        }
    }

    /// Leaves a wake mark for each event about a subscription; equal ones are one.
    async fn wake(&self, marks: &BTreeSet<WakeMark>) -> Result<usize, Delay> {
        if marks.is_empty() {
            return Ok(0);
        }
        let mut waking = Vec::with_capacity(marks.len());
        for mark in marks {
            tell(mark);
            waking.push(marks::leave(self.services.store.as_ref(), mark));
        }
        let mut leaving = futures::stream::iter(waking).buffer_unordered(MARKS_AT_ONCE);
        while let Some(left) = leaving.next().await {
            left.map_err(|error| {
                tracing::error!("a wake mark could not be left: {error}");
                Delay::WakeMark
            })?;
        }
        Ok(marks.len())
    }
}

fn to_open<'c>(one: &'c Candidate<'_, '_, '_>) -> Option<Sealed<'c>> {
    match one.standing.opening() {
        Opening::Decrypt => one.parsed.item.sealed.clone(),
        Opening::PassOn => None,
    }
}

fn misrouted(candidates: &[Candidate<'_, '_, '_>], route: Route) -> usize {
    let is_wrong = |one: &&Candidate<'_, '_, '_>| {
        one.parsed.item.happening.is_lifecycle() != (route == Route::Lifecycle)
    };
    candidates.iter().filter(is_wrong).count()
}

fn mark_of(one: &Candidate<'_, '_, '_>) -> Option<WakeMark> {
    let Happening::Lifecycle(event) = one.parsed.item.happening else {
        return None;
    };
    let id = one.parsed.item.subscription.as_deref()?;
    Some(WakeMark {
        event,
        subscription: SubscriptionId::parse(id).ok()?,
    })
}

/// Short subscriptions are asked for renewal every few minutes; only what lost or may have lost
/// changes is worth a line.
fn tell(mark: &WakeMark) {
    let (event, id) = (mark.event.as_str(), &mark.subscription);
    match mark.event {
        LifecycleEvent::ReauthorizationRequired => {
            tracing::debug!(subscription.id = %id, lifecycle.event = event, "asked to renew {id}");
        }
        LifecycleEvent::SubscriptionRemoved | LifecycleEvent::Missed => tracing::warn!(
            subscription.id = %id,
            lifecycle.event = event,
            "Graph says {event} of {id}: its consumers must resync"
        ),
    }
}
