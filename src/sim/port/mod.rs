//! The in-process door: the Graph port over the same core, for simulations under paused time.

mod bodies;
mod outcome;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::answer::{Answer, Content};
use super::exchange::{Exchange, Sim, Watch, exchange};
use super::handshake::{Endpoint, Willing};
use super::request::{Op, Request};
use super::row::{Row, Shown};
use super::token::Caller;
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::subscription::{ChangeTypes, Observed};
use crate::ports::graph::{CreateRequest, Graph, GraphError, Listed, RenewRequest, Reply, Trace};
use bodies::{create_body, renew_body};

/// Pages after which a listing counts as endless.
const PAGES_MAX: u32 = 10_000;

/// How long the caller waits for each call, as a client over HTTP would. A create or renewal
/// may take ten seconds for each address that Graph validates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// For a create or a renewal.
    pub write: Duration,
    /// For a read, a page, a reauthorize.
    pub read: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            write: Duration::from_secs(35),
            read: Duration::from_secs(15),
        }
    }
}

/// Graph for one worker. Workers that share a [`Sim`] share its subscriptions.
///
/// # Cancellation
/// A call that began goes on in a task of its own, as it would in a real service: dropping the
/// future leaves the outcome to the simulator.
pub struct SimGraph {
    sim: Arc<Sim>,
    app: Mutex<AppId>,
    endpoint: Arc<dyn Endpoint>,
    watch: Option<Watch>,
    patience: Patience,
}

impl SimGraph {
    /// A caller with a token of the application; every endpoint is willing.
    pub fn new(sim: Arc<Sim>, app: AppId) -> Self {
        Self {
            sim,
            app: Mutex::new(app),
            endpoint: Arc::new(Willing),
            watch: None,
            patience: Patience::default(),
        }
    }

    /// Asks this for every handshake.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: Arc<dyn Endpoint>) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Tells this of every moment of every call of this worker.
    #[must_use]
    pub fn with_watch(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Waits this long.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// From now on the token is another application's: a stranger's.
    pub fn change_app(&self, app: AppId) {
        *self.app.lock().unwrap_or_else(PoisonError::into_inner) = app;
    }

    /// The simulator behind it.
    pub fn sim(&self) -> &Arc<Sim> {
        &self.sim
    }

    fn request(&self, op: Op, tenant: &TenantId, id: Option<&SubscriptionId>) -> Request {
        let app = self
            .app
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Request {
            op,
            caller: Ok(Caller::app(tenant.clone(), app)),
            id: id.map(|id| id.as_str().to_owned()),
            skiptoken: None,
            redirected: false,
            client_request_id: None,
            base: "https://graph.microsoft.com/v1.0".into(),
            body: Vec::new(),
        }
    }

    /// One exchange within the limit; a success, or the port's error for it. A redirect of a
    /// renewal within the service is followed once, as the HTTP adapter does.
    async fn call(&self, request: Request, limit: Duration) -> Result<Answer, GraphError> {
        let op = request.op;
        let until = tokio::time::Instant::now() + limit;
        let mut request = request;
        loop {
            let (sim, endpoint) = (Arc::clone(&self.sim), Arc::clone(&self.endpoint));
            let (watch, sent) = (self.watch.clone(), request.clone());
            let task = tokio::spawn(async move {
                exchange(&sim, &sent, endpoint.as_ref(), watch.as_ref()).await
            });
            let answer = match tokio::time::timeout_at(until, task).await {
                Err(_) => return Err(outcome::silent(op, "no answer within the time-out")),
                Ok(Err(broken)) => {
                    return Err(outcome::silent(
                        op,
                        &format!("the simulator failed: {broken}"),
                    ));
                }
                Ok(Ok(Exchange::Lost)) => return Err(outcome::silent(op, "the connection ended")),
                Ok(Ok(Exchange::Unreachable)) => return Err(outcome::unreachable(op)),
                Ok(Ok(Exchange::Answered(answer))) => *answer,
            };
            let inside = answer
                .location
                .as_deref()
                .is_some_and(|location| location.starts_with(&request.base));
            if answer.status == 308 && inside && !request.redirected {
                request.redirected = true;
                continue;
            }
            return match &answer.content {
                Content::Refused(_) => Err(outcome::refused(op, &answer)),
                // Nobody reads the body of these two.
                Content::Garbled if matches!(op, Op::Delete | Op::Reauthorize) => Ok(answer),
                Content::Garbled => Err(outcome::garbled(op, &answer)),
                _ => Ok(answer),
            };
        }
    }

    async fn call_for_row(
        &self,
        request: Request,
        shown: Shown,
        limit: Duration,
    ) -> Result<Reply<Observed>, GraphError> {
        let op = request.op;
        let answer = self.call(request, limit).await?;
        let trace = trace_of(&answer);
        let shows = shown != Shown::Read
            || self
                .sim
                .with(|service, _| service.settings.answers.client_state_on_get);
        match &answer.content {
            Content::Row(row) => observed(row, shows)
                .map(|value| Reply { value, trace })
                .ok_or_else(|| outcome::garbled(op, &answer)),
            _ => Err(outcome::garbled(op, &answer)),
        }
    }
}

fn trace_of(answer: &Answer) -> Trace {
    Trace {
        date: Some(answer.date),
        request_id: Some(answer.request_id.clone()),
    }
}

/// The row as the port shows it; `None` where the id is none of ours to read.
fn observed(row: &Row, shows_client_state: bool) -> Option<Observed> {
    Some(Observed {
        id: SubscriptionId::parse(&row.id).ok()?,
        resource: row.resource.clone(),
        change_types: ChangeTypes::parse(&row.change_type).ok(),
        notification_url: row.notification_url.clone(),
        lifecycle_url: row.lifecycle_url.clone(),
        expires: row.expires,
        client_state: row.client_state.clone().filter(|_| shows_client_state),
        application: Some(row.app.clone()),
        resource_data: row.resource_data == Some(true),
        certificate_id: row.certificate_id.clone(),
        query_options: row.query_options.clone(),
    })
}

#[async_trait::async_trait]
impl Graph for SimGraph {
    async fn application(&self, _tenant: &TenantId) -> Result<AppId, GraphError> {
        Ok(self
            .app
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    async fn list(&self, tenant: &TenantId) -> Result<Reply<Listed>, GraphError> {
        let mut listed = Listed {
            rows: Vec::new(),
            incomplete: None,
            pages: 0,
        };
        let mut request = self.request(Op::List, tenant, None);
        let link = format!("{}/subscriptions?$skiptoken=", request.base);
        let mut seen = std::collections::HashSet::new();
        let trace = loop {
            // As over HTTP: a page that fails is a listing that fails, so that the wait which the
            // answer may ask for is not lost with it.
            let answer = self.call(request.clone(), self.patience.read).await?;
            listed.pages += 1;
            let trace = trace_of(&answer);
            let Content::Page(rows, next) = answer.content else {
                listed.incomplete = Some("a page could not be read".into());
                break trace;
            };
            let shown = rows.iter().filter_map(|row| observed(row, false));
            listed.rows.extend(shown);
            let Some(next) = next else { break trace };
            let token = next.strip_prefix(&link).map(str::to_owned);
            let fresh = token
                .as_ref()
                .is_some_and(|token| seen.insert(token.clone()));
            if !fresh || listed.pages >= PAGES_MAX {
                listed.incomplete = Some("a foreign, repeated or endless next page".into());
                break trace;
            }
            request.skiptoken = token;
        };
        Ok(Reply {
            value: listed,
            trace,
        })
    }

    async fn get(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<Observed>, GraphError> {
        let request = self.request(Op::Get, tenant, Some(id));
        self.call_for_row(request, Shown::Read, self.patience.read)
            .await
    }

    async fn create(
        &self,
        tenant: &TenantId,
        create: &CreateRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        let mut request = self.request(Op::Create, tenant, None);
        request.body = create_body(create);
        let limit = self.patience.write;
        self.call_for_row(request, Shown::Written, limit).await
    }

    async fn renew(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        renew: &RenewRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        let mut request = self.request(Op::Renew, tenant, Some(id));
        request.body = renew_body(renew);
        let limit = self.patience.write;
        self.call_for_row(request, Shown::Written, limit).await
    }

    async fn reauthorize(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<()>, GraphError> {
        let request = self.request(Op::Reauthorize, tenant, Some(id));
        let answer = self.call(request, self.patience.read).await?;
        Ok(Reply {
            value: (),
            trace: trace_of(&answer),
        })
    }

    async fn delete(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        limit: Duration,
    ) -> Result<Reply<()>, GraphError> {
        let request = self.request(Op::Delete, tenant, Some(id));
        let answer = self.call(request, limit).await?;
        Ok(Reply {
            value: (),
            trace: trace_of(&answer),
        })
    }
}
