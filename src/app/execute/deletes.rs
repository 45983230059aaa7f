//! Deletes: only with enough of the lease left.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::pass::{Halt, Pass};
use crate::app::report::Action;
use crate::app::sights::miss_of;
use crate::domain::plan::Deletion;
use crate::domain::record::Miss;
use crate::domain::sight::ById;

/// The longest that a delete is waited for.
const DELETE_LIMIT: Duration = Duration::from_secs(10);

impl Pass<'_> {
    pub(super) async fn delete(&mut self, delete: &Deletion) -> Result<bool, Halt> {
        // Getting half of the lease's term may take a while too.
        let limit = self.config.lease_term + DELETE_LIMIT;
        self.delete_until(delete, Instant::now() + limit).await
    }

    /// Deletes with at least half of the lease's term left, and waits no longer than what is left
    /// of it; not at all once `end` has come.
    pub(super) async fn delete_until(
        &mut self,
        delete: &Deletion,
        end: Instant,
    ) -> Result<bool, Halt> {
        if !self.may_touch(&delete.tenant).await? {
            return Ok(false);
        }
        let Some(lead) = &mut self.lead else {
            return Err(Halt::new(
                "nothing may be deleted without the lease".to_owned(),
            ));
        };
        let left = lead
            .at_least_half()
            .await
            .map_err(|lost| Halt::new(lost.to_string()))?;
        let limit = end
            .saturating_duration_since(Instant::now())
            .min(left)
            .min(DELETE_LIMIT);
        if limit.is_zero() {
            return Ok(false);
        }
        // What was not written down is not sent.
        let Some(detail) = self.take_announced(&delete.id) else {
            return Ok(false);
        };
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
                self.note_done(
                    Action::Delete,
                    delete.why,
                    subject,
                    String::new(),
                    request_id,
                    detail,
                );
                Ok(())
            }
            Err(error) => {
                self.correct_clock(error.trace().date);
                self.heed(&delete.tenant, error);
                self.note_miss(Action::Delete, delete.why, subject, error, detail);
                Err(miss_of(error))
            }
        };
        self.record(|recorder, doc| {
            recorder.deleted(&mut doc.state, delete, outcome.as_ref().copied());
        });
        let removed = matches!(outcome, Ok(()) | Err(Miss::Gone));
        if removed {
            self.sight(&delete.tenant)
                .by_id
                .insert(delete.id.clone(), ById::Gone);
        } else {
            self.progress.failed.insert(delete.id.clone());
        }
        Ok(removed)
    }
}
