//! What a pass has seen of Graph so far.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::ids::{AppId, SubscriptionId, TenantId};
use super::subscription::Observed;

/// A tenant's listing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Listing {
    /// Not asked for in this pass.
    #[default]
    NotTaken,
    /// Some pages could not be had. Creates and deletes nothing.
    Incomplete {
        /// What was seen.
        rows: Vec<Observed>,
        /// What is missing.
        why: String,
    },
    /// Every page was read.
    Complete {
        /// The rows.
        rows: Vec<Observed>,
        /// When the first page was asked for, on Graph's clock.
        begun_at: Timestamp,
    },
}

impl Listing {
    /// The rows, whether or not all were seen.
    pub fn rows(&self) -> &[Observed] {
        match self {
            Self::NotTaken => &[],
            Self::Incomplete { rows, .. } | Self::Complete { rows, .. } => rows,
        }
    }

    /// When it began, if it is complete.
    pub fn complete_since(&self) -> Option<Timestamp> {
        match self {
            Self::Complete { begun_at, .. } => Some(*begun_at),
            _ => None,
        }
    }
}

/// The answer to a GET by id.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every answer is a row, and there are few of them"
)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ById {
    /// It is there.
    Found(Observed),
    /// 404: the only proof that it is gone.
    Gone,
    /// No answer; nothing is known.
    NoAnswer,
}

/// What a pass has seen of one tenant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sight {
    /// The application that the token belongs to; `None` before it was asked.
    pub app: Option<AppId>,
    /// The token could not be had; the text says why. Nothing can be done for the tenant.
    pub no_token: Option<String>,
    /// The listing.
    pub listing: Listing,
    /// Single rows read by id.
    pub by_id: BTreeMap<SubscriptionId, ById>,
}

/// Everything seen, by tenant.
pub type Sights = BTreeMap<TenantId, Sight>;

/// What a lifecycle event says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LifecycleEvent {
    /// The authorization ends soon.
    ReauthorizationRequired,
    /// Graph removed the subscription.
    SubscriptionRemoved,
    /// Notifications were not delivered.
    Missed,
}

impl LifecycleEvent {
    /// Graph's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReauthorizationRequired => "reauthorizationRequired",
            Self::SubscriptionRemoved => "subscriptionRemoved",
            Self::Missed => "missed",
        }
    }

    /// Reads Graph's word in any letter case.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::ReauthorizationRequired,
            Self::SubscriptionRemoved,
            Self::Missed,
        ]
        .into_iter()
        .find(|event| event.as_str().eq_ignore_ascii_case(word))
    }
}

/// A durable wish for a pass.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WakeMark {
    /// What happened.
    pub event: LifecycleEvent,
    /// To which subscription.
    pub subscription: SubscriptionId,
}

/// What the intake has learnt about subscription ids by their notifications' clientState.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Proofs {
    /// Last verified.
    pub verified: BTreeSet<SubscriptionId>,
    /// Last refused.
    pub refused: BTreeSet<SubscriptionId>,
}
