//! The way a notification takes: read → judge each item by itself → open → suppress certain
//! repeats of what was written → write durably, wake marks included → answer.
//!
//! | file | what it knows |
//! |---|---|
//! | `wire`, `walk`, `scan` | what Graph posts |
//! | `settle` | the way itself |
//! | `content` | tokens and envelopes of rich items |
//! | `repeats` | what was written, and what is being written |
//! | `cloud_event` | what leaves |
//! | `ledger` | what is counted, and what the audit hears |
//!
//! Only what was settled for good is acknowledged. Where anything of a request cannot be
//! settled now, the rest of it is written all the same, and the answer is 503: Graph sends the
//! whole request again, and what was written is recognised.

mod admission;
mod cloud_event;
mod content;
mod ledger;
mod repeats;
mod scan;
mod settle;
mod walk;
pub mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::client_state::KeyRing;
use crate::domain::governor::{Answers, GovernorRules, Standing};
use crate::domain::notification::refusal::{Delay, Refusal};
use crate::domain::notification::roster::Roster;
use crate::domain::ownership::Home;
use crate::ports::clock::Clock;
use crate::ports::ids::UniqueIds;
use crate::ports::keys::{ContentKeys, PublisherTokens};
use crate::ports::sink::Sink;
use crate::ports::state::StateStore;

pub use admission::Admission;
pub use ledger::{Figures, Tally};

use admission::Capacity;
use content::Opener;
use ledger::Ledger;
use repeats::Repeats;
use wire::BodyError;

/// What the intake works with.
pub struct IntakeServices {
    /// Where accepted notifications go.
    pub sink: Arc<dyn Sink>,
    /// Where wake marks are left.
    pub store: Arc<dyn StateStore>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Ids for events whose identity is not certain.
    pub ids: Arc<dyn UniqueIds>,
    /// Checks validation tokens.
    pub publisher: Arc<dyn PublisherTokens>,
    /// Opens content.
    pub keys: Arc<dyn ContentKeys>,
}

/// How the intake is set.
#[derive(Clone, Debug)]
pub struct IntakeConfig {
    /// The fleets whose clientState counts.
    pub home: Home,
    /// The keys that sign clientState.
    pub ring: Arc<KeyRing>,
    /// After this a request is answered 503, settled or not. Graph waits three seconds, and
    /// part of them belongs to the network and the host.
    pub deadline: Duration,
    /// How many requests are worked on at once; more are turned away unread.
    pub requests_at_once: usize,
    /// How many bytes of bodies are held at once; what goes beyond is turned away. An event
    /// is written beside its body, and opened content beside both, so that about four times
    /// as much memory is needed.
    pub bytes_at_once: usize,
    /// How many requests open envelopes at once; twice the number of cores.
    pub openings_at_once: usize,
    /// Longest body, in bytes.
    pub body_bytes: usize,
    /// Most items of a request, and most tokens.
    pub items: usize,
    /// The rules by which our own answers are measured.
    pub governor: GovernorRules,
}

impl IntakeConfig {
    /// The usual settings.
    pub fn new(home: Home, ring: Arc<KeyRing>) -> Self {
        let cores = std::thread::available_parallelism();
        Self {
            home,
            ring,
            deadline: Duration::from_secs(2),
            requests_at_once: 256,
            bytes_at_once: 8 * 1024 * 1024,
            openings_at_once: 2 * cores.map_or(2, std::num::NonZeroUsize::get),
            body_bytes: 4 * 1024 * 1024,
            items: 5_000,
            governor: GovernorRules::default(),
        }
    }
}

/// Which of our two addresses a request came to. Both take both kinds of item: an item at the
/// wrong one is counted, not lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// The address for changes.
    Notifications,
    /// The address for lifecycle events.
    Lifecycle,
}

/// What became of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Receipt {
    /// Events written to the sink.
    pub written: usize,
    /// Certain repeats that were suppressed.
    pub repeats: usize,
    /// Items that were refused.
    pub refused: usize,
    /// Items that came to the other one of our two addresses.
    pub wrong_route: usize,
    /// Wake marks left: a pass should be tried at once.
    pub marks: usize,
    /// Why something of it could not be settled; empty where all was.
    pub delays: BTreeSet<Delay>,
}

/// How to answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// 202: all of it is settled for good.
    Accepted(Receipt),
    /// 503: something of it is not; Graph shall send it again.
    TryLater(Receipt),
    /// 400: no notification.
    Unreadable,
    /// 413: larger than anything that Graph is known to send.
    TooLarge,
}

/// The intake.
pub struct Intake {
    services: IntakeServices,
    config: IntakeConfig,
    opener: Opener,
    roster: RwLock<Option<Arc<Roster>>>,
    capacity: Capacity,
    repeats: Repeats,
    ledger: Ledger,
}

impl Intake {
    /// An intake that knows no declaration yet: until [`Self::declare`], everything is
    /// answered 503.
    pub fn new(services: IntakeServices, config: IntakeConfig) -> Self {
        Self {
            opener: Opener::new(Arc::clone(&services.keys), config.openings_at_once),
            roster: RwLock::default(),
            capacity: Capacity::new(config.requests_at_once, config.bytes_at_once),
            repeats: Repeats::default(),
            ledger: Ledger::new(config.governor),
            services,
            config,
        }
    }

    /// Takes up a declaration as it was read. For one that cannot be used, and no earlier one
    /// is known, [`Roster::empty`] lets verified items pass without a name.
    pub fn declare(&self, roster: Roster) {
        let mut known = self.roster.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::new(roster));
    }

    fn roster(&self) -> Option<Arc<Roster>> {
        let known = self.roster.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Admits a request, before its body is read. `None`: answer 503 at once.
    pub fn admit(&self) -> Option<Admission> {
        let admission = self.capacity.admit();
        if admission.is_none() {
            self.ledger.shed();
        }
        admission
    }

    /// Counts a request that was turned away because its body would not fit beside those of
    /// others.
    pub fn turned_away(&self) {
        self.ledger.shed();
    }

    /// Counts a handshake that was answered.
    pub fn handshake(&self) {
        self.ledger.handshake();
    }

    /// Whether content that is sealed for the certificate can be opened here.
    pub fn holds_key(&self, certificate_id: &str) -> bool {
        self.services.keys.holds(certificate_id)
    }

    /// Whether that key is not there yet, but on its way.
    pub fn expects_key(&self, certificate_id: &str) -> bool {
        self.services.keys.expects(certificate_id)
    }

    /// Longest body that is taken.
    pub fn body_bytes(&self) -> usize {
        self.config.body_bytes
    }

    /// Receives a request.
    ///
    /// # Cancellation
    /// Dropping the future gives the request up: what was being written may be there or not,
    /// and counts as not written.
    pub async fn receive(&self, admission: Admission, route: Route, body: &[u8]) -> Answer {
        let begun = admission.begun();
        let posted = match self.read(body) {
            Ok(posted) => posted,
            Err(answer) => {
                self.ledger.unreadable();
                return answer;
            }
        };
        let now = self.services.clock.now().await;
        let now = now.inspect_err(|error| tracing::error!("{error}")).ok();
        let receipt = match (now, self.roster()) {
            (Some(now), Some(roster)) => {
                let settled = self.settle(route, &posted, body.len(), &roster, now);
                let mut settled = std::pin::pin!(settled);
                // What is settled at once needs no timer.
                let first = std::future::poll_fn(|cx| Poll::Ready(settled.as_mut().poll(cx)));
                match first.await {
                    Poll::Ready(receipt) => receipt,
                    Poll::Pending => {
                        let deadline = begun + self.config.deadline;
                        let settled = tokio::time::timeout_at(deadline, settled);
                        settled.await.unwrap_or_else(|_| delayed(Delay::Deadline))
                    }
                }
            }
            (None, _) => delayed(Delay::NoClock),
            (_, None) => delayed(Delay::DeclarationNotRead),
        };
        let took = SignedDuration::try_from(begun.elapsed()).unwrap_or(SignedDuration::MAX);
        let before = now.and_then(|now| admission.before(now));
        drop(admission);
        self.ledger.answered(&receipt, now, (took, before));
        match receipt.delays.is_empty() {
            true => Answer::Accepted(receipt),
            false => Answer::TryLater(receipt),
        }
    }

    fn read<'b>(&self, body: &'b [u8]) -> Result<wire::Posted<'b>, Answer> {
        let IntakeConfig {
            body_bytes, items, ..
        } = self.config;
        if body.len() <= body_bytes {
            match wire::Posted::parse(body, items) {
                Ok(posted) => return Ok(posted),
                Err(BodyError::Form) => return Err(Answer::Unreadable),
                Err(BodyError::TooMany) => {}
            }
        }
        // Nothing of Graph is known to be as large; if it is, somebody must raise the limit.
        tracing::error!(
            "a request with {} bytes is over the limit of {body_bytes} bytes or {items} items",
            body.len()
        );
        Err(Answer::TooLarge)
    }

    /// Refusals that the audit has not heard of: one figure for each reason.
    pub fn take_refusals(&self) -> BTreeMap<Refusal, Tally> {
        self.ledger.take_refusals()
    }

    /// Refusals that could not be written wait for the next time.
    pub fn give_back(&self, refusals: BTreeMap<Refusal, Tally>) {
        self.ledger.give_back(refusals);
    }

    /// What was counted since this process began.
    pub fn figures(&self) -> Figures {
        self.ledger.figures()
    }

    /// Counts of answers within the governor's window, to be added to those of other instances:
    /// on our own clock, and with the time before us where the platform tells it.
    pub fn answers(&self, now: Timestamp) -> (Answers, Answers) {
        self.ledger.answers(now)
    }

    /// How far this instance is from being slowed down by Graph, on our own clock: the share of
    /// the network and of a Functions host is not in it.
    pub fn standing(&self, now: Timestamp) -> Standing {
        self.ledger.standing(now)
    }
}

fn delayed(delay: Delay) -> Receipt {
    Receipt {
        delays: [delay].into(),
        ..Receipt::default()
    }
}
