//! The intake at work: with a declaration that is kept fresh, our applications known, and
//! statistics that are written.
//!
//! The timer reads the declaration in another process, so the process that takes notifications
//! in reads it for itself: at its start, and when a request comes and the last reading is old.
//! Nothing is read while nothing comes, and no request waits for a later reading.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::intake::{Admission, Answer, Intake, Route};
use super::statistics::Statistics;
use crate::domain::ids::{AppId, SubscriptionName, TenantId};
use crate::domain::notification::roster::{Opening, Roster};
use crate::domain::subscription::{Declaration, DesiredSet};
use crate::ports::desired::DesiredSource;
use crate::ports::graph::Graph;
use crate::ports::keys::PublisherTokens;

/// A reading serves for so long.
const FRESH: Duration = Duration::from_secs(30);

/// How long a request waits for the very first reading. Graph waits three seconds in all, and
/// the intake itself may take two of them.
const FIRST_READING: Duration = Duration::from_millis(500);

/// What keeps the intake fresh.
pub struct ReceptionServices {
    /// The declaration.
    pub desired: Arc<dyn DesiredSource>,
    /// Tells which application's token we have in a tenant.
    pub graph: Arc<dyn Graph>,
    /// Is told which applications are ours.
    pub publisher: Arc<dyn PublisherTokens>,
    /// Applications that are ours for certain: configured, or former.
    pub applications: BTreeSet<AppId>,
}

/// The intake at work.
pub struct Reception {
    intake: Arc<Intake>,
    services: ReceptionServices,
    statistics: Arc<Statistics>,
    reading: Mutex<Reading>,
    first: watch::Sender<bool>,
}

/// How far the reading of the declaration has come.
#[derive(Default)]
struct Reading {
    begun: Option<Instant>,
    under_way: bool,
    /// The hash of the declaration in use, once one could be used and all is known of it.
    hash: Option<String>,
    usable: bool,
}

impl Reception {
    /// An intake at work. Reads nothing yet: see [`Self::refresh`].
    pub fn new(
        intake: Arc<Intake>,
        services: ReceptionServices,
        statistics: Arc<Statistics>,
    ) -> Arc<Self> {
        services
            .publisher
            .applications(services.applications.clone(), false);
        Arc::new(Self {
            intake,
            services,
            statistics,
            reading: Mutex::default(),
            first: watch::Sender::new(false),
        })
    }

    /// The intake itself.
    pub fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// Admits a request, before its body is read. `None`: answer 503 at once.
    pub fn admit(&self) -> Option<Admission> {
        let admission = self.intake.admit();
        if admission.is_none() {
            self.statistics.counted(&self.intake);
        }
        admission
    }

    /// Longest body that is taken.
    pub fn body_bytes(&self) -> usize {
        self.intake.body_bytes()
    }

    /// Receives a request.
    ///
    /// # Cancellation
    /// As for [`Intake::receive`].
    pub async fn receive(
        self: &Arc<Self>,
        admission: Admission,
        route: Route,
        body: &[u8],
    ) -> Answer {
        self.refresh();
        if !*self.first.borrow() {
            let mut first = self.first.subscribe();
            // Without a reading the intake itself answers that it is too early.
            let first = first.wait_for(|read| *read);
            drop(tokio::time::timeout(FIRST_READING, first).await);
        }
        let answer = self.intake.receive(admission, route, body).await;
        self.statistics.counted(&self.intake);
        answer
    }

    /// Reads the declaration again, beside whatever else happens, if the last reading is old
    /// and none is under way.
    pub fn refresh(self: &Arc<Self>) {
        {
            let mut reading = self.reading();
            let fresh = reading.begun.is_some_and(|begun| begun.elapsed() < FRESH);
            if fresh || reading.under_way {
                return;
            }
            reading.begun = Some(Instant::now());
            reading.under_way = true;
        }
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let _ended = Ended(&this);
            this.read().await;
        });
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) {
        match self.services.desired.read().await {
            Declaration::Read(set) => {
                if self.reading().hash.as_ref() == Some(&set.hash) {
                    return;
                }
                self.tell_missing_keys(&set);
                self.intake.declare(roster(&set));
                self.reading().usable = true;
                self.first.send_replace(true);
                let known = self.learn_applications(&set).await;
                self.reading().hash = known.then_some(set.hash);
            }
            Declaration::Unusable { why } => {
                // The last one that could be used stays: who was declared is still ours.
                let usable = self.reading().usable;
                tracing::error!("notifications are taken in without a new declaration: {why}");
                if !usable {
                    self.intake.declare(Roster::empty());
                    self.first.send_replace(true);
                }
            }
        }
    }

    /// Items for a key that is not there are answered 503 until it is.
    fn tell_missing_keys(&self, set: &DesiredSet) {
        for one in set.by_key.values() {
            if let Some(certificate) = &one.certificate
                && certificate.opening == Opening::Decrypt
                && !self.intake.holds_key(&certificate.id)
            {
                if self.intake.expects_key(&certificate.id) {
                    tracing::info!(
                        "{} waits for the key {:?}, which is being fetched from its vault",
                        one.name,
                        certificate.id
                    );
                    continue;
                }
                tracing::error!(
                    "{} asks for resource data, but EVERGRAPH_DECRYPTION_KEYS has no usable key {:?}: \
                     its notifications are answered 503; add the key, or declare decrypt = false",
                    one.name,
                    certificate.id
                );
            }
        }
    }

    /// Learns whose tokens we have where resource data is asked for; says whether all is known.
    async fn learn_applications(&self, set: &DesiredSet) -> bool {
        let rich = set.by_key.values().filter(|one| one.key.resource_data);
        let tenants: BTreeSet<&TenantId> = rich.map(|one| &one.key.tenant).collect();
        let mut known = self.services.applications.clone();
        let mut complete = true;
        for tenant in tenants {
            match self.services.graph.application(tenant).await {
                Ok(app) if app != AppId::unnamed() => {
                    known.insert(app);
                }
                Ok(_) => complete = !known.is_empty() && complete,
                Err(error) => {
                    tracing::warn!(tenant.id = %tenant, "our application in {tenant} is not known yet: {error}");
                    complete = false;
                }
            }
        }
        self.services.publisher.applications(known, complete);
        complete
    }
}

fn roster(set: &DesiredSet) -> Roster {
    let declared = set.by_key.values();
    let sealed: BTreeSet<&SubscriptionName> = declared
        .filter(|one| {
            let certificate = one.certificate.as_ref();
            certificate.is_some_and(|certificate| certificate.opening == Opening::PassOn)
        })
        .map(|one| &one.name)
        .collect();
    Roster::of(set, |name| match sealed.contains(name) {
        true => Opening::PassOn,
        false => Opening::Decrypt,
    })
}

/// Notes the end of a reading, however it ends.
struct Ended<'r>(&'r Reception);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.reading().under_way = false;
    }
}
