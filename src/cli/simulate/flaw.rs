//! Rules broken on purpose, to show that a run notices it.

use std::sync::Arc;
use std::time::Duration;

use super::truth::{Realm, tag_of};
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::subscription::Observed;
use crate::ports::graph::{CreateRequest, Graph, GraphError, Listed, RenewRequest, Reply, Wait};

/// What is done wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Flaw {
    /// Nothing.
    #[default]
    None,
    /// The renewal margin is smaller than the tick.
    LateRenewal,
    /// Duplicates and undeclared rows are never deleted.
    NeverDeletes,
    /// Duplicates are deleted without a renewal of the survivor.
    SurvivorNotRenewed,
    /// A create whose answer was lost is sent again at once.
    BlindRetry,
    /// Retry-After is not heard.
    DeafToRetryAfter,
}

/// Graph with a flaw in front of it.
pub struct Flawed {
    inner: Arc<dyn Graph>,
    realm: Arc<Realm>,
    flaw: Flaw,
}

impl Flawed {
    /// Graph as it is where there is no flaw that needs this.
    pub fn over(inner: Arc<dyn Graph>, realm: Arc<Realm>, flaw: Flaw) -> Arc<dyn Graph> {
        match flaw {
            Flaw::None | Flaw::LateRenewal | Flaw::NeverDeletes => inner,
            flaw => Arc::new(Self { inner, realm, flaw }),
        }
    }

    fn hear(&self, error: GraphError) -> GraphError {
        match error {
            GraphError::Throttled {
                operation, trace, ..
            } if self.flaw == Flaw::DeafToRetryAfter => GraphError::Unavailable {
                operation,
                detail: String::new(),
                wait: Wait::NotSaid,
                trace,
            },
            error => error,
        }
    }

    fn has_a_twin(&self, id: &SubscriptionId) -> bool {
        let rows = self.realm.own_rows();
        let tag = rows
            .iter()
            .find(|row| row.id == id.as_str())
            .and_then(tag_of);
        tag.is_some() && rows.iter().filter(|row| tag_of(row) == tag).count() > 1
    }
}

#[async_trait::async_trait]
impl Graph for Flawed {
    async fn application(&self, tenant: &TenantId) -> Result<AppId, GraphError> {
        self.inner.application(tenant).await
    }

    async fn list(&self, tenant: &TenantId) -> Result<Reply<Listed>, GraphError> {
        self.inner
            .list(tenant)
            .await
            .map_err(|error| self.hear(error))
    }

    async fn get(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<Observed>, GraphError> {
        self.inner
            .get(tenant, id)
            .await
            .map_err(|error| self.hear(error))
    }

    async fn create(
        &self,
        tenant: &TenantId,
        request: &CreateRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        match self.inner.create(tenant, request).await {
            Err(GraphError::Unknown { .. }) if self.flaw == Flaw::BlindRetry => {
                self.inner.create(tenant, request).await
            }
            answer => answer.map_err(|error| self.hear(error)),
        }
    }

    async fn renew(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        request: &RenewRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        if self.flaw == Flaw::SurvivorNotRenewed && self.has_a_twin(id) {
            return self.inner.get(tenant, id).await;
        }
        self.inner
            .renew(tenant, id, request)
            .await
            .map_err(|error| self.hear(error))
    }

    async fn reauthorize(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<()>, GraphError> {
        self.inner.reauthorize(tenant, id).await
    }

    async fn delete(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        limit: Duration,
    ) -> Result<Reply<()>, GraphError> {
        self.inner
            .delete(tenant, id, limit)
            .await
            .map_err(|error| self.hear(error))
    }
}
