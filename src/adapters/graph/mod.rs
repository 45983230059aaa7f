//! Graph's subscriptions over HTTP.
//!
//! One method is one logical call: one token, one exchange (a listing: one for each page), one
//! time-out, no retry. What an answer means is decided in `outcome`, what a row says in `row`,
//! where a link may lead in `links`.

mod body;
mod call;
mod exchange;
pub(in crate::adapters) mod links;
mod options;
mod outcome;
mod pages;
mod request_ids;
mod row;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderValue;
use tokio::time::Instant;
use url::Url;

use self::body::Unspoken;
use self::call::{Setting, failure, report, unreadable, unwritable};
use self::exchange::{Answer, Line, Request};
use self::pages::{Bounds, Listing};
use crate::adapters::identity::{AccessToken, TokenError, Tokens};
use crate::domain::conflict::Call;
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::subscription::Observed;
use crate::ports::graph::{
    CreateRequest, Graph, GraphError, Listed, RenewRequest, Reply, Trace, Wait,
};
use crate::ports::graph_outcome::{self, Broken};

pub use options::{GraphOptions, GraphSetupError, MARGIN, Pace, Timeouts, VALIDATION};
pub use request_ids::RequestIds;

/// Graph behind its HTTP interface.
///
/// # Cancellation
/// A future that is dropped before its request was sent did nothing; after that the outcome is
/// unknown. Reads may be dropped at any time.
pub struct GraphOverHttp {
    line: Line,
    options: GraphOptions,
    tokens: Arc<dyn Tokens>,
    ids: RequestIds,
}

impl GraphOverHttp {
    /// A client for one Graph and all tenants.
    ///
    /// # Errors
    /// Where the address is unfit.
    pub fn new(
        options: GraphOptions,
        tokens: Arc<dyn Tokens>,
        ids: RequestIds,
    ) -> Result<Self, GraphSetupError> {
        Ok(Self {
            line: Line::new(&options)?,
            options,
            tokens,
            ids,
        })
    }

    async fn token(
        &self,
        operation: &'static str,
        tenant: &TenantId,
        limit: Duration,
    ) -> Result<AccessToken, GraphError> {
        let trace = Trace::default();
        match tokio::time::timeout(limit, self.tokens.token(tenant)).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(TokenError::Denied { why: detail })) => Err(GraphError::Denied {
                operation,
                detail,
                trace,
            }),
            Ok(Err(TokenError::Unavailable { why: detail, wait })) => {
                Err(GraphError::Unavailable {
                    operation,
                    detail,
                    wait: wait.map_or(Wait::NotSaid, Wait::For),
                    trace,
                })
            }
            Err(_) => Err(GraphError::Unavailable {
                operation,
                detail: format!("no token within {} s", limit.as_secs_f64()),
                wait: Wait::NotSaid,
                trace,
            }),
        }
    }

    async fn setting<'a>(
        &self,
        call: Call,
        tenant: &'a TenantId,
        token_limit: Duration,
        unspoken: Unspoken,
    ) -> Result<Setting<'a>, GraphError> {
        let token = self.token(call.verb(), tenant, token_limit).await?;
        let text = format!("Bearer {}", token.expose());
        let mut bearer = HeaderValue::from_str(&text).map_err(|_| GraphError::Denied {
            operation: call.verb(),
            detail: "the token holds characters that no header may carry".into(),
            trace: Trace::default(),
        })?;
        bearer.set_sensitive(true);
        Ok(Setting {
            call,
            tenant,
            bearer,
            client_request_id: self.ids.next(),
            unspoken,
        })
    }

    /// Sends one request and answers with what says success, whole or torn.
    async fn ask(
        &self,
        setting: &Setting<'_>,
        method: Method,
        url: Url,
        body: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<Answer, GraphError> {
        let began = Instant::now();
        let answer = self
            .line
            .exchange(Request {
                method,
                url,
                body,
                bearer: &setting.bearer,
                client_request_id: &setting.client_request_id,
                limit,
            })
            .await;
        let result = match answer {
            Ok(answer) if answer.status.is_success() => Ok(answer),
            Ok(answer) => {
                if answer.status == reqwest::StatusCode::UNAUTHORIZED {
                    self.tokens.refused(setting.tenant);
                }
                Err(failure(setting, &answer))
            }
            Err(broken) => Err(graph_outcome::unanswered(
                setting.call,
                broken,
                Trace::default(),
            )),
        };
        report(setting, &result, began.elapsed());
        result
    }

    /// Sends a request whose answer is one subscription.
    async fn ask_for_one(
        &self,
        setting: &Setting<'_>,
        method: Method,
        url: Url,
        body: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<Reply<Observed>, GraphError> {
        let answer = self.ask(setting, method, url, body, limit).await?;
        let row = match answer.torn {
            Some(why) => Err(why),
            None => pages::single(&answer.body),
        };
        let trace = answer.trace;
        match row {
            Ok(value) => Ok(Reply { value, trace }),
            Err(why) => Err(unreadable(setting, &why, trace)),
        }
    }

    /// An answer about another subscription than the one that was asked for says nothing.
    async fn ask_by_id(
        &self,
        setting: &Setting<'_>,
        id: &SubscriptionId,
        method: Method,
        body: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<Reply<Observed>, GraphError> {
        let url = self.line.subscriptions(&[id.as_str()]);
        let reply = self.ask_for_one(setting, method, url, body, limit).await?;
        if reply.value.id.as_str().eq_ignore_ascii_case(id.as_str()) {
            return Ok(reply);
        }
        let why = "the answer is about another subscription";
        Err(unreadable(setting, why, reply.trace))
    }

    async fn list_pages(&self, setting: &Setting<'_>) -> Result<(Listing, Trace), GraphError> {
        let bounds = Bounds {
            pages: self.options.page_limit,
            rows: self.options.row_limit,
        };
        let mut url = self.line.subscriptions(&[]);
        let mut listing = Listing::new(self.line.base().clone(), &url, bounds);
        let end = Instant::now() + self.options.timeouts.listing;
        loop {
            let limit = self.options.timeouts.other;
            let answer = self.ask(setting, Method::GET, url, None, limit).await?;
            let trace = answer.trace;
            if let Some(why) = answer.torn {
                return Err(unreadable(setting, &why, trace));
            }
            let next = match listing.take(&answer.body) {
                Ok(next) => next,
                Err(why) => return Err(unreadable(setting, why, trace)),
            };
            let Some(next) = next else {
                return Ok((listing, trace));
            };
            if listing.pages() >= self.options.pace.burst {
                tokio::time::sleep(self.options.pace.interval).await;
            }
            if Instant::now() >= end {
                listing.give_up(format!(
                    "there is more, but {} s have passed",
                    self.options.timeouts.listing.as_secs_f64()
                ));
                return Ok((listing, trace));
            }
            url = next;
        }
    }
}

#[async_trait::async_trait]
impl Graph for GraphOverHttp {
    async fn application(&self, tenant: &TenantId) -> Result<AppId, GraphError> {
        let limit = self.options.timeouts.token;
        let token = self.token("name its application", tenant, limit).await?;
        Ok(token.claims().application.clone())
    }

    async fn list(&self, tenant: &TenantId) -> Result<Reply<Listed>, GraphError> {
        let limit = self.options.timeouts.token;
        let setting = self
            .setting(Call::List, tenant, limit, Unspoken::default())
            .await?;
        let (listing, trace) = self.list_pages(&setting).await?;
        let value = listing.finish();
        Ok(Reply { value, trace })
    }

    async fn get(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<Observed>, GraphError> {
        let times = self.options.timeouts;
        let setting = self
            .setting(Call::Get, tenant, times.token, Unspoken::default())
            .await?;
        self.ask_by_id(&setting, id, Method::GET, None, times.other)
            .await
    }

    async fn create(
        &self,
        tenant: &TenantId,
        request: &CreateRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        let times = self.options.timeouts;
        let body = body::create(request).map_err(|error| unwritable(Call::Create, &error))?;
        let unspoken = Unspoken::of_create(request);
        let setting = self
            .setting(Call::Create, tenant, times.token, unspoken)
            .await?;
        let limit = match request.lifecycle_url {
            Some(_) => times.create_two_urls,
            None => times.create_one_url,
        };
        let url = self.line.subscriptions(&[]);
        self.ask_for_one(&setting, Method::POST, url, Some(body), limit)
            .await
    }

    async fn renew(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        request: &RenewRequest,
    ) -> Result<Reply<Observed>, GraphError> {
        let times = self.options.timeouts;
        let body = body::renew(request).map_err(|error| unwritable(Call::Renew, &error))?;
        let unspoken = Unspoken::of_renewal(request);
        let setting = self
            .setting(Call::Renew, tenant, times.token, unspoken)
            .await?;
        self.ask_by_id(&setting, id, Method::PATCH, Some(body), times.renew)
            .await
    }

    async fn reauthorize(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<()>, GraphError> {
        let times = self.options.timeouts;
        let setting = self
            .setting(Call::Reauthorize, tenant, times.token, Unspoken::default())
            .await?;
        let url = self.line.subscriptions(&[id.as_str(), "reauthorize"]);
        let answer = self
            .ask(&setting, Method::POST, url, None, times.renew)
            .await?;
        let trace = answer.trace;
        Ok(Reply { value: (), trace })
    }

    async fn delete(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        limit: Duration,
    ) -> Result<Reply<()>, GraphError> {
        let end = Instant::now() + limit;
        let times = self.options.timeouts;
        let token_limit = times.token.min(limit);
        let setting = self
            .setting(Call::Delete, tenant, token_limit, Unspoken::default())
            .await?;
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let broken = Broken::NotSent("the time for it ran out before it was sent".into());
            return Err(graph_outcome::unanswered(
                Call::Delete,
                broken,
                Trace::default(),
            ));
        }
        let url = self.line.subscriptions(&[id.as_str()]);
        let answer = self
            .ask(&setting, Method::DELETE, url, None, left.min(times.other))
            .await?;
        let trace = answer.trace;
        Ok(Reply { value: (), trace })
    }
}
