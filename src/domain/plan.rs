//! What a pass should do next: looks, changes of what we remember, and effects on Graph.
//!
//! A plan leaves its executor no meaningful choice. Every part of it names its reason, and the
//! same word stands in the log, the report, the audit and the tests.

use jiff::Timestamp;

use super::ids::{AppId, Kid, SubscriptionId, SubscriptionName, TenantId};
use super::policy::Mode;
use super::state::{Blocked, BlockedBy, Going, HeldOrigin};
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

/// What lowers a pass to renew-only. Each is an alarm for a human.
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
}

impl Brake {
    /// A short word for reports and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::DeclarationUnusable(_) => "declaration-unusable",
            Self::DeclarationEmpty => "declaration-empty",
            Self::StateUnreadable(_) => "state-unreadable",
            Self::OtherResidence { .. } => "other-residence",
            Self::KeyMissing(_) => "key-missing",
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

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why something is done, or not done.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in logs, metrics, reports and the audit.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reasons! {
    /// Its renewal time has come.
    Due = "due",
    /// Its lifetime is under four ticks: every tick renews it.
    ShortLifetime = "short-lifetime",
    /// Graph asked for a new authorization.
    Reauthorize = "reauthorize",
    /// It stands at a former address.
    MovedAddress = "moved-address",
    /// It stays while its duplicates go.
    Survivor = "survivor",
    /// It replaced a mismatched row and must prove itself before that one goes.
    ConfirmReplacement = "confirm-replacement",
    /// Nothing serves the key.
    Missing = "missing",
    /// What served the key is gone: a GET said 404.
    ConfirmedGone = "confirmed-gone",
    /// What served the key now belongs to somebody else.
    TurnedForeign = "turned-foreign",
    /// What serves the key is not as declared.
    Replacement = "replacement",
    /// It is a duplicate of one that stays.
    Surplus = "surplus",
    /// It is not as declared, and its replacement is confirmed.
    Replaced = "replaced",
    /// It is no longer declared.
    Undeclared = "undeclared",
    /// It is ours and must go, and Graph refuses its successor because of it.
    InTheWay = "in-the-way",
    /// The listing of the audit is due.
    Audit = "audit",
    /// Something removable was confirmed and must be seen in this pass.
    Removal = "removal",
    /// A create has no known outcome.
    OpenIntent = "open-intent",
    /// The declaration or the address changed.
    ConfigChanged = "config-changed",
    /// The stored state cannot be read; the rows themselves must be seen.
    StateUnreadable = "state-unreadable",
    /// It is not in a complete listing; only a GET can say more.
    AbsentFromListing = "absent-from-listing",
    /// A PATCH said that it is gone; only a GET can confirm it.
    PatchSaidGone = "patch-said-gone",
    /// A lifecycle event said that it was removed; only a GET can confirm it.
    RemovedEvent = "removed-event",
    /// Its clientState does not stand in listings.
    UnseenClientState = "unseen-client-state",
    /// Graph named it as the holder of the combination.
    NamedHolder = "named-holder",
    /// A create has no known outcome and its settle time runs.
    Settling = "settling",
    /// Graph asked for silence.
    QuietPeriod = "quiet-period",
    /// It failed lately.
    Backoff = "backoff",
    /// A foreign subscription holds the combination.
    ForeignHolder = "foreign-holder",
    /// Graph says that something holds the combination; nothing can be seen.
    InvisibleHolder = "invisible-holder",
    /// An own row must go first, and its time still runs.
    OwnRowInTheWay = "own-row-in-the-way",
    /// A limit of Graph is reached.
    Quota = "quota",
    /// Graph refused for a reason that no rule knows.
    Unclassified = "unclassified",
    /// Graph asked for a wait that makes no sense.
    AbsurdWait = "absurd-wait",
    /// The mode does not allow it.
    ModeForbids = "mode-forbids",
    /// The listing is incomplete.
    IncompleteListing = "incomplete-listing",
    /// The token belongs to another application than the one that owns the tenant's subscriptions.
    OtherApplication = "other-application",
    /// No token could be had.
    NoToken = "no-token",
    /// A row with our address is signed by a key that is not in the ring.
    UnknownKey = "unknown-key",
    /// Its removal is not confirmed yet.
    NotYetConfirmed = "not-yet-confirmed",
    /// Enough was removed in this pass.
    RemovalCap = "removal-cap",
    /// An adopted row is not proven yet; no duplicate of it is deleted.
    Unproven = "unproven",
    /// A row could not be read by id.
    NoAnswer = "no-answer",
    /// All is well.
    AllWell = "all-well",
}

impl From<BlockedBy> for Reason {
    fn from(cause: BlockedBy) -> Self {
        match cause {
            BlockedBy::Foreign => Self::ForeignHolder,
            BlockedBy::Invisible => Self::InvisibleHolder,
            BlockedBy::OwnRow => Self::OwnRowInTheWay,
            BlockedBy::Quota => Self::Quota,
            BlockedBy::Unclassified => Self::Unclassified,
            BlockedBy::AbsurdWait => Self::AbsurdWait,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
