//! The record of a lease: who may write a document, since when, and for how long.
//!
//! It behaves as a lease of Azure Blob Storage does, so that memory and files keep the same
//! promises: a holder that lets its term pass may still renew or release as long as nobody took
//! or wrote the document since; a write that names a lapsed lease is refused.
//! Source: learn.microsoft.com/rest/api/storageservices/lease-blob, tables of outcomes.
//!
//! Moments are durations since some fixed event of the store's choice (its start, or the
//! start of the machine). They must come from a clock that never jumps back.

use std::time::Duration;

/// One lease, lapsed or not. A document without a record was never leased, or its lease was given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The id that only its holder knows.
    pub holder: String,
    /// How long it stands after each renewal.
    pub term: Duration,
    /// The moment at which its term began the last time.
    pub renewed_at: Duration,
}

/// Why a lease does not let somebody do something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Another one holds it.
    Held,
    /// The lease named is not the one that stands.
    Lost,
}

impl Lease {
    /// Whether its term is still running. The last instant of a term belongs to the next holder.
    /// A record from the future (its clock began anew) does not stand.
    pub fn stands(&self, now: Duration) -> bool {
        now.checked_sub(self.renewed_at)
            .is_some_and(|age| age < self.term)
    }
}

/// Takes a lease for `holder`, a fresh id, where no other one stands.
pub fn acquire(
    current: Option<&Lease>,
    holder: &str,
    term: Duration,
    now: Duration,
) -> Result<Lease, Refusal> {
    if current.is_some_and(|lease| lease.stands(now)) {
        return Err(Refusal::Held);
    }
    Ok(Lease {
        holder: holder.to_owned(),
        term,
        renewed_at: now,
    })
}

/// Begins the term anew, even after a lapse that nobody used.
pub fn renew(current: Option<&Lease>, holder: &str, now: Duration) -> Result<Lease, Refusal> {
    match current {
        Some(lease) if lease.holder == holder => Ok(Lease {
            renewed_at: now,
            ..lease.clone()
        }),
        _ => Err(Refusal::Lost),
    }
}

/// Gives the lease back: on success no record is left.
pub fn release(current: Option<&Lease>, holder: &str) -> Result<(), Refusal> {
    match current {
        Some(lease) if lease.holder == holder => Ok(()),
        _ => Err(Refusal::Lost),
    }
}

/// Whether exactly this holder's lease stands.
pub fn holds(current: Option<&Lease>, holder: &str, now: Duration) -> bool {
    current.is_some_and(|lease| lease.holder == holder && lease.stands(now))
}

/// Whether a write may go through that names the lease of `holder`, or none.
///
/// A write without a lease over a lapsed one ends it for good: the store drops the record then.
pub fn permits_write(
    current: Option<&Lease>,
    holder: Option<&str>,
    now: Duration,
) -> Result<(), Refusal> {
    match holder {
        Some(holder) if holds(current, holder, now) => Ok(()),
        Some(_) => Err(Refusal::Lost),
        None if current.is_some_and(|lease| lease.stands(now)) => Err(Refusal::Held),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(15);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(100 + seconds)
    }

    fn taken_by(holder: &str) -> Lease {
        acquire(None, holder, TERM, at(0)).unwrap()
    }

    #[track_caller]
    fn check_write(holder: Option<&str>, now: Duration, expected: Result<(), Refusal>) {
        assert_eq!(permits_write(Some(&taken_by("a")), holder, now), expected);
    }

    #[test]
    fn nobody_takes_a_lease_before_its_term_has_passed() {
        let lease = taken_by("a");
        assert_eq!(acquire(Some(&lease), "b", TERM, at(14)), Err(Refusal::Held));
        assert_eq!(acquire(Some(&lease), "a", TERM, at(14)), Err(Refusal::Held));
        assert_eq!(
            acquire(Some(&lease), "b", TERM, at(15)).unwrap().holder,
            "b"
        );
    }

    #[test]
    fn a_renewal_moves_the_end_of_the_term() {
        let renewed = renew(Some(&taken_by("a")), "a", at(10)).unwrap();
        assert!(holds(Some(&renewed), "a", at(24)));
        assert!(!holds(Some(&renewed), "a", at(25)));
    }

    #[test]
    fn a_lapsed_lease_may_be_renewed_until_somebody_takes_it() {
        let lapsed = taken_by("a");
        assert!(renew(Some(&lapsed), "a", at(60)).is_ok());
        let taken = acquire(Some(&lapsed), "b", TERM, at(60)).unwrap();
        assert_eq!(renew(Some(&taken), "a", at(61)), Err(Refusal::Lost));
        assert_eq!(release(Some(&taken), "a"), Err(Refusal::Lost));
        assert_eq!(renew(None, "a", at(61)), Err(Refusal::Lost));
    }

    #[test]
    fn only_the_holder_of_a_standing_lease_writes() {
        check_write(Some("a"), at(14), Ok(()));
        check_write(Some("a"), at(15), Err(Refusal::Lost));
        check_write(Some("b"), at(1), Err(Refusal::Lost));
        check_write(None, at(14), Err(Refusal::Held));
        check_write(None, at(15), Ok(()));
    }

    #[test]
    fn a_record_from_the_future_does_not_stand() {
        assert!(!taken_by("a").stands(Duration::from_secs(99)));
        assert!(acquire(Some(&taken_by("a")), "b", TERM, Duration::ZERO).is_ok());
    }
}
