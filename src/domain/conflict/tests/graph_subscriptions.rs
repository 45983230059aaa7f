//! Graph's subscriptions, in the bodies that were seen and in some that were not.

use super::verdict;
use crate::domain::conflict::Cause::*;
use crate::domain::conflict::Operation::{self, *};
use crate::domain::conflict::Remedy::*;
use crate::domain::conflict::Service::GraphSubscriptions;
use crate::domain::conflict::{Automatic, Cause, Confidence, Effect, Remedy, RetryAfter, Verdict};

fn body(code: &str, message: &str) -> String {
    serde_json::json!({ "error": { "code": code, "message": message, "innerError": {
        "date": "2026-01-02T03:04:05", "request-id": "0b1c" } } })
    .to_string()
}

fn extension(status: &str, reason: &str) -> String {
    let message =
        format!("Operation: Create; Exception: [Status Code: {status}; Reason: {reason}]");
    body("ExtensionError", &message)
}

#[track_caller]
fn check(
    operation: Operation,
    status: u16,
    body: &str,
    cause: Cause,
    remedy: Remedy,
    automatic: Automatic,
) -> Verdict {
    let got = verdict(GraphSubscriptions, operation, status, body);
    let short = (got.cause, got.remedy, got.automatic);
    assert_eq!(short, (cause, remedy, automatic), "{got:?}\n{body}");
    got
}

const HOLDER: &str = "C0BBA80E-57a3-43a7-bac2-e6f525a76e7c";

#[test]
fn a_duplicate_names_its_holder() {
    let message = format!("Subscription Id {HOLDER} already exists for the requested combination");
    let body = body("ObjectIdentifierInUse", &message);
    let got = check(
        Create,
        409,
        &body,
        AlreadyExists,
        AdoptExisting,
        Automatic::AfterCompare,
    );
    assert_eq!(got.holder.as_deref(), Some(HOLDER));
    assert_eq!(got.confidence, Confidence::Code);
    assert_eq!(got.may_have_taken_effect, Effect::No);
}

#[test]
fn a_holder_that_is_no_guid_is_not_handed_on() {
    for id in [
        "",
        "../users",
        "c0bba80e-57a3-43a7-bac2-e6f525a76e7",
        "c0bba80e-57a3-43a7-bac2-e6f525a76e7cc",
    ] {
        let message = format!("Subscription Id {id} already exists for the requested combination");
        let got = verdict(
            GraphSubscriptions,
            Create,
            409,
            &body("ObjectIdentifierInUse", &message),
        );
        assert_eq!((got.cause, got.holder), (AlreadyExists, None), "{id}");
    }
}

#[test]
fn an_unknown_code_is_never_already_exists_whatever_the_message_says() {
    for code in [
        "ObjectIdentifierInUsf",
        "objectIdentifierInUse",
        "ObjectIdentifier",
        "X",
    ] {
        let message =
            format!("Subscription Id {HOLDER} already exists for the requested combination");
        check(
            Create,
            409,
            &body(code, &message),
            Unclassified,
            Escalate,
            Automatic::No,
        );
    }
    let reason = "A subscripton already exists. It must be deleted before a another can be made.";
    let renamed = extension("Conflict", reason).replace("ExtensionError", "ExtensionErrow");
    check(Create, 409, &renamed, Unclassified, Escalate, Automatic::No);
}

#[test]
fn the_wrapped_status_counts_not_the_outer_one() {
    let second = extension(
        "Conflict",
        "A subscripton already exists. It must be deleted.",
    );
    check(
        Create,
        400,
        &second,
        AlreadyExists,
        AdoptExisting,
        Automatic::AfterCompare,
    );
    let busy = extension("503", "backend unknown");
    check(
        Create,
        400,
        &busy,
        Unavailable,
        RetryAfterDelay,
        Automatic::Yes,
    );
    let other = extension("Conflict", "Something else.");
    check(Create, 409, &other, Unclassified, Escalate, Automatic::No);
    let failed = extension(
        "InternalServerError",
        "Request has been quarantined by condition.",
    );
    check(
        Create,
        400,
        &failed,
        AmbiguousOutcome,
        ReadBeforeRetry,
        Automatic::Yes,
    );
}

#[test]
fn limits_are_told_apart() {
    let one = extension(
        "Forbidden",
        "App 'a' has reached its limit of '1' 'CHATS/GETALLMESSAGES' subscription on tenant 'b'.",
    );
    check(
        Create,
        403,
        &one,
        QuotaExhausted,
        WaitForRelease,
        Automatic::Yes,
    );
    for reason in [
        "App 'a' has reached its limit of '10' 'CHATS' subscription on tenant 'b'.",
        "Maximum number of subscriptions has been reached",
        "Number of subscriptions on item has exceeded limit",
    ] {
        check(
            Create,
            403,
            &extension("Forbidden", reason),
            QuotaExhausted,
            Escalate,
            Automatic::No,
        );
    }
    let endless = extension(
        "429",
        "Resource 'SubscriptionCountReached' has reached limit of '1000'.  Please retry after '12/31/9999 11:59:59 PM'",
    );
    let got = check(
        Create,
        429,
        &endless,
        QuotaExhausted,
        Escalate,
        Automatic::No,
    );
    assert!(matches!(got.wait, Some(RetryAfter::Absurd(_))));
}

#[test]
fn a_cold_endpoint_is_a_missing_dependency() {
    for (code, message) in [
        (
            "InvalidRequest",
            "Subscription validation request timed out.",
        ),
        (
            "ValidationError",
            "Subscription validation request failed. Notification endpoint must respond with 200 OK to validation request.",
        ),
        (
            "ValidationError",
            "Subscription validation request failed. Response must exactly match validationToken query parameter.",
        ),
    ] {
        check(
            Update,
            400,
            &body(code, message),
            DependencyMissing,
            EnsureDependency,
            Automatic::Policy,
        );
    }
}

#[test]
fn refusals_are_wrong_requests() {
    for (status, name, reason) in [
        (
            400,
            "BadRequest",
            "The property 'Resource' does not exist on type 'oneDrive.subscription'.",
        ),
        (401, "Unauthorized", "Authentication failed"),
        (403, "Forbidden", "Access denied"),
        (
            404,
            "NotFound",
            "REST API is not yet supported for this mailbox.",
        ),
    ] {
        check(
            Create,
            status,
            &extension(name, reason),
            InvalidRequest,
            FixRequest,
            Automatic::No,
        );
    }
    let missing = body("ResourceNotFound", "The object was not found.");
    check(
        Delete,
        404,
        &missing,
        InvalidRequest,
        FixRequest,
        Automatic::No,
    );
    let fragment =
        r#""code": "InvalidRequest", "message": "NotificationUrl scheme='http' is not supported.""#;
    check(
        Create,
        400,
        fragment,
        InvalidRequest,
        FixRequest,
        Automatic::No,
    );
}

#[test]
fn a_failed_read_may_be_repeated_and_a_failed_write_may_not() {
    check(Read, 500, "", Unavailable, RetryAfterDelay, Automatic::Yes);
    let got = check(
        Create,
        500,
        "",
        AmbiguousOutcome,
        ReadBeforeRetry,
        Automatic::Yes,
    );
    assert_eq!(got.may_have_taken_effect, Effect::Yes);
    check(
        Create,
        504,
        "<html><p>gateway</p></html>",
        AmbiguousOutcome,
        ReadBeforeRetry,
        Automatic::Yes,
    );
}
