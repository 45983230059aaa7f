//! Microsoft Graph's subscriptions, as the application sees them.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::client_state::ClientState;
use crate::domain::conflict::Verdict;
use crate::domain::ids::{AppId, SubscriptionId, TenantId};
use crate::domain::subscription::{ChangeTypes, EncryptionCertificate, Observed};

/// What every answer of Graph carries beside its content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// Graph's own clock, from the `Date` header.
    pub date: Option<Timestamp>,
    /// Graph's `request-id`: quote it to Microsoft's support.
    pub request_id: Option<String>,
}

/// A successful answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply<T> {
    /// The content.
    pub value: T,
    /// Beside it.
    pub trace: Trace,
}

/// How long Graph asks us to wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Not said: use our own backoff.
    NotSaid,
    /// At least this long, counted from the arrival of the answer.
    For(Duration),
    /// A demand that makes no sense (over one day, negative, not a number). Never slept on,
    /// never clipped: reported, and tried again at the next audit.
    Absurd(String),
}

/// A call that failed, by what the caller must do next.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GraphError {
    /// It certainly took no effect, and the same request will fail again: tell a human.
    #[error("graph refused to {operation}: {detail}")]
    Refused {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        /// Graph's code and words, secrets removed.
        detail: String,
        /// What it means.
        verdict: Verdict,
        /// Beside it.
        trace: Trace,
    },
    /// It may or may not have taken effect: look before acting again.
    #[error("no usable reply to {operation}: {detail}")]
    Unknown {
        /// What was tried.
        operation: &'static str,
        /// What happened.
        detail: String,
        /// How long to wait.
        wait: Wait,
        /// Beside it.
        trace: Trace,
    },
    /// It certainly took no effect, and may work later (never sent, or a read that failed).
    #[error("graph is not available to {operation}: {detail}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// What happened.
        detail: String,
        /// How long to wait.
        wait: Wait,
        /// Beside it.
        trace: Trace,
    },
    /// It certainly took no effect; no call before the wait has passed.
    #[error("graph asks to wait before it lets us {operation}")]
    Throttled {
        /// What was tried.
        operation: &'static str,
        /// How long to wait.
        wait: Wait,
        /// Beside it.
        trace: Trace,
    },
    /// Graph does not know the id (404).
    #[error("graph knows no such subscription to {operation}")]
    Gone {
        /// What was tried.
        operation: &'static str,
        /// Beside it.
        trace: Trace,
    },
    /// Something stands in the way; the verdict says what.
    #[error("a conflict stands in the way to {operation}: {detail}")]
    Conflict {
        /// What was tried.
        operation: &'static str,
        /// Graph's code and words, secrets removed.
        detail: String,
        /// Its cause, remedy and, where the message names one, the holder.
        verdict: Verdict,
        /// Beside it.
        trace: Trace,
    },
    /// A limit is reached; only a release of something else helps.
    #[error("a quota of graph is exhausted, it does not let us {operation}: {detail}")]
    Quota {
        /// What was tried.
        operation: &'static str,
        /// Graph's words.
        detail: String,
        /// What it means.
        verdict: Verdict,
        /// Beside it.
        trace: Trace,
    },
    /// No token, or Graph does not accept ours: tell a human.
    #[error("not allowed to {operation}: {detail}")]
    Denied {
        /// What was tried.
        operation: &'static str,
        /// What is missing.
        detail: String,
        /// Beside it.
        trace: Trace,
    },
}

impl GraphError {
    /// What the answer carried beside its content.
    pub fn trace(&self) -> &Trace {
        match self {
            Self::Refused { trace, .. }
            | Self::Unknown { trace, .. }
            | Self::Unavailable { trace, .. }
            | Self::Throttled { trace, .. }
            | Self::Gone { trace, .. }
            | Self::Conflict { trace, .. }
            | Self::Quota { trace, .. }
            | Self::Denied { trace, .. } => trace,
        }
    }

    /// What the classifier made of it, where it stands in the way of the request.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Refused { verdict, .. }
            | Self::Conflict { verdict, .. }
            | Self::Quota { verdict, .. } => Some(verdict),
            _ => None,
        }
    }

    /// How long Graph asked us to wait, whatever the failure was.
    pub fn wait(&self) -> Option<&Wait> {
        match self {
            Self::Unknown { wait, .. }
            | Self::Unavailable { wait, .. }
            | Self::Throttled { wait, .. } => Some(wait),
            _ => None,
        }
    }

    /// A short word for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unknown { .. } => "unknown",
            Self::Unavailable { .. } => "unavailable",
            Self::Throttled { .. } => "throttled",
            Self::Gone { .. } => "gone",
            Self::Conflict { .. } => "conflict",
            Self::Quota { .. } => "quota",
            Self::Denied { .. } => "denied",
        }
    }
}

/// A new subscription, as sent to Graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateRequest {
    /// Resource path as declared.
    pub resource: String,
    /// Change types.
    pub change_types: ChangeTypes,
    /// Where changes go.
    pub notification_url: String,
    /// Where lifecycle events go.
    pub lifecycle_url: Option<String>,
    /// The expiry to ask for. Graph may answer with another one.
    pub expires: Timestamp,
    /// The derived clientState.
    pub client_state: ClientState,
    /// For resource data; its presence sets `includeResourceData`.
    pub certificate: Option<EncryptionCertificate>,
    /// `notificationQueryOptions`.
    pub query_options: Option<String>,
}

/// A renewal. It also reauthorizes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RenewRequest {
    /// The expiry to ask for.
    pub expires: Timestamp,
    /// A new notification address, where the row stands at a former one.
    pub notification_url: Option<String>,
    /// A new certificate, where the row still names an old one.
    pub certificate: Option<EncryptionCertificate>,
}

/// All pages of a tenant's subscriptions, or as many as could be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The rows, in the order in which Graph gave them.
    pub rows: Vec<Observed>,
    /// Why the listing is incomplete, if it is: an incomplete one creates and deletes nothing.
    pub incomplete: Option<String>,
    /// Pages read; each was one call.
    pub pages: u32,
}

/// Graph's subscriptions of one calling application.
///
/// # Guarantees
/// One method is one logical call with one time-out; nothing is retried inside (a listing is
/// one call for each page). A call that was sent is awaited until its answer or its time-out,
/// whichever is first; dropping the future leaves the outcome unknown.
///
/// # Errors
/// [`GraphError`], by consequence. Rows that cannot be read make a listing incomplete.
#[async_trait::async_trait]
pub trait Graph: Send + Sync {
    /// The application that the tenant's token belongs to.
    async fn application(&self, tenant: &TenantId) -> Result<AppId, GraphError>;

    /// Lists every subscription of the calling application in the tenant.
    async fn list(&self, tenant: &TenantId) -> Result<Reply<Listed>, GraphError>;

    /// Reads one subscription.
    async fn get(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<Observed>, GraphError>;

    /// Creates a subscription. Graph validates the endpoint before it answers: up to ten
    /// seconds for each address.
    async fn create(
        &self,
        tenant: &TenantId,
        request: &CreateRequest,
    ) -> Result<Reply<Observed>, GraphError>;

    /// Extends (and reauthorizes) a subscription by PATCH.
    async fn renew(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        request: &RenewRequest,
    ) -> Result<Reply<Observed>, GraphError>;

    /// Reauthorizes without extending. The product never calls it (a renewal does both).
    async fn reauthorize(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
    ) -> Result<Reply<()>, GraphError>;

    /// Deletes a subscription; answers within the limit.
    async fn delete(
        &self,
        tenant: &TenantId,
        id: &SubscriptionId,
        limit: Duration,
    ) -> Result<Reply<()>, GraphError>;
}
