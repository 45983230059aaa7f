//! Creates: written down before they are sent.

use std::sync::Arc;

use futures::StreamExt as _;

use crate::app::pass::{Halt, Pass};
use crate::app::records::{Detail, row_traits};
use crate::app::report::Action;
use crate::app::sights::miss_of;
use crate::domain::plan::{Creation, Reason};
use crate::domain::sight::ById;
use crate::domain::subscription::Observed;
use crate::ports::graph::{CreateRequest, Graph, GraphError, Reply};

impl Pass<'_> {
    /// Creates in batches: the intents of a batch are durable before any of it is sent, and the
    /// results of a batch go out with the intents of the next.
    pub(super) async fn create_all(&mut self, creates: &[&Creation]) -> Result<(), Halt> {
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

    pub(super) async fn send_creates(&mut self, creates: &[&Creation]) -> Result<(), Halt> {
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
            Some(lead) => lead.check().map_err(|lost| Halt::new(lost.to_string())),
            None => Err(Halt::new(
                "nothing may be changed without the lease".to_owned(),
            )),
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

    /// Whether a replacement changed anything: it stands or may stand, or a row was deleted for
    /// it. A refused one must not use up what the pass may act upon.
    fn has_acted(&self, create: &Creation, answer: &Result<Reply<Observed>, GraphError>) -> bool {
        let entry = self.doc.state.entries.get(&create.tag);
        let intent = entry.and_then(|entry| entry.intent.as_ref());
        let made_room = intent.is_some_and(|intent| intent.instead_of.is_some());
        made_room || matches!(answer, Ok(_) | Err(GraphError::Unknown { .. }))
    }

    fn note_create(
        &mut self,
        create: &Creation,
        answer: Result<Reply<Observed>, GraphError>,
    ) -> bool {
        self.count("create", 1);
        let tenant = create.desired.key.tenant.clone();
        let mut detail = Detail {
            seen: self.seen_of(&tenant),
            ..Detail::of(Some(&create.tag))
        };
        let name = Some(create.desired.name.as_str().to_owned());
        if create.why == Reason::Replacement && self.has_acted(create, &answer) {
            self.progress.mismatched_acted += 1;
        }
        match answer {
            Ok(Reply { value: row, trace }) => {
                self.correct_clock(trace.date);
                self.note_covered(&create.tag);
                self.record(|recorder, doc| recorder.created(&mut doc.state, create, Ok(&row)));
                let words = format!("until {}", row.expires);
                let subject = (&tenant, name, Some(row.id.clone()));
                detail.after = row_traits(&row);
                self.note_done(
                    Action::Create,
                    create.why,
                    subject,
                    words,
                    trace.request_id,
                    detail,
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
                self.heed(&tenant, &error);
                self.note_miss(
                    Action::Create,
                    create.why,
                    (&tenant, name, None),
                    &error,
                    detail,
                );
                false
            }
        }
    }
}

async fn send_create(
    graph: Arc<dyn Graph>,
    create: Creation,
    request: CreateRequest,
) -> (Creation, Result<Reply<Observed>, GraphError>) {
    let answer = graph.create(&create.desired.key.tenant, &request).await;
    (create, answer)
}
