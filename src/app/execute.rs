//! Doing: renewals, creates and deletes, as a plan orders them.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;

use super::pass::{Halt, Pass};
use super::report::{Action, Decision};
use super::sights::miss_of;
use crate::domain::ids::{SubscriptionId, TenantId};
use crate::domain::plan::{Creation, Deletion, Reason, Renewal, Step};
use crate::domain::sight::ById;
use crate::domain::subscription::{Declaration, Desired, KeyTag, Observed};
use crate::ports::graph::{CreateRequest, Graph, GraphError, RenewRequest, Reply};

/// Surplus is deleted only this long after the survivor's renewal: what Graph just confirmed may
/// be taken for granted no longer.
const RENEWAL_HOLDS: Duration = Duration::from_secs(10);

/// The longest that a delete is waited for.
const DELETE_LIMIT: Duration = Duration::from_secs(10);

/// Outcomes of renewals that may be lost with a crash: repeating a renewal does no harm.
const RENEWALS_PER_SAVE: usize = 64;

impl Pass<'_> {
    /// Takes the steps in their order; neighbours of one kind run together.
    ///
    /// # Cancellation
    /// Stops between two effects. What was sent is awaited.
    pub(super) async fn take_steps(&mut self, steps: &[Step]) -> Result<(), Halt> {
        let mut rest = steps;
        while let Some(first) = rest.first() {
            let kind = std::mem::discriminant(first);
            let same = rest
                .iter()
                .take_while(|step| std::mem::discriminant(*step) == kind)
                .count();
            let (now, later) = rest.split_at(same);
            self.take_alike(now).await?;
            rest = later;
        }
        self.save().await
    }

    async fn take_alike(&mut self, steps: &[Step]) -> Result<(), Halt> {
        let renewals: Vec<&Renewal> = steps
            .iter()
            .filter_map(|step| {
                if let Step::Renew(one) = step {
                    Some(one)
                } else {
                    None
                }
            })
            .collect();
        let creates: Vec<&Creation> = steps
            .iter()
            .filter_map(|step| {
                if let Step::Create(one) = step {
                    Some(one)
                } else {
                    None
                }
            })
            .collect();
        self.renew_all(&renewals).await?;
        self.create_all(&creates).await?;
        for step in steps {
            match step {
                Step::Renew(_) | Step::Create(_) => {}
                Step::Collapse { survivor, surplus } => self.collapse(survivor, surplus).await?,
                Step::Replace { delete, create } => self.replace(delete, create).await?,
                Step::Delete(delete) => {
                    if self.delete(delete).await? {
                        self.progress.undeclared_removed += 1;
                    }
                }
            }
        }
        Ok(())
    }

    async fn renew_all(&mut self, renewals: &[&Renewal]) -> Result<(), Halt> {
        for part in renewals.chunks(RENEWALS_PER_SAVE) {
            let mut waiting = part.iter();
            let graph = Arc::clone(&self.services.graph);
            let mut running = futures::stream::FuturesUnordered::new();
            let mut halt = None;
            loop {
                while halt.is_none() && running.len() < self.config.concurrency.max(1) {
                    let Some(renewal) = waiting.next() else { break };
                    match self.may_act(&renewal.tenant) {
                        Ok(()) => running.push(send_renewal(
                            Arc::clone(&graph),
                            (*renewal).clone(),
                            self.renew_request(renewal),
                        )),
                        Err(_) if self.quiet(&renewal.tenant).is_some() => {}
                        Err(stop) => halt = Some(stop),
                    }
                }
                let Some((renewal, answer)) = running.next().await else {
                    break;
                };
                self.note_renewal(&renewal, answer);
            }
            drop(running);
            if let Some(halt) = halt {
                self.save().await?;
                return Err(halt);
            }
            if part.len() == RENEWALS_PER_SAVE {
                self.save().await?;
            }
        }
        Ok(())
    }

    fn renew_request(&self, renewal: &Renewal) -> RenewRequest {
        let desired = renewal.tag.as_ref().and_then(|tag| self.desired(tag));
        let certificate = desired.and_then(|desired| desired.certificate.clone());
        RenewRequest {
            expires: renewal.expires,
            notification_url: renewal
                .moves
                .then(|| self.config.home.current.notifications()),
            certificate: certificate.filter(|_| renewal.certificate),
        }
    }

    fn desired(&self, tag: &KeyTag) -> Option<&Desired> {
        match self.declaration {
            Declaration::Read(set) => set.by_key.get(tag),
            Declaration::Unusable { .. } => None,
        }
    }

    fn note_renewal(
        &mut self,
        renewal: &Renewal,
        answer: Result<Reply<Observed>, GraphError>,
    ) -> bool {
        self.count("renew", 1);
        let desired = renewal.tag.as_ref().and_then(|tag| self.desired(tag));
        let certificate = desired
            .and_then(|one| one.certificate.as_ref())
            .map(|one| one.id.clone());
        let name = self.name_of(renewal.tag.as_ref());
        let subject = (&renewal.tenant, name, Some(renewal.id.clone()));
        match answer {
            Ok(Reply { value: row, trace }) => {
                self.correct_clock(trace.date);
                self.record(|recorder, doc| {
                    recorder.renewed(&mut doc.state, renewal, certificate.as_deref(), Ok(&row));
                });
                let words = format!("until {}", row.expires);
                self.note(
                    Action::Renew,
                    renewal.why,
                    subject,
                    "done",
                    words,
                    trace.request_id,
                );
                self.sight(&renewal.tenant)
                    .by_id
                    .insert(renewal.id.clone(), ById::Found(row));
                true
            }
            Err(error) => {
                self.correct_clock(error.trace().date);
                let miss = miss_of(&error);
                self.record(|recorder, doc| {
                    recorder.renewed(&mut doc.state, renewal, certificate.as_deref(), Err(&miss));
                });
                if renewal.tag.is_none() {
                    // Without a memory to keep the failure in, this pass must remember it.
                    self.sight(&renewal.tenant)
                        .by_id
                        .insert(renewal.id.clone(), ById::NoAnswer);
                    self.note_quiet(&renewal.tenant, &miss);
                }
                self.note_miss(Action::Renew, renewal.why, subject, &error);
                false
            }
        }
    }

    /// Creates in batches: the intents of a batch are durable before any of it is sent, and the
    /// results of a batch go out with the intents of the next.
    async fn create_all(&mut self, creates: &[&Creation]) -> Result<(), Halt> {
        for batch in creates.chunks(self.config.concurrency.max(1)) {
            let mut sending = Vec::new();
            for create in batch {
                match self.may_act(&create.desired.key.tenant) {
                    Ok(()) => sending.push(*create),
                    Err(_) if self.quiet(&create.desired.key.tenant).is_some() => {}
                    Err(halt) => {
                        self.save().await?;
                        return Err(halt);
                    }
                }
            }
            for create in &sending {
                self.record(|recorder, doc| recorder.intend(&mut doc.state, create, None));
            }
            self.save().await?;
            self.send_creates(&sending).await?;
        }
        self.save().await
    }

    async fn send_creates(&mut self, creates: &[&Creation]) -> Result<(), Halt> {
        // The write may have taken long: the lease is looked at once more before anything is sent.
        if let Err(halt) = self.still_leading() {
            for create in creates {
                self.record(|recorder, doc| recorder.withdraw(&mut doc.state, &create.tag));
            }
            return Err(halt);
        }
        let graph = Arc::clone(&self.services.graph);
        let mut running = futures::stream::FuturesUnordered::new();
        for create in creates {
            let request = self.create_request(create);
            running.push(send_create(Arc::clone(&graph), (*create).clone(), request));
        }
        while let Some((create, answer)) = running.next().await {
            self.note_create(&create, answer);
        }
        Ok(())
    }

    fn still_leading(&self) -> Result<(), Halt> {
        match &self.lead {
            Some(lead) => lead.check().map_err(|lost| Halt(lost.to_string())),
            None => Err(Halt("nothing may be changed without the lease".to_owned())),
        }
    }

    fn create_request(&self, create: &Creation) -> CreateRequest {
        let (desired, home) = (&create.desired, &self.config.home.current);
        CreateRequest {
            resource: desired.resource.as_str().to_owned(),
            change_types: desired.key.change_types,
            notification_url: home.notifications(),
            lifecycle_url: desired.lifecycle.then(|| home.lifecycle()),
            expires: create.expires,
            client_state: self.config.ring.derive(&home.fleet, &create.tag),
            certificate: desired.certificate.clone(),
            query_options: desired.key.query_options.clone(),
        }
    }

    fn note_create(
        &mut self,
        create: &Creation,
        answer: Result<Reply<Observed>, GraphError>,
    ) -> bool {
        self.count("create", 1);
        let tenant = create.desired.key.tenant.clone();
        let name = Some(create.desired.name.as_str().to_owned());
        if create.why == Reason::Replacement {
            self.progress.mismatched_acted += 1;
        }
        match answer {
            Ok(Reply { value: row, trace }) => {
                self.correct_clock(trace.date);
                self.record(|recorder, doc| recorder.created(&mut doc.state, create, Ok(&row)));
                let words = format!("until {}", row.expires);
                let subject = (&tenant, name, Some(row.id.clone()));
                self.note(
                    Action::Create,
                    create.why,
                    subject,
                    "done",
                    words,
                    trace.request_id,
                );
                self.sight(&tenant)
                    .by_id
                    .insert(row.id.clone(), ById::Found(row));
                true
            }
            Err(error) => {
                self.correct_clock(error.trace().date);
                let miss = miss_of(&error);
                self.record(|recorder, doc| recorder.created(&mut doc.state, create, Err(&miss)));
                self.note_miss(Action::Create, create.why, (&tenant, name, None), &error);
                false
            }
        }
    }

    /// The survivor is renewed; only while that is fresh do the others go.
    async fn collapse(&mut self, survivor: &Renewal, surplus: &[Deletion]) -> Result<(), Halt> {
        if !self.may_touch(&survivor.tenant).await? {
            return Ok(());
        }
        let request = self.renew_request(survivor);
        let graph = Arc::clone(&self.services.graph);
        let (_, answer) = send_renewal(graph, survivor.clone(), request).await;
        if !self.note_renewal(survivor, answer) {
            self.progress
                .failed
                .extend(surplus.iter().map(|delete| delete.id.clone()));
            return Ok(());
        }
        let renewed = Instant::now();
        for delete in surplus {
            let removed = self.delete_until(delete, renewed + RENEWAL_HOLDS).await?;
            if removed && delete.why == Reason::Replaced {
                self.progress.mismatched_acted += 1;
            }
        }
        Ok(())
    }

    /// What blocks the key goes first, under a durable intent; the gap until its successor stands
    /// is measured.
    async fn replace(&mut self, delete: &Deletion, create: &Creation) -> Result<(), Halt> {
        if !self.may_touch(&delete.tenant).await? {
            return Ok(());
        }
        self.record(|recorder, doc| recorder.intend(&mut doc.state, create, Some(delete)));
        self.save().await?;
        let gap = Instant::now();
        if !self.delete(delete).await? {
            self.record(|recorder, doc| recorder.withdraw(&mut doc.state, &create.tag));
            self.progress.mismatched_acted += 1;
            return self.save().await;
        }
        self.send_creates(&[create]).await?;
        let gap_ms = u64::try_from(gap.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.report
            .gaps_ms
            .insert(delete.id.as_str().to_owned(), gap_ms);
        self.save().await
    }

    async fn delete(&mut self, delete: &Deletion) -> Result<bool, Halt> {
        // Getting half of the lease's term may take a while too.
        let limit = self.config.lease_term + DELETE_LIMIT;
        self.delete_until(delete, Instant::now() + limit).await
    }

    /// Deletes with at least half of the lease's term left, and waits no longer than what is left
    /// of it; not at all once `end` has come.
    async fn delete_until(&mut self, delete: &Deletion, end: Instant) -> Result<bool, Halt> {
        if !self.may_touch(&delete.tenant).await? {
            return Ok(false);
        }
        let Some(lead) = &mut self.lead else {
            return Err(Halt("nothing may be deleted without the lease".to_owned()));
        };
        let left = lead
            .at_least_half()
            .await
            .map_err(|lost| Halt(lost.to_string()))?;
        let limit = end
            .saturating_duration_since(Instant::now())
            .min(left)
            .min(DELETE_LIMIT);
        if limit.is_zero() {
            return Ok(false);
        }
        let answer = self
            .services
            .graph
            .delete(&delete.tenant, &delete.id, limit)
            .await;
        self.count("delete", 1);
        let subject = (
            &delete.tenant,
            self.name_of_row(&delete.id),
            Some(delete.id.clone()),
        );
        let outcome = match &answer {
            Ok(reply) => {
                self.correct_clock(reply.trace.date);
                let request_id = reply.trace.request_id.clone();
                self.note(
                    Action::Delete,
                    delete.why,
                    subject,
                    "done",
                    String::new(),
                    request_id,
                );
                Ok(())
            }
            Err(error) => {
                self.correct_clock(error.trace().date);
                self.note_miss(Action::Delete, delete.why, subject, error);
                Err(miss_of(error))
            }
        };
        self.record(|recorder, doc| {
            recorder.deleted(&mut doc.state, delete, outcome.as_ref().copied());
        });
        let removed = matches!(outcome, Ok(()) | Err(crate::domain::record::Miss::Gone));
        if removed {
            self.sight(&delete.tenant)
                .by_id
                .insert(delete.id.clone(), ById::Gone);
        } else {
            self.progress.failed.insert(delete.id.clone());
        }
        Ok(removed)
    }

    /// Whether a step may begin; `false` where its tenant must be left in silence.
    async fn may_touch(&mut self, tenant: &TenantId) -> Result<bool, Halt> {
        match self.may_act(tenant) {
            Ok(()) => Ok(true),
            Err(_) if self.quiet(tenant).is_some() => Ok(false),
            Err(halt) => {
                self.save().await?;
                Err(halt)
            }
        }
    }

    fn name_of_row(&self, id: &SubscriptionId) -> Option<String> {
        let entries = self.doc.state.entries.values();
        let mut serving =
            entries.filter(|entry| entry.held.as_ref().is_some_and(|held| held.id == *id));
        serving
            .next()?
            .name
            .as_ref()
            .map(|name| name.as_str().to_owned())
    }

    fn note(
        &mut self,
        action: Action,
        reason: Reason,
        (tenant, name, id): (&TenantId, Option<String>, Option<SubscriptionId>),
        outcome: &str,
        words: String,
        request_id: Option<String>,
    ) {
        let decision = Decision {
            at: self.now(),
            action,
            reason,
            outcome: outcome.to_owned(),
            tenant: tenant.as_str().to_owned(),
            name,
            id: id.map(|id| id.as_str().to_owned()),
            words,
            request_id,
            until: None,
        };
        self.report.decide(decision);
    }

    fn note_miss(
        &mut self,
        action: Action,
        reason: Reason,
        subject: (&TenantId, Option<String>, Option<SubscriptionId>),
        error: &GraphError,
    ) {
        let request_id = error.trace().request_id.clone();
        self.note(
            action,
            reason,
            subject,
            error.kind(),
            error.to_string(),
            request_id,
        );
    }
}

async fn send_renewal(
    graph: Arc<dyn Graph>,
    renewal: Renewal,
    request: RenewRequest,
) -> (Renewal, Result<Reply<Observed>, GraphError>) {
    let answer = graph.renew(&renewal.tenant, &renewal.id, &request).await;
    (renewal, answer)
}

async fn send_create(
    graph: Arc<dyn Graph>,
    create: Creation,
    request: CreateRequest,
) -> (Creation, Result<Reply<Observed>, GraphError>) {
    let answer = graph.create(&create.desired.key.tenant, &request).await;
    (create, answer)
}
