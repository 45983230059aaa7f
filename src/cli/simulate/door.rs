//! Graph as one worker reaches it: what passes through is checked, and the worker may die in
//! front of a call or behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::checks;
use super::ledger::lock;
use super::stint::Worker;
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::subscription::{KeyTag, Observed};
use crate::ports::graph::{CreateRequest, Graph, GraphError, Listed, RenewRequest, Reply, Wait};

/// Graph behind a door.
pub struct Door {
    worker: Arc<Worker>,
    inner: Arc<dyn Graph>,
}

impl Door {
    /// A door for the worker.
    pub fn new(worker: Arc<Worker>, inner: Arc<dyn Graph>) -> Self {
        Self { worker, inner }
    }

    /// What an answer says about waiting binds from its arrival on.
    fn note<T>(&self, answer: &Result<Reply<T>, GraphError>) {
        let realm = &self.worker.realm;
        let Err(error) = answer else { return };
        let word = match error {
            GraphError::Throttled { wait, .. } => match wait {
                Wait::NotSaid => "throttled without Retry-After",
                Wait::For(_) => "throttled with Retry-After",
                Wait::Absurd(_) => "throttled with an absurd Retry-After",
            },
            GraphError::Unknown { .. } => "outcome unknown",
            GraphError::Unavailable { .. } => "graph unavailable",
            GraphError::Conflict { .. } => "conflict",
            GraphError::Quota { .. } => "quota",
            GraphError::Gone { .. } => "gone",
            GraphError::Denied { .. } => "denied",
            GraphError::Refused { .. } => "refused",
        };
        let now = realm.now();
        {
            let mut ledger = lock(&realm.ledger);
            ledger.count(word);
            if let GraphError::Throttled {
                wait: Wait::Absurd(_),
                ..
            } = error
            {
                ledger.last_absurd = Some(now);
            }
            let late = matches!(
                error,
                GraphError::Throttled { .. }
                    | GraphError::Unknown { .. }
                    | GraphError::Unavailable { .. }
            );
            if late {
                ledger.trouble(now);
            }
        }
        if let GraphError::Throttled {
            wait: Wait::For(wait),
            ..
        } = error
            && *wait <= Duration::from_secs(86_400)
        {
            let until = Instant::now() + *wait;
            self.worker.with(|stint| {
                stint.quiet_until = stint.quiet_until.max(Some(until));
            });
        }
    }

    fn see(&self, row: &Observed) {
        self.worker.with(|stint| {
            stint.seen.insert(row.id.as_str().to_owned());
        });
    }
}

/// The tag that a clientState of ours names.
fn tag_in(request: &CreateRequest) -> Option<KeyTag> {
    KeyTag::parse(request.client_state.expose().split('.').nth(2)?)
}

#[async_trait::async_trait]
impl Graph for Door {
    async fn application(&self, tenant: &TenantId) -> Result<AppId, GraphError> {
        self.inner.application(tenant).await
    }

    async fn list(&self, tenant: &TenantId) -> Result<Reply<Listed>, GraphError> {
        self.worker.step().await;
        checks::before_call(&self.worker);
        let begun = self.worker.realm.now();
        let answer = self.inner.list(tenant).await;
        self.note(&answer);
        match &answer {
            Ok(reply) if reply.value.incomplete.is_none() => {
                self.worker.with(|stint| stint.listed = Some(begun));
                for row in &reply.value.rows {
                    self.see(row);
                }
            }
            _ => self.worker.realm.count("listing incomplete"),
        }
        self.worker.step().await;
        answer
    }

    async fn get(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<Observed>, GraphError> {
        self.worker.step().await;
        checks::before_call(&self.worker);
        let answer = self.inner.get(tenant, id).await;
        self.note(&answer);
        if let Ok(reply) = &answer {
            self.see(&reply.value);
        }
        self.worker.step().await;
        answer
    }

    async fn create(
        &self,
        tenant: &TenantId,
        request: &CreateRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        self.worker.step().await;
        checks::before_call(&self.worker);
        let tag = tag_in(request);
        checks::before_create(&self.worker, tag).await;
        let now = self.worker.realm.now();
        if let Some(tag) = tag {
            lock(&self.worker.realm.ledger)
                .open_creates
                .insert(tag, now);
        }
        let answer = self.inner.create(tenant, request).await;
        self.note(&answer);
        if let Ok(reply) = &answer {
            self.see(&reply.value);
        }
        self.worker.step().await;
        let known = !matches!(answer, Err(GraphError::Unknown { .. }));
        if let Some(tag) = tag.filter(|_| known) {
            lock(&self.worker.realm.ledger).open_creates.remove(&tag);
        }
        answer
    }

    async fn renew(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        request: &RenewRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        self.worker.step().await;
        checks::before_call(&self.worker);
        checks::before_renewal(&self.worker, id);
        let answer = self.inner.renew(tenant, id, request).await;
        self.note(&answer);
        if let Ok(reply) = &answer {
            self.see(&reply.value);
            let at = Instant::now();
            self.worker.with(|stint| {
                stint.patched.insert(id.as_str().to_owned(), at);
            });
        }
        self.worker.step().await;
        answer
    }

    async fn reauthorize(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<()>, GraphError> {
        self.worker.broke("rule 9: reauthorize was called");
        self.inner.reauthorize(tenant, id).await
    }

    async fn delete(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        limit: Duration,
    ) -> Result<Reply<()>, GraphError> {
        self.worker.step().await;
        checks::before_call(&self.worker);
        checks::before_delete(&self.worker, id).await;
        let answer = self.inner.delete(tenant, id, limit).await;
        self.note(&answer);
        self.worker.step().await;
        answer
    }
}
