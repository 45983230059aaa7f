//! Doing: renewals, creates and deletes, as a plan orders them.

mod creates;
mod deletes;
mod renewals;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pass::{Halt, Pass};
use crate::domain::ids::TenantId;
use crate::domain::plan::{Creation, Deletion, Reason, Renewal, Step};
use renewals::send_renewal;

/// Surplus is deleted only this long after the survivor's renewal: what Graph just confirmed may
/// be taken for granted no longer.
const RENEWAL_HOLDS: Duration = Duration::from_secs(10);

/// Deletes that are written down by one write of the audit. What is sent later than its record
/// by minutes is still true; what is never sent is settled as left alone.
const DELETES_WRITTEN_DOWN: usize = 32;

impl Pass<'_> {
    /// Takes the steps in their order; neighbours of one kind run together.
    ///
    /// # Cancellation
    /// Stops between two effects. What was sent is awaited.
    pub(super) async fn take_steps(&mut self, steps: &[Step]) -> Result<(), Halt> {
        self.warm_endpoint(steps).await;
        let mut rest = steps;
        while let Some(first) = rest.first() {
            let kind = std::mem::discriminant(first);
            let same = rest
                .iter()
                .take_while(|step| std::mem::discriminant(*step) == kind)
                .count();
            let (now, later) = rest.split_at(same);
            let taken = self.take_alike(now).await;
            self.settle_unsent();
            taken?;
            rest = later;
        }
        self.save().await
    }

    async fn take_alike(&mut self, steps: &[Step]) -> Result<(), Halt> {
        let renewals: Vec<&Renewal> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Renew(one) => Some(one),
                _ => None,
            })
            .collect();
        let creates: Vec<&Creation> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Create(one) => Some(one),
                _ => None,
            })
            .collect();
        self.renew_all(&renewals).await?;
        self.create_all(&creates).await?;
        for step in steps {
            match step {
                Step::Renew(_) | Step::Create(_) | Step::Delete(_) => {}
                Step::Collapse { survivor, surplus } => {
                    let all: Vec<&Deletion> = surplus.iter().collect();
                    if self.announce(&all).await {
                        self.collapse(survivor, surplus).await?;
                    }
                }
                Step::Replace { delete, create } => {
                    if self.announce(&[delete]).await {
                        self.replace(delete, create).await?;
                    }
                }
            }
        }
        let deletes: Vec<&Deletion> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Delete(one) => Some(one),
                _ => None,
            })
            .collect();
        self.delete_all(&deletes).await
    }

    /// Deletes in parts, each written down before it begins.
    async fn delete_all(&mut self, deletes: &[&Deletion]) -> Result<(), Halt> {
        for some in deletes.chunks(DELETES_WRITTEN_DOWN) {
            if !self.announce(some).await {
                break;
            }
            for delete in some {
                if self.delete(delete).await? {
                    self.progress.undeclared_removed += 1;
                }
            }
        }
        Ok(())
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
        if !self.delete(delete).await? {
            self.record(|recorder, doc| recorder.not_removed(&mut doc.state, &create.tag));
            self.progress.mismatched_acted += 1;
            return self.save().await;
        }
        self.send_creates(&[create]).await?;
        self.save().await
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
}
