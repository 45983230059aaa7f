//! The words for actions, reasons and causes.

use jiff::{SignedDuration, Timestamp};

use crate::domain::audit::Record;
use crate::domain::conflict::Cause;
use crate::domain::duration;

/// A moment, for people: to the minute, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment as it stands in a record.
pub(super) fn moment_of(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), moment)
}

/// A length of time, for people: its two largest units.
pub(super) fn length(length: SignedDuration) -> String {
    let text = duration::write(length);
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Why something was done, as the end of a sentence.
pub(super) fn since(reason: &str) -> String {
    match reason {
        "missing" => "nothing served it",
        "confirmed-gone" => "the one before was gone",
        "turned-foreign" => "the one before was turned to an address that is not ours",
        "replacement" => "the one that serves it is not as declared",
        "surplus" => "it was a duplicate of the one that stays",
        "replaced" => "its replacement had proven itself",
        "undeclared" => "it is no longer declared",
        "in-the-way" => "Graph refuses its successor while it stands",
        "open-intent" => "the outcome of a create is not known",
        "settling" => "the outcome of a create is not known yet",
        "quiet-period" => "Graph asked for silence",
        "backoff" => "it failed lately",
        "foreign-holder" => "a subscription that is not ours holds the combination",
        "invisible-holder" => "something that cannot be seen holds the combination",
        "own-row-in-the-way" => "a row of ours must go first, and its time still runs",
        "quota" => "a limit of Graph is reached",
        "unclassified" => "Graph refused for a reason that no rule knows",
        "absurd-wait" => "Graph asked for a wait that makes no sense",
        "mode-forbids" => "the mode does not allow it",
        "incomplete-listing" => "the listing was incomplete",
        "other-application" => "the token belongs to another application",
        "no-token" => "no token could be had",
        "unknown-key" => "it is signed by a key that is not in the ring",
        "not-yet-confirmed" => "its removal is not confirmed yet",
        "removal-cap" => "enough was removed in that pass",
        "unproven" => "it is not proven yet",
        "no-answer" => "it could not be read",
        other => return other.replace('-', " "),
    }
    .to_owned()
}

/// What a renewal was for, where it was not simply due.
pub(super) fn renewed_for(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "reauthorize" => "because Graph asked for a new authorization",
        "moved-address" => "to move it to our address of today",
        "survivor" => "before its duplicates went",
        "confirm-replacement" => "to prove it as a replacement",
        _ => return None,
    })
}

/// What a refusal meant.
pub(super) fn refusal(record: &Record) -> String {
    let cause = record.cause.as_deref();
    let known = cause.and_then(Cause::parse).map(Cause::meaning);
    match (cause, known) {
        (Some(cause), Some(meaning)) => format!("{cause}: {meaning}"),
        (Some(cause), None) => cause.to_owned(),
        (None, _) => record.outcome.clone(),
    }
}
