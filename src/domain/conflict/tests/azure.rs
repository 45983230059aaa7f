//! Azure's services, in bodies that are no rule's example: other wrappings, spellings, statuses.

use super::table::*;
use crate::domain::conflict::Automatic::{self, Policy};
use crate::domain::conflict::Cause::*;
use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Remedy::*;
use crate::domain::conflict::RetryAfter;
use crate::domain::conflict::Service::*;

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
        KeyVault,
        CreateByPut,
        409,
        &deleting.replace("Deleted", "Recovered"),
        (OperationInProgress, PollThenRetry, Automatic::Yes),
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
    let absent =
        r#"{"error":{"code":"ResourceNotFound","message":"Event subscription doesn't exist."}}"#;
    check(Messaging, CreateByPut, 404, absent, AMBIGUOUS);
    check(
        Messaging,
        Read,
        404,
        absent,
        (InvalidRequest, FixRequest, Automatic::No),
    );
}

#[test]
fn what_an_sdk_printed_can_be_asked_about() {
    let python = "The specified container is being deleted. Try operation later.\nRequestId:1\nTime:2\nErrorCode:ContainerBeingDeleted\nError:None";
    check(
        Storage,
        CreateByPut,
        409,
        python,
        (DeletionInProgress, RetryAfterDelay, Automatic::Yes),
    );
    let exists = "The specified blob already exists.\nRequestId:1\nErrorCode:BlobAlreadyExists";
    check(Storage, CreateByPut, 409, exists, EXISTS);
    check(
        Storage,
        CreateByPut,
        409,
        &exists.replace("Blob", "Blop"),
        UNKNOWN,
    );
    let go = r#"Service returned an error. Status=<nil> Code="ScopeLocked" Message="x""#;
    check(
        Arm,
        Delete,
        409,
        go,
        (AdministrativeLock, Escalate, Automatic::No),
    );
}
