//! What one shard remembers from pass to pass.
//!
//! These are values, not a format: reading and writing them is the business of the application.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::conflict::Cause;
use super::ids::{AppId, FleetId, Kid, SubscriptionId, SubscriptionName, TenantId};
use super::subscription::{KeyTag, SubscriptionKey};

/// The memory of one shard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShardState {
    /// The fleet and origin that wrote it last; `None` only before the first pass.
    pub residence: Option<Residence>,
    /// Hash of the declaration and the addresses that the last complete pass acted on.
    pub config_hash: Option<String>,
    /// What is remembered for each tenant.
    pub tenants: BTreeMap<TenantId, TenantState>,
    /// What is remembered for each key.
    pub entries: BTreeMap<KeyTag, Entry>,
    /// Own rows that should go, and since when we know.
    pub watches: BTreeMap<SubscriptionId, Watch>,
    /// Graph's clock minus ours, from Graph's last `Date` header.
    pub clock_offset: SignedDuration,
}

/// Where the writer of a state lived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Residence {
    /// Its fleet.
    pub fleet: FleetId,
    /// Its public origin.
    pub origin: String,
}

/// What is remembered for one tenant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TenantState {
    /// The Entra application that owns the tenant's subscriptions.
    pub app: Option<AppId>,
    /// When the last complete listing began.
    pub audited_at: Option<Timestamp>,
    /// Something was created: a complete listing that begins then or later must be taken, since
    /// Graph may have accepted a second one of the same key without a word.
    pub verify_at: Option<Timestamp>,
    /// Graph asked us to be quiet until then.
    pub quiet_until: Option<Timestamp>,
    /// Waits in a row that Graph asked for without saying how long.
    pub throttles: u32,
    /// Failed attempts in a row to take a listing, and when the next is due.
    pub look_again: Option<Retry>,
}

impl TenantState {
    /// Whether what was created is to be looked for in a complete listing now.
    pub(super) fn is_verify_due(&self, now: Timestamp) -> bool {
        self.verify_at.is_some_and(|at| at <= now)
    }
}

/// What is remembered for one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: SubscriptionKey,
    /// Its name when last declared.
    pub name: Option<SubscriptionName>,
    /// The subscription that serves it.
    pub held: Option<Held>,
    /// A create that was written down and has no known outcome.
    pub intent: Option<Intent>,
    /// What Graph put in the way of the last create, to be looked into.
    pub obstacle: Option<Obstacle>,
    /// Not to be tried again before then.
    pub blocked: Option<Blocked>,
    /// Failures in a row, and when to try again.
    pub retry: Option<Retry>,
    /// Since when nothing serves it because a row had to be deleted first.
    pub gap: Option<Gap>,
    /// Successful renewals since it was first held.
    pub renewals: u64,
    /// Successful creates since the key was first declared.
    pub creations: u64,
}

impl Entry {
    /// An entry about which only the key is known.
    pub fn new(key: SubscriptionKey) -> Self {
        Self {
            key,
            name: None,
            held: None,
            intent: None,
            obstacle: None,
            blocked: None,
            retry: None,
            gap: None,
            renewals: 0,
            creations: 0,
        }
    }

    /// Forgets what kept the key from being served, and failures.
    pub(super) fn unblock(&mut self) {
        self.obstacle = None;
        self.blocked = None;
        self.retry = None;
    }
}

/// The subscription that serves a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Graph's id.
    pub id: SubscriptionId,
    /// When it ends, as Graph returned it.
    pub expires: Timestamp,
    /// When to renew it; drawn once, with jitter.
    pub due: Timestamp,
    /// When this state created or adopted it.
    pub obtained_at: Timestamp,
    /// How it came to us.
    pub origin: HeldOrigin,
    /// The key of the ring that signed its clientState; `None` while that is unseen.
    pub kid: Option<Kid>,
    /// Our id of the certificate that Graph encrypts to.
    pub certificate_id: Option<String>,
    /// The certificate that we last asked for by PATCH. Graph still naming another one makes
    /// the row mismatched.
    pub certificate_asked: Option<String>,
    /// When it was last changed by PATCH.
    pub patched_at: Option<Timestamp>,
    /// A PATCH said that it is gone; only a GET may confirm that.
    pub doubted: bool,
}

/// How a subscription came to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeldOrigin {
    /// We created it.
    Created,
    /// We found it, and its clientState is ours.
    Adopted,
    /// We found it, but Graph shows no clientState; only notifications can prove it.
    Unproven,
    /// We found it, and it is not as declared; it serves until it is replaced.
    Mismatched,
}

/// A create written down before it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    /// When it was written down, on Graph's clock.
    pub at: Timestamp,
    /// An own row that had to be deleted first.
    pub instead_of: Option<SubscriptionId>,
}

/// Time without coverage that a replacement causes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// The row that was deleted to make room.
    pub deleted: SubscriptionId,
    /// When that was about to be sent, on Graph's clock.
    pub since: Timestamp,
}

/// What Graph put in the way of a create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Obstacle {
    /// Its cause.
    pub cause: Cause,
    /// The holder, where Graph named one. Untrusted until read by id.
    pub holder: Option<SubscriptionId>,
    /// When it was met.
    pub at: Timestamp,
}

/// A key that cannot be served for now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// By what.
    pub cause: BlockedBy,
    /// Who holds it, where known.
    pub holder: Option<SubscriptionId>,
    /// When to try again.
    pub until: Timestamp,
    /// Since when.
    pub since: Timestamp,
}

/// What blocks a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockedBy {
    /// A subscription that is not ours holds the combination.
    Foreign,
    /// Graph says that something holds it, but nothing can be seen.
    Invisible,
    /// An own row that must go first, and whose removal is not confirmed yet.
    OwnRow,
    /// A limit is reached.
    Quota,
    /// A conflict that no rule knows.
    Unclassified,
    /// A wait that makes no sense was asked for.
    AbsurdWait,
}

/// Failures in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retry {
    /// How many.
    pub failures: u32,
    /// Not before then.
    pub not_before: Timestamp,
}

/// An own row that should go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Watch {
    /// Its tenant.
    pub tenant: TenantId,
    /// Why it should go.
    pub why: Going,
    /// When a pass first saw it so.
    pub since: Timestamp,
    /// Under which configuration. Another one starts the clock anew.
    pub config_hash: String,
    /// Failed attempts to remove it.
    pub retry: Option<Retry>,
}

/// Why an own row should go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Going {
    /// Its key is no longer declared.
    Undeclared,
    /// It is ours, but not as declared, and that cannot be changed by PATCH.
    Mismatched,
}

impl Going {
    /// The word in stored state and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undeclared => "undeclared",
            Self::Mismatched => "mismatched",
        }
    }
}
