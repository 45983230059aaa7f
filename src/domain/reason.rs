//! Why something is done, or not done: one word each, the same in the log, the report, the audit
//! and the tests.

use super::state::BlockedBy;

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
    /// Something was created, and must be seen alone in a later complete listing.
    VerifyCreates = "verify-creates",
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
