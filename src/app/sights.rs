//! Looking: tokens, listings and single rows, as a plan asks for them.

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::pass::{Halt, Pass};
use super::records::Detail;
use super::report::{Action, Decision};
use crate::domain::conflict::RetryAfter;
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::plan::{Look, Reason};
use crate::domain::record::Miss;
use crate::domain::schedule::after;
use crate::domain::sight::{ById, Listing, Sight};
use crate::domain::subscription::Observed;
use crate::ports::graph::{Graph, GraphError, Listed, Reply, Wait};

enum Seen {
    App(TenantId, Result<AppId, GraphError>),
    List(TenantId, Reason, Instant, Result<Reply<Listed>, GraphError>),
    Row(
        TenantId,
        SubscriptionId,
        Reason,
        Result<Reply<Observed>, GraphError>,
    ),
}

impl Pass<'_> {
    /// Keeps the silence that Graph asked for, whatever else the answer meant: a 503 that leaves
    /// a create in doubt may name a time as well as a 429 does. Where the answer meant nothing
    /// but a wait, what is recorded of it says how long; a wait past an end is not kept.
    pub(super) fn heed(&mut self, tenant: &TenantId, error: &GraphError) {
        if let Miss::Throttled(_) | Miss::Unavailable(_) = miss_of(error) {
            return;
        }
        if let Some(Wait::For(wait)) = error.wait() {
            let asked = Some(RetryAfter::For(*wait));
            self.note_quiet(tenant, &Miss::Throttled(asked));
        }
    }

    /// Takes the looks, several at once, and remembers what was seen.
    pub(super) async fn take_looks(&mut self, looks: &[Look]) -> Result<(), Halt> {
        let graph = std::sync::Arc::clone(&self.services.graph);
        for batch in looks.chunks(self.config.concurrency.max(1)) {
            self.may_look()?;
            let begun = Instant::now();
            let asked: Vec<&Look> = batch
                .iter()
                .filter(|look| self.quiet(tenant_of(look)).is_none())
                .collect();
            // The batch is no larger than what may run at once.
            let mut answers: futures::stream::FuturesUnordered<_> = asked
                .into_iter()
                .map(|look| see(graph.as_ref(), look, begun))
                .collect();
            while let Some(seen) = answers.next().await {
                self.note_seen(seen);
            }
        }
        Ok(())
    }

    fn note_seen(&mut self, seen: Seen) {
        match seen {
            Seen::App(tenant, answer) => {
                let sight = self.sight(&tenant);
                match answer {
                    Ok(app) => sight.app = Some(app),
                    Err(error) => sight.no_token = Some(error.to_string()),
                }
            }
            Seen::List(tenant, why, begun, answer) => {
                self.note_listing(&tenant, why, begun, answer);
            }
            Seen::Row(tenant, id, why, answer) => self.note_row(&tenant, id, why, answer),
        }
    }

    fn note_listing(
        &mut self,
        tenant: &TenantId,
        why: Reason,
        begun: Instant,
        answer: Result<Reply<Listed>, GraphError>,
    ) {
        let (listing, words, request_id, outcome) = match answer {
            Ok(Reply {
                value: listed,
                trace,
            }) => {
                self.count("list", listed.pages);
                self.correct_clock(trace.date);
                let words = format!("{} rows on {} pages", listed.rows.len(), listed.pages);
                match listed.incomplete {
                    None => {
                        let listing = Listing::Complete {
                            rows: listed.rows,
                            begun_at: self.moment_of(begun),
                        };
                        (listing, words, trace.request_id, "done".to_owned())
                    }
                    Some(why) => {
                        self.record(|recorder, doc| {
                            recorder.not_listed(&mut doc.state, tenant, None)
                        });
                        let words = format!("{words}; {why}");
                        let listing = Listing::Incomplete {
                            rows: listed.rows,
                            why,
                        };
                        (listing, words, trace.request_id, "incomplete".to_owned())
                    }
                }
            }
            Err(error) => {
                self.count("list", 1);
                self.correct_clock(error.trace().date);
                let miss = miss_of(&error);
                self.heed(tenant, &error);
                self.record(|recorder, doc| {
                    recorder.not_listed(&mut doc.state, tenant, Some(&miss));
                });
                let listing = Listing::Incomplete {
                    rows: Vec::new(),
                    why: error.to_string(),
                };
                let request_id = error.trace().request_id.clone();
                (
                    listing,
                    error.to_string(),
                    request_id,
                    error.kind().to_owned(),
                )
            }
        };
        self.sight(tenant).listing = listing;
        self.note_look(tenant, None, why, outcome, words, request_id);
    }

    /// A moment of this pass on Graph's clock as it is known by now: the answer to a listing may
    /// have corrected it since the listing began.
    fn moment_of(&self, begun: Instant) -> Timestamp {
        after(
            self.now(),
            -SignedDuration::try_from(begun.elapsed()).unwrap_or_default(),
        )
    }

    fn note_row(
        &mut self,
        tenant: &TenantId,
        id: SubscriptionId,
        why: Reason,
        answer: Result<Reply<Observed>, GraphError>,
    ) {
        self.count("get", 1);
        let (seen, words, request_id, outcome) = match answer {
            Ok(Reply { value: row, trace }) => {
                self.correct_clock(trace.date);
                let words = format!("it is there until {}", row.expires);
                (ById::Found(row), words, trace.request_id, "done".to_owned())
            }
            Err(error) => {
                self.correct_clock(error.trace().date);
                let request_id = error.trace().request_id.clone();
                if let GraphError::Gone { .. } = error {
                    let words = "Graph does not know it".to_owned();
                    (ById::Gone, words, request_id, "done".to_owned())
                } else {
                    self.note_quiet(tenant, &miss_of(&error));
                    self.heed(tenant, &error);
                    (
                        ById::NoAnswer,
                        error.to_string(),
                        request_id,
                        error.kind().to_owned(),
                    )
                }
            }
        };
        self.note_look(tenant, Some(&id), why, outcome, words, request_id);
        self.sight(tenant).by_id.insert(id, seen);
    }

    fn note_look(
        &mut self,
        tenant: &TenantId,
        id: Option<&SubscriptionId>,
        reason: Reason,
        outcome: String,
        words: String,
        request_id: Option<String>,
    ) {
        let decision = Decision {
            at: self.now(),
            action: Action::Look,
            reason,
            outcome,
            tenant: tenant.as_str().to_owned(),
            name: None,
            id: id.map(|id| id.as_str().to_owned()),
            words,
            request_id,
            until: None,
            conflict: None,
        };
        self.decide(decision, Detail::default());
    }

    /// What was seen of the tenant.
    pub(super) fn sight(&mut self, tenant: &TenantId) -> &mut Sight {
        self.sights.entry(tenant.clone()).or_default()
    }
}

fn tenant_of(look: &Look) -> &TenantId {
    match look {
        Look::App(tenant) | Look::List { tenant, .. } | Look::Get { tenant, .. } => tenant,
    }
}

async fn see(graph: &dyn Graph, look: &Look, begun: Instant) -> Seen {
    match look {
        Look::App(tenant) => Seen::App(tenant.clone(), graph.application(tenant).await),
        Look::List { tenant, why } => {
            Seen::List(tenant.clone(), *why, begun, graph.list(tenant).await)
        }
        Look::Get { tenant, id, why } => Seen::Row(
            tenant.clone(),
            id.clone(),
            *why,
            graph.get(tenant, id).await,
        ),
    }
}

/// The core's word for a failed call.
pub(super) fn miss_of(error: &GraphError) -> Miss {
    let asked = |wait: &Wait| match wait {
        Wait::NotSaid => None,
        Wait::For(wait) => Some(RetryAfter::For(*wait)),
        Wait::Absurd(said) => Some(RetryAfter::Absurd(said.clone())),
    };
    match error {
        GraphError::Refused { .. } => Miss::Refused,
        GraphError::Unknown { .. } => Miss::Unknown,
        GraphError::Unavailable { wait, .. } => Miss::Unavailable(asked(wait)),
        GraphError::Throttled { wait, .. } => Miss::Throttled(asked(wait)),
        GraphError::Gone { .. } => Miss::Gone,
        GraphError::Conflict { verdict, .. } => Miss::Conflict(verdict.clone()),
        GraphError::Quota { verdict, .. } => Miss::Quota(verdict.clone()),
        GraphError::Denied { .. } => Miss::Denied,
    }
}
