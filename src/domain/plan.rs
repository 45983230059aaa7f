//! What a pass should do next: looks, changes of what we remember, and effects on Graph.
//!
//! A plan leaves its executor no meaningful choice. Every part of it names its reason, and the
//! same word stands in the log, the report, the audit and the tests.

use jiff::Timestamp;

use super::ids::{AppId, Kid, SubscriptionId, SubscriptionName, TenantId};
use super::policy::Mode;
pub use super::reason::Reason;
use super::state::{Blocked, Going, HeldOrigin};
use super::subscription::{Desired, KeyTag, SubscriptionKey};

/// What to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// How much may be done, and why not more.
    pub grade: Grade,
    /// What must be seen before more can be decided.
    pub looks: Vec<Look>,
    /// What to remember. Applied before the steps are taken.
    pub changes: Vec<Change>,
    /// Effects on Graph, in order.
    pub steps: Vec<Step>,
    /// What was decided not to be done, and why.
    pub holds: Vec<Hold>,
}

impl Plan {
    /// Whether nothing is left to look at, to remember or to do.
    pub fn is_at_rest(&self) -> bool {
        self.looks.is_empty() && self.steps.is_empty() && self.changes.is_empty()
    }
}

/// How much a pass may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grade {
    /// The effective mode.
    pub mode: Mode,
    /// What lowered it below the configured one.
    pub brakes: Vec<Brake>,
}

/// What lowers a pass: to renew-only, or, where it is the audit, to all but deletes. Each is an
/// alarm for a human.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Brake {
    /// The declaration cannot be read or is invalid.
    DeclarationUnusable(String),
    /// The declaration is empty: far more often a mistake than a wish.
    DeclarationEmpty,
    /// The stored state cannot be read, or a newer version wrote it.
    StateUnreadable(String),
    /// The state was written by a fleet at another address that is not declared as former.
    OtherResidence {
        /// Address in the state.
        recorded: String,
        /// Address in the configuration.
        configured: String,
    },
    /// A key that signed a living subscription's clientState is missing from the ring.
    KeyMissing(Kid),
    /// The audit cannot be written. It stops deletes only.
    AuditFailing(String),
}

impl Brake {
    /// How much it leaves.
    pub fn leaves(&self) -> Mode {
        match self {
            Self::AuditFailing(_) => Mode::CreateOnly,
            _ => Mode::RenewOnly,
        }
    }

    /// A short word for reports and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::DeclarationUnusable(_) => "declaration-unusable",
            Self::DeclarationEmpty => "declaration-empty",
            Self::StateUnreadable(_) => "state-unreadable",
            Self::OtherResidence { .. } => "other-residence",
            Self::KeyMissing(_) => "key-missing",
            Self::AuditFailing(_) => "audit-failing",
        }
    }

    /// What is wrong and what a human should do.
    pub fn advice(&self) -> String {
        match self {
            Self::DeclarationUnusable(why) => format!(
                "the declared subscriptions cannot be used ({why}); nothing is created or deleted \
                 until they can. Run `evergraph check` on the file"
            ),
            Self::DeclarationEmpty => {
                "no subscription is declared; nothing is created or deleted. \
                 If that is meant, delete the subscriptions by hand; otherwise restore the file"
                    .to_owned()
            }
            Self::StateUnreadable(why) => format!(
                "the stored state cannot be read ({why}); it is left as it is and only renewals are \
                 made. Deploy the version that wrote it, or move the document away to start anew"
            ),
            Self::OtherResidence {
                recorded,
                configured,
            } => format!(
                "the state belongs to {recorded}, but the configuration says {configured}; nothing \
                 is created or deleted. If the move is meant, add {recorded} to EVERGRAPH_FORMER_URLS"
            ),
            Self::KeyMissing(kid) => format!(
                "key {kid} signed living subscriptions but is missing from \
                 EVERGRAPH_CLIENT_STATE_KEYS; nothing is created or deleted. Put it back into the ring"
            ),
            Self::AuditFailing(why) => format!(
                "{why}; nothing is deleted until it can be written down. Renewals and creates go \
                 on, and their records wait in memory. Mend the place that EVERGRAPH_AUDIT names"
            ),
        }
    }
}

/// Something to see before more can be decided.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Look {
    /// Which application does the tenant's token belong to? Needs no call of Graph.
    App(TenantId),
    /// A complete listing of the tenant.
    List {
        /// The tenant.
        tenant: TenantId,
        /// Why.
        why: Reason,
    },
    /// One row by id.
    Get {
        /// The tenant.
        tenant: TenantId,
        /// The row.
        id: SubscriptionId,
        /// Why.
        why: Reason,
    },
}

/// Something to remember.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// The application that owns a tenant's subscriptions. A new one cannot see what the former
    /// one created: everything held in the tenant is let go.
    RecordApp {
        /// The tenant.
        tenant: TenantId,
        /// The application.
        app: AppId,
    },
    /// Fleet and origin of today.
    RecordResidence,
    /// A complete listing was taken.
    Audited {
        /// The tenant.
        tenant: TenantId,
        /// When it began.
        at: Timestamp,
    },
    /// A declared key, or its new name.
    Declare {
        /// The key's tag.
        tag: KeyTag,
        /// The key.
        key: SubscriptionKey,
        /// Its name.
        name: SubscriptionName,
    },
    /// A row becomes the one that serves the key.
    Adopt {
        /// The key's tag.
        tag: KeyTag,
        /// The key.
        key: SubscriptionKey,
        /// The row's id.
        id: SubscriptionId,
        /// Its end.
        expires: Timestamp,
        /// In what sense it is ours.
        origin: HeldOrigin,
        /// Which key signed it.
        kid: Option<Kid>,
        /// Its certificate.
        certificate_id: Option<String>,
    },
    /// Graph shows another end than we remember.
    SeenExpiry {
        /// The key's tag.
        tag: KeyTag,
        /// The end.
        expires: Timestamp,
    },
    /// An unproven row was proven by a notification.
    Proven {
        /// The key's tag.
        tag: KeyTag,
    },
    /// A lifecycle event asks for a renewal before the planned one. Remembered, so that the wish
    /// outlives its mark where the renewal has to wait or fails.
    Hasten {
        /// The key's tag.
        tag: KeyTag,
        /// When to renew.
        due: Timestamp,
    },
    /// An event said that it is gone and the GET had no answer: it is asked again.
    Doubt {
        /// The key's tag.
        tag: KeyTag,
    },
    /// What served the key does so no longer.
    LetGo {
        /// The key's tag.
        tag: KeyTag,
        /// Why.
        why: Reason,
    },
    /// A GET found what a PATCH had missed.
    Undoubt {
        /// The key's tag.
        tag: KeyTag,
    },
    /// A complete listing that began after the settle time shows nothing of the open create.
    Unintend {
        /// The key's tag.
        tag: KeyTag,
    },
    /// Nothing is left to remember of the key.
    Forget {
        /// The key's tag.
        tag: KeyTag,
    },
    /// The key cannot be served for now.
    Block {
        /// The key's tag.
        tag: KeyTag,
        /// By what and until when.
        blocked: Blocked,
    },
    /// An own row should go; from now on its time runs.
    Watch {
        /// The row.
        id: SubscriptionId,
        /// Its tenant.
        tenant: TenantId,
        /// Why it should go.
        why: Going,
    },
    /// Its removal is confirmed but cannot be carried out as things stand.
    Postpone {
        /// The row.
        id: SubscriptionId,
        /// When to look at it again.
        until: Timestamp,
    },
    /// The row is gone, or may stay.
    Unwatch {
        /// The row.
        id: SubscriptionId,
    },
}

/// One effect on Graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Extend a subscription.
    Renew(Renewal),
    /// Create one.
    Create(Creation),
    /// Extend the one that stays and, within ten seconds of that, delete the others.
    Collapse {
        /// The one that stays.
        survivor: Renewal,
        /// The others.
        surplus: Vec<Deletion>,
    },
    /// Delete an own row that blocks the key, then create. The gap is measured and reported.
    Replace {
        /// What is in the way.
        delete: Deletion,
        /// What takes its place.
        create: Creation,
    },
    /// Delete a row that is no longer declared.
    Delete(Deletion),
}

/// A renewal by PATCH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Renewal {
    /// The tenant.
    pub tenant: TenantId,
    /// The row.
    pub id: SubscriptionId,
    /// The key it serves; `None` for a row of which no state is readable.
    pub tag: Option<KeyTag>,
    /// The expiry to ask for.
    pub expires: Timestamp,
    /// The end as remembered: the most urgent renewal goes first.
    pub ends: Timestamp,
    /// Whether the row stands at a former address and is moved to today's.
    pub moves: bool,
    /// Whether the declared certificate is sent along.
    pub certificate: bool,
    /// Why.
    pub why: Reason,
}

/// A create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Creation {
    /// The key's tag.
    pub tag: KeyTag,
    /// What is wanted.
    pub desired: Desired,
    /// The expiry to ask for.
    pub expires: Timestamp,
    /// Why.
    pub why: Reason,
}

/// A delete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// The tenant.
    pub tenant: TenantId,
    /// The row.
    pub id: SubscriptionId,
    /// Why.
    pub why: Reason,
}

/// Something that was not done, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The tenant.
    pub tenant: TenantId,
    /// The key, where it is about one.
    pub tag: Option<KeyTag>,
    /// The row, where it is about one.
    pub id: Option<SubscriptionId>,
    /// Why.
    pub why: Reason,
    /// When it may change by itself, where known.
    pub until: Option<Timestamp>,
    /// More, in words.
    pub words: String,
}
