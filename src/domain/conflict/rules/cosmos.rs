//! Azure Cosmos DB: items, stored procedures, batches, and the account's own operations.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, Arm, Cosmos};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[Cosmos];
/// The account's operations go through Resource Manager.
const ACCOUNT: &[Service] = &[Cosmos, Arm];

const CODES: &str = "https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb";
const JAVA_CODES: &str = "https://github.com/Azure/azure-sdk-for-java/pull/37945";
const RUST_CODES: &str = "https://github.com/Azure/azure-sdk-for-rust/blob/main/sdk/cosmos/azure_data_cosmos_driver/docs/ErrorCodesAndRetries.md";
const PYTHON_CODES: &str = "https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/cosmos/azure-cosmos/docs/ErrorCodesAndRetries.md";
const SCRIPT_ERRORS: &str = "https://github.com/Azure/azure-cosmosdb-js-server/issues/31";
const NOT_A_BAD_REQUEST: &str =
    "Take the outer BadRequest of a stored procedure for a bad request.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("cosmos/account-locked", ACCOUNT, means::BUSY_POLL)
        .text(&["requires an exclusive lock"])
        .why("Another operation on the account is under way. No ETag is involved, although status and code speak of a precondition.")
        .advice("Do one operation on an account at a time; read its provisioning state, then repeat.")
        .never("Read again and reapply: there is no newer version.")
        .sources(&["https://github.com/hashicorp/terraform-provider-azurerm/issues/15842"])
        .example(CreateByPut, 412, r#"{"code":"PreconditionFailed","message":"There is another user operation in progress which requires an exclusive lock on [account]. Please retry after sometime."}"#),
    Rule::new("cosmos/item-exists", HERE, means::EXISTS)
        // BadRequest: a stored procedure wraps the inner answer; numbers: SDKs print them.
        .codes_or_none(&["Conflict", "409", "BadRequest", "400"])
        .text(&["resource with specified id or name already exists"])
        .why("An item with this id stands in the partition; after a lost answer it may be our own.")
        .advice("Point-read id and partition key, compare a field that carries our write's token, then adopt.")
        .never("Choose a new id, or upsert where create was meant.")
        .sources(&[CODES, "https://github.com/Azure/azure-cosmos-dotnet-v2/issues/464", "https://github.com/aspnet/AspNetSessionState/issues/29"])
        .example(Create, 409, r#"{"code":"Conflict","message":"Message: {\"Errors\":[\"Resource with specified id or name already exists.\"]}\r\nActivityId: 1"}"#),
    Rule::new("cosmos/unique-key-exists", HERE, means::EXISTS)
        .codes_or_none(&["Conflict", "409", "BadRequest", "400"])
        .text(&["unique index already exists", "unique index constraint violation"])
        .why("The id or a unique value is taken; another item may hold the value, so that a point-read of our own id finds nothing. An upsert can be answered so too.")
        .advice("Query the partition by the unique paths; adopt what is ours, escalate if another item owns the value.")
        .sources(&[
            "https://github.com/Azure/azure-sdk-for-java/issues/25918",
            "https://github.com/Azure/azure-sdk-for-net/issues/27587",
        ])
        .example(Create, 409, r#"{"code":"Conflict","message":"Resource with specified id, name, or unique index already exists."}"#),
    Rule::new("cosmos/script-conflict", HERE, means::EXISTS)
        .codes(&["number=409"])
        .why("A write inside a stored procedure met an item that exists.")
        .advice("Point-read the item that the procedure writes, compare, then adopt.")
        .never(NOT_A_BAD_REQUEST)
        .sources(&[SCRIPT_ERRORS])
        .example(Action, 400, r#"{"code":"BadRequest","message":"Message: {\"Errors\":[\"Encountered exception while executing function. Exception = Error: {\\\"number\\\":409,\\\"body\\\":\\\"conflict\\\"}\"]}"}"#),
    Rule::new("cosmos/script-version", HERE, means::STALE)
        .codes(&["number=412"])
        .why("A conditional write inside a stored procedure met a newer version.")
        .never(NOT_A_BAD_REQUEST)
        .sources(&[SCRIPT_ERRORS])
        .example(Action, 400, r#"{"code":"BadRequest","message":"Exception = Error: {\"number\":412,\"body\":\"stale\"}"}"#),
    Rule::new("cosmos/script-contention", HERE, means::CONTENTION)
        .codes(&["number=449"])
        .why("Two writes met inside a stored procedure.")
        .never(NOT_A_BAD_REQUEST)
        .sources(&[SCRIPT_ERRORS])
        .example(Action, 400, r#"{"code":"BadRequest","message":"Exception = Error: {\"number\":449,\"body\":\"retry\"}"}"#),
    Rule::new("cosmos/version", HERE, means::STALE)
        .text(&["one of the specified pre-condition is not met", "one of the specified precondition is not met"])
        .why("The item changed since its ETag was read.")
        .advice("Read, reapply, write with the new ETag; after five rounds park the change for a person.")
        .never("Drop the ETag.")
        .sources(&[PYTHON_CODES])
        .example(Update, 412, r#"{"code":"PreconditionFailed","message":"Operation cannot be performed because one of the specified precondition is not met"}"#),
    Rule::new("cosmos/precondition-failed", HERE, means::STALE)
        .weak_codes(&["PreconditionFailed", "412"])
        .why("The item changed since its ETag was read.")
        .never("Drop the ETag.")
        .sources(&[PYTHON_CODES])
        .example(Update, 412, r#"{"code":"PreconditionFailed","message":""}"#),
    Rule::new("cosmos/retry-with", HERE, means::CONTENTION)
        .codes(&["449", "RetryWith"])
        .why("Two writes of one item met. Unlike 409 the same request may be repeated.")
        .advice("Repeat after 10 ms up to 1 s, for 30 s in all.")
        .sources(&["https://github.com/Azure/azure-cosmosdb-spark/issues/196", CODES])
        .example(Update, 449, r#"{"code":"449","message":"Retry."}"#),
    Rule::new("cosmos/conflicting-request", HERE, means::CONTENTION)
        .text(&["conflicting request to resource has been attempted"])
        .why("Two writes of one item met. Unlike 409 the same request may be repeated.")
        .sources(&["https://github.com/Azure/azure-cosmosdb-spark/issues/196"])
        .example(Update, 449, r#"{"code":"Retry","message":"Conflicting request to resource has been attempted. Retry to avoid conflicts."}"#),
    Rule::new("cosmos/request-rate", HERE, means::THROTTLED)
        .codes(&["substatus=3200", "substatus=3092"])
        .statuses(&[429])
        .why("The request units of the partition are spent; nothing was changed.")
        .advice("Wait x-ms-retry-after-ms. Sub-status 3092 is a limit of the whole region: another region may serve.")
        .sources(&["https://github.com/Azure/azure-sdk-for-java/issues/20288", RUST_CODES])
        .example(Update, 429, r#"{"code":"429","message":"Message"}"#)
        .example_headers(&[("x-ms-substatus", "3200"), ("x-ms-retry-after-ms", "12")]),
    Rule::new("cosmos/request-rate-words", HERE, means::THROTTLED)
        .text(&["request rate is large"])
        .why("The request units of the partition are spent; nothing was changed.")
        .advice("Wait x-ms-retry-after-ms.")
        .sources(&["https://github.com/Azure/azure-sdk-for-java/issues/20288"])
        .example(Update, 429, r#"{"code":"TooMany","message":"Request rate is large. More Request Units may be needed, so no changes were made."}"#),
    Rule::new("cosmos/write-region-moved", HERE, means::NOT_DONE)
        .statuses(&[403])
        .codes(&["substatus=3", "substatus=1008"])
        .why("This region takes no writes any more; the write region moved.")
        .advice("Refresh the list of regions, then repeat at the new one.")
        .never("Take it for a missing permission.")
        .sources(&[RUST_CODES])
        .example(Update, 403, r#"{"code":"Forbidden","message":"The requested operation cannot be performed at this region"}"#)
        .example_headers(&[("x-ms-substatus", "3")]),
    Rule::new("cosmos/session-not-available", HERE, means::INVISIBLE)
        .statuses(&[404])
        .codes(&["substatus=1002"])
        .why("This replica has not yet seen what our session wrote.")
        .advice("Read again with the same session token, in another region if need be.")
        .never("Drop the session token, or take the item for missing.")
        .sources(&[RUST_CODES])
        .example(Read, 404, r#"{"code":"NotFound","message":"The read session is not available for the input session token."}"#)
        .example_headers(&[("x-ms-substatus", "1002")]),
    Rule::new("cosmos/session-not-available-words", HERE, means::INVISIBLE)
        .statuses(&[404])
        .text(&["read session is not available"])
        .why("This replica has not yet seen what our session wrote; only the message says so.")
        .never("Drop the session token, or take the item for missing.")
        .sources(&[RUST_CODES])
        .example(Read, 404, r#"{"code":"NotFound","message":"The read session is not available for the input session token."}"#),
    Rule::new("cosmos/scaling", HERE, means::BUSY_POLL)
        .statuses(&[423])
        .why("The throughput is being scaled.")
        .advice("Read the offer until it is no longer pending, then repeat.")
        .sources(&[CODES])
        .example(Update, 423, ""),
    Rule::new("cosmos/partition-moved", HERE, means::NOT_DONE)
        .statuses(&[410])
        .why("The partition moved or was split; the routing is out of date. Always transient.")
        .advice("Refresh the routing, then repeat.")
        .sources(&[JAVA_CODES, PYTHON_CODES])
        .example(Update, 410, r#"{"code":"Gone","message":""}"#),
    Rule::new("cosmos/unavailable", HERE, means::NOT_DONE)
        .statuses(&[503])
        .why("The service did not process the request.")
        .sources(&[RUST_CODES, CODES])
        .example(Create, 503, ""),
    Rule::new("cosmos/conflict-feed", HERE, means::DIVERGED)
        .operations(&[Read])
        .codes(&["Conflicts[]"])
        .why("Two regions accepted different writes of one item; no status told of it. The conflict feed lists them.")
        .advice("Decide by a pure function of both versions, write the result, then delete the entry of the feed.")
        .never("Trust the absence of 409 with several write regions.")
        .sources(&["https://learn.microsoft.com/azure/cosmos-db/conflict-resolution-policies"])
        .example(Read, 200, r#"{"_rid":"a","Conflicts":[{"id":"b","operationType":"create"}],"_count":1}"#),
];
