//! A tick: look without a lease; if anything is due, take the lease, read again, and pass.

use std::sync::Arc;

use jiff::Timestamp;

use super::heartbeat::Heartbeat;
use super::leadership::Leadership;
use super::marks;
use super::memory::{Found, Writer};
use super::pass::{Pass, PassConfig, Services};
use super::report::{Outcome, Report};
use super::state_doc::StateDoc;
use super::statistics;
use crate::domain::agenda::Agenda;
use crate::domain::plan::Brake;
use crate::domain::policy::Mode;
use crate::domain::reconcile::config_hash;
use crate::domain::sight::{Proofs, WakeMark};
use crate::domain::state::{HeldOrigin, ShardState};
use crate::domain::subscription::Declaration;
use crate::ports::state::{DocName, StateError};

/// Runs one tick.
///
/// An idle tick reads one document and lists the wake marks; it writes the heartbeat and nothing
/// else. Whatever fails is in the report: a tick never fails as a whole.
///
/// # Cancellation
/// Safe at every await: the lease lapses by itself, and what was sent without a recorded outcome
/// is looked for by the next pass.
pub async fn run(services: &Services, config: &PassConfig) -> Report {
    let sampled = match services.clock.now().await {
        Ok(now) => now,
        Err(error) => {
            let mut report = Report::begin(Timestamp::UNIX_EPOCH, config.policy.mode);
            report.outcome = Outcome::Failed {
                why: error.to_string(),
            };
            return report;
        }
    };
    let mut report = Report::begin(sampled, config.policy.mode);
    report.outcome = Tick {
        services,
        config,
        sampled,
    }
    .run(&mut report)
    .await
    .unwrap_or_else(|error| outcome_of(&error));
    report
}

fn outcome_of(error: &StateError) -> Outcome {
    match error {
        StateError::Held { .. } => Outcome::Busy,
        error => Outcome::Failed {
            why: error.to_string(),
        },
    }
}

struct Tick<'a> {
    services: &'a Services,
    config: &'a PassConfig,
    sampled: Timestamp,
}

/// Marks as found: the names to remove them by, and what they say.
struct Marks(Vec<(DocName, Option<WakeMark>)>);

impl Marks {
    fn wishes(&self) -> Vec<WakeMark> {
        let said = self.0.iter().filter_map(|(_, wish)| wish.clone());
        said.collect()
    }

    /// What the marks of the given names say.
    fn known<'m>(&'m self, names: &'m [DocName]) -> impl Iterator<Item = &'m WakeMark> {
        let named = self.0.iter().filter(|(name, _)| names.contains(name));
        named.filter_map(|(_, wish)| wish.as_ref())
    }

    /// The names of those that the pass has taken up, and of what is no mark at all.
    fn taken_up(&self, pass: &Pass<'_>) -> Vec<DocName> {
        let over = |wish: &Option<WakeMark>| {
            let open = wish.as_ref().is_some_and(|wish| !pass.has_taken_up(wish));
            !open
        };
        let taken = self.0.iter().filter(|(_, wish)| over(wish));
        taken.map(|(name, _)| name.clone()).collect()
    }
}

impl Tick<'_> {
    async fn run(&self, report: &mut Report) -> Result<Outcome, StateError> {
        let store = self.services.store.as_ref();
        let found = Found::read(store, &self.config.state_name).await?;
        let marks = self.marks().await?;
        let declaration = self.services.desired.read().await;
        if !self.anything_due(&found, &marks, &declaration, report) {
            self.catch_up(report).await;
            // Who only observes vouches for nothing.
            if let Found::Doc(doc, _) = &found
                && self.config.policy.mode > Mode::Observe
            {
                self.beat(&doc.state).await;
            }
            return Ok(Outcome::Idle);
        }
        if self.config.policy.mode == Mode::Observe {
            return Ok(self.observe(found, marks, &declaration, report).await);
        }
        if let Found::Nothing = found {
            self.begin_fleet().await?;
        }
        let lead = Leadership::take(
            Arc::clone(&self.services.store),
            self.config.state_name.clone(),
            self.config.lease_term,
        )
        .await?;
        // What was read without the lease may be old by now.
        match Found::read(store, &self.config.state_name).await {
            Ok(found) => self.lead(found, lead, marks, &declaration, report).await,
            Err(error) => {
                lead.give_back().await;
                Err(error)
            }
        }
    }

    async fn marks(&self) -> Result<Marks, StateError> {
        let lying = marks::lying(self.services.store.as_ref()).await?;
        Ok(Marks(lying))
    }

    fn anything_due(
        &self,
        found: &Found,
        marks: &Marks,
        declaration: &Declaration,
        report: &mut Report,
    ) -> bool {
        let state = match found {
            Found::Unreadable(..) => return true,
            Found::Nothing => {
                // Without memory and without wishes there is nothing to do, and nothing to write.
                return matches!(declaration, Declaration::Read(set) if !set.by_key.is_empty())
                    || self.brake_alone(declaration, report);
            }
            Found::Doc(doc, _) => &doc.state,
        };
        if !marks.0.is_empty() {
            return true;
        }
        let hash = config_hash(declaration, &self.config.home);
        let agenda = Agenda {
            declaration,
            config_hash: hash.as_deref(),
            state,
            policy: &self.config.policy,
            mode: self.config.policy.mode,
            now: self
                .sampled
                .checked_add(state.clock_offset)
                .unwrap_or(self.sampled),
        };
        report.began_for = agenda.first_item();
        report.began_for.is_some() || self.brake_alone(declaration, report)
    }

    /// A declaration that cannot be used is said loudly even where nothing is due.
    fn brake_alone(&self, declaration: &Declaration, report: &mut Report) -> bool {
        let brake = match declaration {
            Declaration::Unusable { why } => Brake::DeclarationUnusable(why.clone()),
            Declaration::Read(set) if set.by_key.is_empty() => Brake::DeclarationEmpty,
            Declaration::Read(_) => return false,
        };
        report.brake(self.config.policy.mode.min(Mode::RenewOnly), &[brake]);
        false
    }

    async fn begin_fleet(&self) -> Result<(), StateError> {
        let empty = StateDoc::default().encode();
        match self
            .services
            .store
            .create(&self.config.state_name, empty)
            .await
        {
            Ok(_) | Err(StateError::Exists { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Looks and reports, without a lease and without a trace.
    async fn observe(
        &self,
        found: Found,
        marks: Marks,
        declaration: &Declaration,
        report: &mut Report,
    ) -> Outcome {
        let (doc, unreadable, _) = opened(found);
        let proofs = self.proofs(&doc.state).await;
        let mut pass = Pass::new(
            self.services,
            self.config,
            declaration,
            doc,
            unreadable,
            None,
            None,
            marks.wishes(),
            self.sampled,
            report,
        );
        pass.learn(proofs);
        match pass.run().await {
            Ok(()) => Outcome::Complete,
            Err(halt) => Outcome::Stopped { why: halt.why },
        }
    }

    async fn lead(
        &self,
        found: Found,
        lead: Leadership,
        marks: Marks,
        declaration: &Declaration,
        report: &mut Report,
    ) -> Result<Outcome, StateError> {
        let (doc, unreadable, version) = opened(found);
        let Some(version) = version else {
            lead.give_back().await;
            let name = self.config.state_name.clone();
            return Err(StateError::Absent { name });
        };
        let proofs = self.proofs(&doc.state).await;
        let blind = unreadable.is_some();
        let writer = (!blind).then(|| {
            let store = Arc::clone(&self.services.store);
            Writer::new(store, self.config.state_name.clone(), version, &doc)
        });
        let mut pass = Pass::new(
            self.services,
            self.config,
            declaration,
            doc,
            unreadable,
            Some(lead),
            writer,
            marks.wishes(),
            self.sampled,
            report,
        );
        pass.learn(proofs);
        let outcome = match pass.run().await {
            Ok(()) => Outcome::Complete,
            Err(halt) => Outcome::Stopped { why: halt.why },
        };
        let taken_up = marks.taken_up(&pass);
        if outcome == Outcome::Complete {
            pass.keep_marks(marks.known(&taken_up));
        }
        pass.end_records(&outcome).await;
        let now = pass.now();
        let doc = pass.end().await;
        self.services.trail.clean(now).await;
        if outcome != Outcome::Complete {
            return Ok(outcome);
        }
        marks::remove(self.services.store.as_ref(), &taken_up).await;
        if !blind {
            // A pass over an unreadable memory cannot know what is about to end.
            self.beat(&doc.state).await;
        }
        Ok(outcome)
    }

    /// What the intake's statistics say, where a subscription waits for its proof.
    async fn proofs(&self, state: &ShardState) -> Proofs {
        let mut held = state
            .entries
            .values()
            .filter_map(|entry| entry.held.as_ref());
        match held.any(|held| held.origin == HeldOrigin::Unproven) {
            true => statistics::proofs(self.services.store.as_ref()).await,
            false => Proofs::default(),
        }
    }

    /// Records that could not be written wait for the next tick, even where nothing is due.
    async fn catch_up(&self, report: &mut Report) {
        if self.services.trail.waiting_len() == 0 {
            return;
        }
        if let Err(error) = self.services.trail.flush().await {
            let mode = self.config.policy.mode.min(Mode::CreateOnly);
            report.brake(mode, &[Brake::AuditFailing(error.to_string())]);
        }
    }

    async fn beat(&self, state: &ShardState) {
        let now = self.services.clock.now().await.unwrap_or(self.sampled);
        let mut heartbeat = Heartbeat::of(state, now);
        heartbeat.audit_failing = self.services.trail.failing().is_some();
        heartbeat.write(self.services.store.as_ref()).await;
    }
}

fn opened(
    found: Found,
) -> (
    StateDoc,
    Option<String>,
    Option<crate::ports::state::Version>,
) {
    match found {
        Found::Nothing => (StateDoc::default(), None, None),
        Found::Doc(doc, version) => (*doc, None, Some(version)),
        Found::Unreadable(why, version) => (StateDoc::default(), Some(why), Some(version)),
    }
}
