//! Ensures that one thing stands: drives the engine over a kind, one run at a time for each key.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::instruments::Instruments;
use crate::domain::ensure::{Ending, Failure, Heard, Limits, Moment, Move, Run, Step, Token, Told};
use crate::ports::dice::Dice;
use crate::ports::ensure::{Entry, Journal, Kind};
use crate::ports::ids::UniqueIds;

/// What one run may do and spend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// What the engine may spend.
    pub limits: Limits,
    /// How long one call may take. A call that takes longer is like one without reply.
    pub call: Duration,
    /// Stops before the first write and says what it would do.
    pub rehearse: bool,
}

impl Default for Terms {
    /// The engine's limits, 30 s for a call, and the real thing.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            call: Duration::from_secs(30),
            rehearse: false,
        }
    }
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The engine came to an end.
    Over(Ending),
    /// A rehearsal: this is what it would do next.
    Would(Move),
}

/// What a run did, and how it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The kind.
    pub kind: &'static str,
    /// The natural key.
    pub key: String,
    /// The mark of this run.
    pub token: Token,
    /// How it ended.
    pub ended: Ended,
    /// Every transition, in order.
    pub steps: Vec<Step>,
    /// Calls of the service.
    pub calls: u32,
    /// Why steps could not be written down, if some could not.
    pub journal: Option<String>,
}

impl Account {
    /// Whether it stands as wanted.
    pub fn is_done(&self) -> bool {
        matches!(self.ended, Ended::Over(Ending::Done { .. }))
    }
}

/// Runs the engine. One for the whole process: it is what keeps two runs for one key apart.
pub struct Ensure {
    journal: Arc<dyn Journal>,
    dice: Arc<dyn Dice>,
    ids: Arc<dyn UniqueIds>,
    flights: DashMap<String, Arc<Mutex<()>>>,
}

impl Ensure {
    /// Writes steps to the journal, draws jitter and marks.
    pub fn new(journal: Arc<dyn Journal>, dice: Arc<dyn Dice>, ids: Arc<dyn UniqueIds>) -> Self {
        Self {
            journal,
            dice,
            ids,
            flights: DashMap::new(),
        }
    }

    /// Ensures that the thing stands. A second run for the same key begins when the first has
    /// ended, and finds what that one left.
    ///
    /// Never fails: whatever goes wrong is in how it ended. Where the future is dropped, a write
    /// that was on its way may have been done; the next run looks before it acts, as always.
    pub async fn run(&self, kind: &dyn Kind, terms: Terms) -> Account {
        let flight = format!("{} {}", kind.name(), kind.key());
        let turn = Arc::clone(&self.flights.entry(flight.clone()).or_default());
        let account = {
            let _alone = turn.lock().await;
            self.fly(kind, terms).await
        };
        Instruments::of_ensure(&account).log();
        drop(turn);
        self.flights
            .remove_if(&flight, |_, turn| Arc::strong_count(turn) == 1);
        account
    }

    async fn fly(&self, kind: &dyn Kind, terms: Terms) -> Account {
        let began = Instant::now();
        let token = Token::new(format!("{:032x}", self.ids.next()));
        let mut run = Run::start(kind.facts(), terms.limits, token.clone());
        let mut account = Account {
            kind: kind.name(),
            key: kind.key(),
            token,
            ended: Ended::Would(Move::Observe),
            steps: Vec::new(),
            calls: 0,
            journal: None,
        };
        loop {
            let next = run.next().clone();
            account.calls = run.calls();
            let recorded = self.record(&mut account, run.take_steps(), &next).await;
            if let Some(ended) = ended(kind, &next, terms) {
                account.ended = ended;
                return account;
            }
            let heard = match recorded {
                Err(words) if next.is_final() => Heard::NotRecorded { words },
                _ => act(kind, &next, terms.call).await,
            };
            let moment = Moment {
                now: began.elapsed(),
                per_mille: self.dice.per_mille(),
            };
            run.heard(heard, moment);
        }
    }

    /// Writes down what happened, and what is about to.
    async fn record(
        &self,
        account: &mut Account,
        steps: Vec<Step>,
        next: &Move,
    ) -> Result<(), String> {
        let mut outcome = Ok(());
        let last = steps.len().saturating_sub(1);
        for (place, step) in steps.iter().enumerate() {
            let entry = Entry {
                kind: account.kind,
                key: &account.key,
                token: &account.token,
                step,
                before: Some(next).filter(|next| place == last && next.writes()),
            };
            if let Err(error) = self.journal.record(entry).await {
                outcome = Err(error.0.clone());
                account.journal = Some(error.0);
            }
        }
        account.steps.extend(steps);
        outcome
    }
}

/// The end, in the kind's own words where it has some.
fn ended(kind: &dyn Kind, next: &Move, terms: Terms) -> Option<Ended> {
    match next {
        Move::End(Ending::GaveUp(up)) => {
            let mut up = up.clone();
            if let Some(instruction) = kind.instruction(up.reason) {
                up.next_step = instruction;
            }
            Some(Ended::Over(Ending::GaveUp(up)))
        }
        Move::End(ending) => Some(Ended::Over(ending.clone())),
        next if terms.rehearse && next.writes() => Some(Ended::Would(next.clone())),
        _ => None,
    }
}

async fn act(kind: &dyn Kind, next: &Move, patience: Duration) -> Heard {
    if let Move::Wait { time } = next {
        sleep(*time).await;
        return Heard::Waited;
    }
    match timeout(patience, call(kind, next)).await {
        Ok(Ok(heard)) => heard,
        Ok(Err(failure)) => Heard::Failed(checked(kind, failure)),
        Err(_) => Heard::Failed(Failure::NoReply {
            words: format!("no answer within {} s", patience.as_secs()),
        }),
    }
}

async fn call(kind: &dyn Kind, next: &Move) -> Result<Heard, Failure> {
    Ok(match next {
        Move::Observe => Heard::Observed(kind.observe().await?),
        Move::ReRead { holder } => Heard::Read(kind.read(holder).await?),
        Move::Create { token } => Heard::Wrote(kind.create(token).await?),
        Move::Patch { seen } => Heard::Wrote(kind.patch(seen).await?),
        Move::Keep { seen } => Heard::Wrote(kind.keep(seen).await?),
        Move::Delete { seen, .. } => Heard::Did(kind.delete(seen).await?),
        Move::Restore { seen } => Heard::Did(kind.restore(seen).await?),
        Move::Poll => Heard::Polled(kind.poll().await?),
        Move::Provide => Heard::Did(kind.provide().await?),
        Move::Reacquire => Heard::Did(kind.reacquire().await?),
        Move::Wait { .. } | Move::End(_) => Heard::Did(Told::new(())),
    })
}

/// An id from an error body is believed only in a shape that the kind knows.
fn checked(kind: &dyn Kind, failure: Failure) -> Failure {
    let Failure::Refused(mut refusal) = failure else {
        return failure;
    };
    let named = refusal.verdict.holder.as_deref();
    refusal.holder = named.and_then(|claimed| kind.holder_id(claimed));
    Failure::Refused(refusal)
}
