//! Short names for meanings, and the check that the tables of tests go through.

use crate::domain::conflict::Automatic::{self, AfterCompare, Policy};
use crate::domain::conflict::Cause::*;
use crate::domain::conflict::Remedy::*;
use crate::domain::conflict::{Answer, Cause, Operation, Remedy, Service, Verdict, classify};

pub(super) type Headers<'a> = &'a [(&'a str, &'a str)];
pub(super) type Meaning = (Cause, Remedy, Automatic);

pub(super) const EXISTS: Meaning = (AlreadyExists, AdoptExisting, AfterCompare);
pub(super) const STANDS: Meaning = (AlreadyExists, TreatAsSuccess, AfterCompare);
pub(super) const HELD: Meaning = (NameHeldByOther, Escalate, Automatic::No);
pub(super) const UNKNOWN: Meaning = (Unclassified, Escalate, Automatic::No);
pub(super) const STALE: Meaning = (VersionMismatch, RereadAndReapply, AfterCompare);
pub(super) const LOCKED: Meaning = (LockHeld, WaitForUnlock, Automatic::Yes);
pub(super) const BUSY: Meaning = (OperationInProgress, PollThenRetry, Automatic::Yes);
pub(super) const AMBIGUOUS: Meaning = (AmbiguousOutcome, ReadBeforeRetry, Automatic::Yes);
pub(super) const THROTTLED: Meaning = (Throttled, RetryAfterDelay, Automatic::Yes);
pub(super) const NOT_THERE: Meaning = (Unavailable, RetryAfterDelay, Automatic::Yes);
pub(super) const WRONG: Meaning = (InvalidRequest, FixRequest, Automatic::No);
pub(super) const SOFT_DELETED: Meaning = (SoftDeletedHolder, RestoreSoftDeleted, Policy);

#[track_caller]
pub(super) fn check_with(
    service: Service,
    operation: Operation,
    status: u16,
    headers: Headers<'_>,
    body: &str,
    want: Meaning,
) -> Verdict {
    let got = classify(&Answer {
        service,
        operation,
        status,
        headers,
        body: body.as_bytes(),
    });
    let short = (got.cause, got.remedy, got.automatic);
    assert_eq!(short, want, "{got:?}\n{body}");
    got
}

#[track_caller]
pub(super) fn check(
    service: Service,
    operation: Operation,
    status: u16,
    body: &str,
    want: Meaning,
) {
    check_with(service, operation, status, &[], body, want);
}
