//! Renewals: several at once, saved now and then.

use std::sync::Arc;

use futures::StreamExt as _;

use crate::app::pass::{Halt, Pass};
use crate::app::records::{Detail, ends};
use crate::app::report::Action;
use crate::app::sights::miss_of;
use crate::domain::conflict::RetryAfter;
use crate::domain::plan::Renewal;
use crate::domain::record::Miss;
use crate::domain::sight::ById;
use crate::domain::subscription::{Declaration, Desired, KeyTag, Observed};
use crate::ports::graph::{Graph, GraphError, RenewRequest, Reply, Wait};

/// Outcomes of renewals that may be lost with a crash: repeating a renewal does no harm.
const RENEWALS_PER_SAVE: usize = 64;

impl Pass<'_> {
    pub(super) async fn renew_all(&mut self, renewals: &[&Renewal]) -> Result<(), Halt> {
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

    pub(super) fn renew_request(&self, renewal: &Renewal) -> RenewRequest {
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

    pub(in crate::app) fn desired(&self, tag: &KeyTag) -> Option<&Desired> {
        match self.declaration {
            Declaration::Read(set) => set.by_key.get(tag),
            Declaration::Unusable { .. } => None,
        }
    }

    pub(super) fn note_renewal(
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
        let mut detail = Detail {
            before: ends(renewal.ends),
            ..Detail::of(renewal.tag.as_ref())
        };
        match answer {
            Ok(Reply { value: row, trace }) => {
                self.correct_clock(trace.date);
                self.record(|recorder, doc| {
                    recorder.renewed(&mut doc.state, renewal, certificate.as_deref(), Ok(&row));
                });
                let words = format!("until {}", row.expires);
                detail.after = ends(row.expires);
                self.note_done(
                    Action::Renew,
                    renewal.why,
                    subject,
                    words,
                    trace.request_id,
                    detail,
                );
                self.sight(&renewal.tenant)
                    .by_id
                    .insert(renewal.id.clone(), ById::Found(row));
                true
            }
            Err(error) => {
                self.correct_clock(error.trace().date);
                let miss = renewal_miss(&error);
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
                if miss == Miss::Gone {
                    // What a GET said before this 404 is older than it.
                    self.sight(&renewal.tenant).by_id.remove(&renewal.id);
                }
                if !matches!(miss, Miss::Unavailable(Some(_))) {
                    self.heed(&renewal.tenant, &error);
                }
                self.note_miss(Action::Renew, renewal.why, subject, &error, detail);
                false
            }
        }
    }
}

/// Repeating a renewal does no harm: one in doubt that names a wait is as good as refused for now,
/// and the wait is weighed against the end of the row.
fn renewal_miss(error: &GraphError) -> Miss {
    match (miss_of(error), error.wait()) {
        (Miss::Unknown, Some(Wait::For(wait))) => Miss::Unavailable(Some(RetryAfter::For(*wait))),
        (miss, _) => miss,
    }
}

pub(super) async fn send_renewal(
    graph: Arc<dyn Graph>,
    renewal: Renewal,
    request: RenewRequest,
) -> (Renewal, Result<Reply<Observed>, GraphError>) {
    let answer = graph.renew(&renewal.tenant, &renewal.id, &request).await;
    (renewal, answer)
}
