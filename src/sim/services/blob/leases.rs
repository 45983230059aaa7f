//! Leases of blobs: the tables of
//! <https://learn.microsoft.com/rest/api/storageservices/lease-blob>.

use jiff::{SignedDuration, Timestamp};

use super::answers::{self, Refusal};

/// The lease of a blob.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Lease {
    /// None.
    #[default]
    Available,
    /// Held; `until` is `None` for a lease without end.
    Leased {
        id: String,
        until: Option<Timestamp>,
        term_s: i64,
    },
    /// Being broken: until then it still keeps others out.
    Breaking { id: String, until: Timestamp },
    /// Broken.
    Broken { id: String },
}

impl Lease {
    /// Its state in the service's word.
    pub(super) fn shown(&self, now: Timestamp) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Leased { .. } if self.is_over(now) => "expired",
            Self::Leased { .. } => "leased",
            Self::Breaking { .. } if self.is_over(now) => "broken",
            Self::Breaking { .. } => "breaking",
            Self::Broken { .. } => "broken",
        }
    }

    /// Whether a write with this lease id, or with none, may happen.
    pub(super) fn admits(&self, id: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
        let over = self.is_over(now);
        match (self, id) {
            (Self::Available, None) => Ok(()),
            (Self::Available, Some(_)) => Err(answers::LEASE_NONE),
            (Self::Leased { .. } | Self::Breaking { .. }, None) if !over => {
                Err(answers::LEASE_MISSING)
            }
            (_, None) => Ok(()),
            (Self::Leased { id: held, .. } | Self::Breaking { id: held, .. }, Some(id))
                if !over =>
            {
                same(held, id).then_some(()).ok_or(answers::LEASE_OTHER)
            }
            (
                Self::Leased { id: held, .. }
                | Self::Breaking { id: held, .. }
                | Self::Broken { id: held },
                Some(id),
            ) => Err(match same(held, id) {
                true => answers::LEASE_LOST,
                false => answers::LEASE_NONE,
            }),
        }
    }

    /// Takes it, for a term in seconds, -1 meaning without end.
    pub(super) fn acquire(&mut self, id: &str, term_s: i64, now: Timestamp) -> Result<(), Refusal> {
        let over = self.is_over(now);
        match self {
            Self::Leased { id: held, .. } if !over && !same(held, id) => {
                return Err(answers::LEASE_PRESENT);
            }
            Self::Breaking { .. } if !over => return Err(answers::LEASE_BREAKING),
            _ => {}
        }
        *self = Self::Leased {
            id: id.to_owned(),
            until: end(term_s, now),
            term_s,
        };
        Ok(())
    }

    /// Renews it for its term.
    pub(super) fn renew(&mut self, id: &str, now: Timestamp) -> Result<(), Refusal> {
        match self {
            Self::Available => Err(answers::LEASE_ACTION_NONE),
            Self::Leased {
                id: held,
                until,
                term_s,
            } if same(held, id) => {
                *until = end(*term_s, now);
                Ok(())
            }
            Self::Leased { .. } => Err(answers::LEASE_ACTION_OTHER),
            Self::Breaking { id: held, .. } | Self::Broken { id: held } => {
                Err(match same(held, id) {
                    true => answers::LEASE_BROKEN,
                    false => answers::LEASE_ACTION_OTHER,
                })
            }
        }
    }

    /// Gives it back.
    pub(super) fn release(&mut self, id: &str) -> Result<(), Refusal> {
        match self {
            Self::Available => Err(answers::LEASE_ACTION_NONE),
            Self::Leased { id: held, .. }
            | Self::Breaking { id: held, .. }
            | Self::Broken { id: held }
                if same(held, id) =>
            {
                *self = Self::Available;
                Ok(())
            }
            _ => Err(answers::LEASE_ACTION_OTHER),
        }
    }

    /// Breaks it within a period; at once, if that is over.
    pub(super) fn break_within(&mut self, period_s: i64, now: Timestamp) -> Result<(), Refusal> {
        let (Self::Leased { id, .. } | Self::Breaking { id, .. } | Self::Broken { id }) = &*self
        else {
            return Err(answers::LEASE_ACTION_NONE);
        };
        let id = id.clone();
        *self = match period_s {
            1.. => Self::Breaking {
                id,
                until: now + SignedDuration::from_secs(period_s),
            },
            _ => Self::Broken { id },
        };
        Ok(())
    }

    fn is_over(&self, now: Timestamp) -> bool {
        match self {
            Self::Leased { until, .. } => until.is_some_and(|until| until <= now),
            Self::Breaking { until, .. } => *until <= now,
            Self::Available | Self::Broken { .. } => false,
        }
    }
}

fn end(term_s: i64, now: Timestamp) -> Option<Timestamp> {
    (term_s >= 0).then(|| now + SignedDuration::from_secs(term_s))
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
