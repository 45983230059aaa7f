//! Answers that no rule has for its example: other wrappings, other spellings, other statuses.

use crate::domain::conflict::Automatic::{self, AfterCompare, Policy};
use crate::domain::conflict::Cause::*;
use crate::domain::conflict::Operation::{self, *};
use crate::domain::conflict::Remedy::*;
use crate::domain::conflict::Service::{self, *};
use crate::domain::conflict::{Answer, Cause, Remedy, RetryAfter, Verdict, classify};

type Headers<'a> = &'a [(&'a str, &'a str)];
type Meaning = (Cause, Remedy, Automatic);

const EXISTS: Meaning = (AlreadyExists, AdoptExisting, AfterCompare);
const STANDS: Meaning = (AlreadyExists, TreatAsSuccess, AfterCompare);
const HELD: Meaning = (NameHeldByOther, Escalate, Automatic::No);
const UNKNOWN: Meaning = (Unclassified, Escalate, Automatic::No);
const STALE: Meaning = (VersionMismatch, RereadAndReapply, AfterCompare);
const LOCKED: Meaning = (LockHeld, WaitForUnlock, Automatic::Yes);
const BUSY: Meaning = (OperationInProgress, PollThenRetry, Automatic::Yes);
const AMBIGUOUS: Meaning = (AmbiguousOutcome, ReadBeforeRetry, Automatic::Yes);
const THROTTLED: Meaning = (Throttled, RetryAfterDelay, Automatic::Yes);
const NOT_THERE: Meaning = (Unavailable, RetryAfterDelay, Automatic::Yes);
const WRONG: Meaning = (InvalidRequest, FixRequest, Automatic::No);
const SOFT_DELETED: Meaning = (SoftDeletedHolder, RestoreSoftDeleted, Policy);

#[track_caller]
fn check_with(
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
fn check(service: Service, operation: Operation, status: u16, body: &str, want: Meaning) {
    check_with(service, operation, status, &[], body, want);
}

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
fn cosmos_by_status_sub_status_and_nested_words() {
    let sub = |value: &'static str| [("X-MS-SUBSTATUS", value)];
    check_with(
        Cosmos,
        Read,
        404,
        &sub("1002"),
        "",
        (NotVisibleYet, ReadBeforeRetry, Automatic::Yes),
    );
    check_with(
        Cosmos,
        Read,
        404,
        &sub("0"),
        r#"{"code":"NotFound"}"#,
        WRONG,
    );
    check_with(Cosmos, Update, 403, &sub("3"), "", NOT_THERE);
    check_with(Cosmos, Update, 403, &sub("1008"), "", NOT_THERE);
    check_with(
        Cosmos,
        Create,
        410,
        &sub("21010"),
        r#"{"code":"Gone"}"#,
        NOT_THERE,
    );
    check(
        Cosmos,
        Update,
        423,
        r#"{"code":"Locked","message":"m"}"#,
        BUSY,
    );
    check(
        Cosmos,
        Create,
        408,
        r#"{"code":"RequestTimeout"}"#,
        AMBIGUOUS,
    );
    check(
        Cosmos,
        Create,
        409,
        r#"{"code":"Conflict","message":"Something new."}"#,
        UNKNOWN,
    );
    let stale = r#"{"code":"BadRequest","message":"Message: {\"Errors\":[\"Encountered exception while executing function. Exception = Error: {\\\"number\\\":412,\\\"body\\\":\\\"{\\\\\\\"code\\\\\\\":\\\\\\\"PreconditionFailed\\\\\\\"}\\\"}\"]}"}"#;
    check(Cosmos, Action, 400, stale, STALE);
    let words = r#"{"code":"BadRequest","message":"Message: {\"Errors\":[\"One of the specified pre-condition is not met\"]}"}"#;
    check(Cosmos, Action, 400, words, STALE);
    let batch = r#"[{"statusCode":424},{"statusCode":412,"subStatusCode":0},{"statusCode":424}]"#;
    check(Cosmos, Action, 207, batch, STALE);
    check(
        Cosmos,
        Action,
        207,
        r#"[{"statusCode":424},{"statusCode":409}]"#,
        UNKNOWN,
    );
    let throttled = r#"[{"statusCode":424},{"statusCode":429,"retryAfterMilliseconds":41}]"#;
    let got = check_with(Cosmos, Action, 207, &[], throttled, THROTTLED);
    assert_eq!(
        got.wait,
        Some(RetryAfter::For(std::time::Duration::from_millis(41)))
    );
}

#[test]
fn storage_by_header_alone_and_in_all_its_dialects() {
    let code = |value: &'static str| [("X-Ms-Error-Code", value)];
    check_with(
        Storage,
        CreateByPut,
        409,
        &code("BlobAlreadyExists"),
        "",
        EXISTS,
    );
    check_with(Storage, Delete, 412, &code("LeaseIdMissing"), "", LOCKED);
    check_with(
        Storage,
        Update,
        412,
        &code("LeaseLost"),
        "",
        (LockLost, AbandonAndReacquire, Automatic::Yes),
    );
    check_with(
        Storage,
        Update,
        409,
        &code("BlobArchived"),
        "",
        (InvalidState, Escalate, Automatic::No),
    );
    let table = r#"{"odata.error":{"code":"EntityAlreadyExists","message":{"lang":"en-US","value":"1:The specified entity already exists."}}}"#;
    check(Storage, Create, 409, table, EXISTS);
    let atom = r#"<?xml version="1.0"?><m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><m:code>UpdateConditionNotSatisfied</m:code><m:message xml:lang="en-US">No.</m:message></m:error>"#;
    check(Storage, Update, 412, atom, STALE);
    let multipart = "--batch\r\nHTTP/1.1 409 Conflict\r\n\r\n{\"odata.error\":{\"code\":\"EntityAlreadyExists\",\"message\":{\"value\":\"x\"}}}\r\n--batch--";
    check(Storage, Create, 409, multipart, EXISTS);
    check(
        Storage,
        Read,
        500,
        "<Error><Code>OperationTimedOut</Code></Error>",
        NOT_THERE,
    );
}

#[test]
fn storage_does_not_say_exists_where_header_and_body_disagree() {
    let header = [("x-ms-error-code", "BlobAlreadyExists")];
    check_with(
        Storage,
        CreateByPut,
        409,
        &header,
        "<Error><Code>BlobAlreadyExistz</Code></Error>",
        UNKNOWN,
    );
    let other = [("x-ms-error-code", "BlobAlreadyExistz")];
    check_with(
        Storage,
        CreateByPut,
        409,
        &other,
        "<Error><Code>BlobAlreadyExists</Code></Error>",
        UNKNOWN,
    );
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
fn app_service_kudu_and_its_dialect_of_resource_manager() {
    check(
        AppService,
        Action,
        409,
        "The 'Preparing zip package' operation conflicts with the pending 'Preparing zip package' operation started at 01T09.  Please retry operation later.",
        BUSY,
    );
    let got = check_with(
        AppService,
        Action,
        409,
        &[],
        "Deployment with id 'a1b2c3' exists",
        EXISTS,
    );
    assert_eq!(got.holder.as_deref(), Some("a1b2c3"));
    check(
        AppService,
        CreateByPut,
        409,
        "Something else went wrong.",
        UNKNOWN,
    );
    let code = |code: u32| {
        format!(
            r#"{{"Code":"Conflict","Message":"m","Details":[{{"Message":"m"}},{{"Code":"Conflict"}},{{"ErrorEntity":{{"Code":"Conflict","ExtendedCode":{code},"Message":"m"}}}}],"Innererror":null}}"#
        )
    };
    check(AppService, CreateByPut, 409, &code(59203), BUSY);
    check(AppService, CreateByPut, 429, &code(59205), BUSY);
    check(AppService, CreateByPut, 409, &code(54001), HELD);
    check(
        Arm,
        Delete,
        409,
        &code(11003),
        (DependentsExist, Escalate, Automatic::No),
    );
    check(AppService, CreateByPut, 409, &code(99999), UNKNOWN);
    check(
        AppService,
        Update,
        409,
        r#"{"error":{"code":"ScopeLocked","message":"m"}}"#,
        (AdministrativeLock, Escalate, Automatic::No),
    );
}

#[test]
fn resource_manager_and_key_vault() {
    let register = r#"{"error":{"code":"MissingSubscriptionRegistration","message":"The subscription is not registered to use namespace 'Microsoft.Web'.","details":[{"code":"MissingSubscriptionRegistration","target":"Microsoft.Web","message":"m"}]}}"#;
    check(
        Arm,
        CreateByPut,
        409,
        register,
        (DependencyMissing, EnsureDependency, Policy),
    );
    check(
        Arm,
        CreateByPut,
        409,
        r#"{"error":{"code":"Conflict","message":""}}"#,
        UNKNOWN,
    );
    check(
        Arm,
        CreateByPut,
        409,
        r#"{"error":{"code":"ServiceAlreadyExistsInSoftDeletedState","message":"m"}}"#,
        SOFT_DELETED,
    );
    let vault = r#"{"error":{"code":"ConflictError","message":"A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault."}}"#;
    check(KeyVault, CreateByPut, 409, vault, SOFT_DELETED);
    check(Arm, CreateByPut, 409, vault, SOFT_DELETED);
    let deleting = r#"{"error":{"code":"Conflict","message":"m","innererror":{"code":"ObjectIsBeingDeleted"}}}"#;
    check(
        KeyVault,
        CreateByPut,
        409,
        deleting,
        (DeletionInProgress, PollThenRetry, Automatic::Yes),
    );
    check(
        Arm,
        Read,
        429,
        r#"{"error":{"code":"OperationNotAllowed","message":"m"}}"#,
        THROTTLED,
    );
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
fn service_bus_and_event_grid() {
    let xml = "<Error><Code>409</Code><Detail>SubCode=40901. Another conflicting operation is in progress. TrackingId:1</Detail></Error>";
    check(
        Messaging,
        CreateByPut,
        409,
        xml,
        (OperationInProgress, RetryAfterDelay, Automatic::Yes),
    );
    let xml = "<Error><Code>409</Code><Detail>The messaging entity 'a:Topic:b' already exists. TrackingId:1</Detail></Error>";
    check(Messaging, CreateByPut, 409, xml, EXISTS);
    check(
        Messaging,
        CreateByPut,
        409,
        &xml.replace("409", "408"),
        UNKNOWN,
    );
    // The brace at the end is missing, as it was reported.
    let cut = r#"{"status":"Failed","error":{"code":"Publisher Notification Error","message":"m","details":[{"code":"Publisher Provider Error","message":"PUT request failed with status code: Conflict, code: and message: ."}]}"#;
    check(
        Messaging,
        CreateByPut,
        409,
        cut,
        (WriteContention, RetryAfterDelay, Automatic::Yes),
    );
    check(
        Messaging,
        Create,
        500,
        "The successful completion of the request cannot be determined.",
        AMBIGUOUS,
    );
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
