//! Wrappings, encodings, waits and defaults, and the services of Graph, in bodies that are no rule's
//! example.

use super::table::*;
use crate::domain::conflict::Automatic;
use crate::domain::conflict::Cause::*;
use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Remedy::*;
use crate::domain::conflict::Service::{self, *};
use crate::domain::conflict::{Answer, RetryAfter, classify};

#[test]
fn directory_conflicts_depend_on_what_was_done() {
    let body = r#"{"error":{"code":"Request_BadRequest","message":"Another object with the same value for property proxyAddresses already exists.","details":[{"code":"ObjectConflict","target":"proxyAddresses","message":"x"},{"code":"ConflictingObjects","target":"y"}]}}"#;
    check(GraphDirectory, Create, 400, body, EXISTS);
    check(GraphDirectory, Update, 400, body, HELD);
    let members = r#"{"error":{"code":"Request_BadRequest","message":"One or more added object references already exist for the following modified properties: 'members'.","innerError":{}}}"#;
    check(GraphDirectory, Update, 400, members, STANDS);
    check(
        GraphDirectory,
        Create,
        400,
        r#"{"error":{"code":"Request_BadRequest","message":"Invalid value."}}"#,
        WRONG,
    );
}

#[test]
fn a_cause_is_found_under_many_layers() {
    let core = r#"{"status":"Failed","error":{"code":"ResourceDeploymentFailure","message":"x","details":[{"code":"DeploymentFailed","message":"y","details":[{"code":"Conflict","message":"EntitlementGrant entry already exists."}]}]}}"#;
    let wrap = |inner: &str| {
        serde_json::json!({"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one.",
            "details":[{"code":"Conflict","message":inner}]}})
        .to_string()
    };
    check(GraphDirectory, Create, 400, core, STANDS);
    check(Arm, CreateByPut, 409, &wrap(core), STANDS);
    check(
        GraphDirectory,
        Create,
        409,
        &wrap(&wrap(&wrap(core))),
        STANDS,
    );
    let quoted = serde_json::Value::from(core).to_string();
    check(GraphDirectory, Create, 409, &quoted, STANDS);
    let taken = r#"{"error":{"code":"StorageAccountAlreadyTaken","message":"Taken."}}"#;
    check(Arm, CreateByPut, 400, &wrap(&wrap(taken)), HELD);
    check(Arm, CreateByPut, 409, &wrap("Something."), UNKNOWN);
}

#[test]
fn documents_nested_deeper_than_four_are_not_opened() {
    let mut body = r#"{"error":{"code":"StorageAccountAlreadyTaken","message":"x"}}"#.to_owned();
    for _ in 0..4 {
        body = serde_json::json!({ "error": { "code": "Conflict", "message": body } }).to_string();
    }
    check(Arm, CreateByPut, 409, &body, HELD);
    body = serde_json::json!({ "error": { "code": "Conflict", "message": body } }).to_string();
    check(Arm, CreateByPut, 409, &body, UNKNOWN);
}

#[test]
fn drive_answers_are_judged_by_their_deepest_code() {
    let body = |outer: &str, inner: &str| {
        format!(
            r#"{{"error":{{"code":"{outer}","message":"m","innererror":{{"Innererror":{{"code":"{inner}"}}}}}}}}"#
        )
    };
    check(
        GraphDrive,
        Update,
        412,
        &body("notAllowed", "preconditionFailed"),
        STALE,
    );
    check(
        GraphDrive,
        Update,
        423,
        &body("accessDenied", "resourceLocked"),
        LOCKED,
    );
    check(
        GraphDrive,
        Read,
        429,
        &body("activityLimitReached", "throttledRequest"),
        THROTTLED,
    );
    let lock =
        r#"{"error":{"code":"accessDenied","message":"Lock token does not match existing lock"}}"#;
    check(GraphDrive, Update, 423, lock, LOCKED);
    check(
        GraphDrive,
        Update,
        403,
        r#"{"error":{"code":"accessDenied","message":"Access denied"}}"#,
        WRONG,
    );
    check(
        GraphDrive,
        Create,
        507,
        r#"{"error":{"code":"x"}}"#,
        (QuotaExhausted, Escalate, Automatic::No),
    );
}

#[test]
fn mail_teams_and_bookings() {
    check(
        GraphMailPlanner,
        Create,
        503,
        r#"{"error":{"code":"ConcurrentItemSave","message":"m"}}"#,
        (WriteContention, RetryAfterDelay, Automatic::Yes),
    );
    check(
        GraphMailPlanner,
        Read,
        429,
        r#"{"error":{"code":"ApplicationThrottled","message":"Application is over its MailboxConcurrency limit."}}"#,
        THROTTLED,
    );
    check(
        GraphMailPlanner,
        Update,
        412,
        r#"{"error":{"code":"ErrorPreconditionFailed","message":"m"}}"#,
        STALE,
    );
    for (status, code) in [
        (409, "Conflict"),
        (500, "InternalServerError"),
        (503, "ServiceUnavailable"),
    ] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"Team already exists"}}}}"#);
        check(GraphTeams, CreateByPut, status, &body, EXISTS);
    }
    check(
        GraphTeams,
        CreateByPut,
        502,
        r#"{"error":{"code":"BadGateway","message":"Failed to execute backend request."}}"#,
        AMBIGUOUS,
    );
    check(
        Bookings,
        Create,
        500,
        r#"{"error":{"code":"ErrorInternalServerError","message":"Staff not available"}}"#,
        AMBIGUOUS,
    );
    check(
        Bookings,
        Create,
        409,
        r#"{"statusCode":409,"message":"A Staff member already exists."}"#,
        EXISTS,
    );
    check(
        Bookings,
        Create,
        409,
        r#"{"statusCode":409,"message":"A customer conflict"}"#,
        UNKNOWN,
    );
    check(
        Bookings,
        Read,
        500,
        r#"{"error":{"code":"UnknownError","message":""}}"#,
        NOT_THERE,
    );
}

#[test]
fn graph_batches_are_judged_by_the_first_item_that_failed_by_itself() {
    let body = r#"{"responses":[
        {"id":"1","status":424,"body":{"error":{"code":"FailedDependency","message":"m"}}},
        {"id":"2","status":429,"headers":{"Retry-After":"0.249"},"body":{"error":{"code":"TooManyRequests","message":"m"}}},
        {"id":"3","status":429,"headers":{"retry-after":"7"},"body":{"error":{"code":"TooManyRequests","message":"m"}}},
        {"id":"4","status":200,"headers":{"Retry-After":"99"},"body":{}}]}"#;
    let got = check_with(GraphMailPlanner, Create, 200, &[], body, THROTTLED);
    assert_eq!(
        got.wait,
        Some(RetryAfter::For(std::time::Duration::from_secs(7)))
    );
    let only = r#"{"responses":[{"id":"1","status":424,"body":{}}]}"#;
    check(GraphMailPlanner, Create, 200, only, UNKNOWN);
}

#[test]
fn utf_16_and_byte_order_marks_are_read() {
    let body = r#"{"error":{"code":"ScopeLocked","message":"m"}}"#;
    let want = AdministrativeLock;
    let little: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = body.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
    for bytes in [
        marked(&[0xEF, 0xBB, 0xBF], body.as_bytes()),
        marked(&[0xFF, 0xFE], &little),
        marked(&[0xFE, 0xFF], &big),
        little,
        big,
    ] {
        let answer = Answer {
            service: Arm,
            operation: Update,
            status: 409,
            headers: &[],
            body: &bytes,
        };
        assert_eq!(classify(&answer).cause, want);
    }
}

#[test]
fn a_wait_in_the_words_is_found() {
    let body = r#"{"error":{"code":"RetryableError","message":"m","details":[{"code":"RetryableErrorDueToAnotherOperation","message":"The call can be retried in 14 seconds."}]}}"#;
    let got = check_with(Arm, Delete, 429, &[], body, BUSY);
    assert_eq!(
        got.wait,
        Some(RetryAfter::For(std::time::Duration::from_secs(14)))
    );
    let header = [("retry-after", "3"), ("X-MS-Retry-After-Ms", "1500")];
    let got = check_with(Arm, Delete, 429, &header, body, BUSY);
    assert_eq!(
        got.wait,
        Some(RetryAfter::For(std::time::Duration::from_millis(1_500)))
    );
}

#[test]
fn an_absurd_wait_takes_the_automatic_retry_away() {
    let header = [("Retry-After", "999999")];
    let want = (Throttled, RetryAfterDelay, Automatic::No);
    check_with(GraphTeams, Read, 429, &header, "", want);
}

#[test]
fn defaults_decide_by_status_only_what_a_status_can_tell() {
    for service in Service::ALL
        .iter()
        .copied()
        .filter(|one| *one != GraphDirectory && *one != Cosmos)
    {
        check(service, Update, 412, "", STALE);
        check(service, Update, 423, "", LOCKED);
        check(
            service,
            Update,
            449,
            "",
            (WriteContention, RetryAfterDelay, Automatic::Yes),
        );
        check(service, Update, 429, "", THROTTLED);
        check(service, Update, 503, "", NOT_THERE);
        check(service, Update, 409, "", UNKNOWN);
        check(service, Update, 418, "", UNKNOWN);
        check(service, Update, 504, "", AMBIGUOUS);
        check(service, Read, 599, "", NOT_THERE);
        check(service, Read, 408, "", NOT_THERE);
        check(service, Delete, 404, "", WRONG);
    }
}

#[test]
fn unknown_codes_may_stand_inside_a_known_one_but_not_around_it() {
    let inside = r#"{"error":{"code":"nameAlreadyExists","message":"m","innerError":{"code":"somethingNew"}}}"#;
    check(GraphDrive, Create, 409, inside, EXISTS);
    let around = r#"{"error":{"code":"somethingNew","message":"m","innerError":{"code":"nameAlreadyExists"}}}"#;
    check(GraphDrive, Create, 409, around, UNKNOWN);
    let wrapped = r#"{"error":{"code":"Conflict","message":"m","details":[{"code":"Request_BadRequest","message":"Another object with the same value for property a already exists."}]}}"#;
    check(GraphDirectory, Create, 409, wrapped, EXISTS);
}
