//! Graph's change notification subscriptions.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, GraphSubscriptions};
use crate::domain::conflict::rule::{Holder, Rule, means};

const HERE: &[Service] = &[GraphSubscriptions];

const DUPLICATES: &str = "https://github.com/microsoftgraph/microsoft-graph-docs-contrib/pull/8573";
const ONEDRIVE_2501: &str = "https://github.com/abraunegg/onedrive/issues/2501";
const CREATE: &str = "https://learn.microsoft.com/en-us/graph/api/subscription-post-subscriptions";
const OVERVIEW: &str = "https://learn.microsoft.com/en-us/graph/change-notifications-overview";

const NEVER_DELETE_HOLDER: &str = "Delete the holder and create anew: notifications are lost meanwhile, and the holder may belong to another environment.";

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("graph-subscriptions/object-identifier-in-use", HERE, means::EXISTS)
        .codes(&["ObjectIdentifierInUse"])
        .holder(Holder::GuidAfter("subscription id "))
        .why("A subscription with the same resource and change types exists already. Graph names it in the message.")
        .advice("GET the named id; if applicationId, resource, changeType and notificationUrl are ours, renew it by PATCH at once, because its expiry may be near.")
        .never(NEVER_DELETE_HOLDER)
        .sources(&[ONEDRIVE_2501, DUPLICATES])
        .example(Create, 409, r#"{"error":{"code":"ObjectIdentifierInUse","message":"Subscription Id 5f0c1c2e-93a4-4e0f-8a38-5c6f0a1b2c3d already exists for the requested combination","innerError":{"date":"2026-01-02T03:04:05"}}}"#),
    Rule::new("graph-subscriptions/requested-combination-exists", HERE, means::EXISTS)
        .codes_or_none(&["ExtensionError", "Conflict", "InvalidRequest", "ValidationError"])
        .text(&["subscription id*already exists for the requested combination"])
        .holder(Holder::GuidAfter("subscription id "))
        .why("A subscription with the same resource and change types exists already; the documented words, without the code of its own.")
        .advice("GET the named id and compare before it is renewed.")
        .never(NEVER_DELETE_HOLDER)
        .sources(&[CREATE, DUPLICATES])
        .example(Create, 409, r#"{"error":{"code":"Conflict","message":"Subscription Id 5f0c1c2e-93a4-4e0f-8a38-5c6f0a1b2c3d already exists for the requested combination"}}"#),
    Rule::new("graph-subscriptions/one-per-context", HERE, means::EXISTS)
        .codes(&["ExtensionError"])
        .statuses(&[409])
        // The service writes "subscripton"; a corrected spelling must not break us.
        .text(&["a subscripton already exists", "a subscription already exists"])
        .why("Presence allows one subscription for each application and user; any second one is refused. The message names no id.")
        .advice("List, adopt what is ours; to watch more users, put their ids into the one resource.")
        .never("Obey the text of the message and delete the existing one: notifications are lost meanwhile.")
        .sources(&[
            "https://github.com/microsoftgraph/msgraph-sdk-go/issues/596",
            "https://github.com/microsoftgraph/msgraph-beta-sdk-dotnet/issues/174",
            "https://github.com/microsoftgraph/aspnetcore-webhooks-sample/issues/92",
        ])
        .example(Create, 409, r#"{"error":{"code":"ExtensionError","message":"Operation: Create; Exception: [Status Code: Conflict; Reason: A subscripton already exists. It must be deleted before a another can be made.]"}}"#),
    Rule::new("graph-subscriptions/limit-of-one", HERE, means::LIMIT_OF_ONE)
        .text(&["has reached its limit of '1' ", "has reached its limit of 1 ", "has reached limit of '1'"])
        .why("Teams allows one subscription for each application and resource, and it is taken, often by the ghost of our own one that was deleted or expired.")
        .advice("List and adopt what is found. If GET says 404 for the known id, it is a ghost: it goes away within one to three hours; try hourly, and read changes by delta query meanwhile.")
        .never("Delete and create in a loop.")
        .sources(&["https://techcommunity.microsoft.com/discussions/teamsdeveloper/cannot-create-new-subscription-to-resource/4194946"])
        .example(Create, 403, r#"{"error":{"code":"ExtensionError","message":"Operation: Create; Exception: [Status Code: Forbidden; Reason: App '0f6b0c5e-1111-4222-8333-944445555666' has reached its limit of '1' 'CHATS/GETALLMESSAGES' subscription on tenant '84bd8158-6d4d-4958-8b9f-9d6445542f95'.]"}}"#),
    Rule::new("graph-subscriptions/quota", HERE, means::QUOTA)
        .statuses(&[400, 403, 409, 429])
        .text(&[
            "subscriptioncountreached",
            "has reached its limit of",
            "has reached limit of",
            "maximum number of subscriptions",
            "number of subscriptions*exceeded",
            "subscription*limit*exceeded",
            "subscription*exceeded*limit",
            "subscription*exceeds*limit",
            "exceed*limit*subscription",
            "subscription*quota*exceeded",
            "subscription*exceeded*quota",
            "subscription*limit*reached",
            "subscription quota",
        ])
        .why("A counted limit of subscriptions is reached: for each mailbox, item, application or tenant.")
        .advice("List our own subscriptions and prune surplus duplicates; then ask for fewer, broader resources.")
        .never("Sleep on the date in the message (one report names the year 9999) or repeat the request.")
        .sources(&[
            "https://stackoverflow.com/questions/65494288",
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/21403",
            OVERVIEW,
        ])
        .example(Create, 429, r#"{"error":{"code":"ExtensionError","message":"Operation: Create; Exception:[Status Code: 429; Reason: Resource 'SubscriptionCountReached' has reached limit of '1000'.  Please retry after '12/31/9999 11:59:59 PM']"}}"#),
    Rule::new("graph-subscriptions/endpoint-validation", HERE, means::MISSING)
        .text(&["subscription validation request"])
        .why("Graph asked our notification address to prove itself, and did not get the right answer within ten seconds. Renewals are validated too.")
        .advice("Warm the endpoint, check that it answers 200 with the decoded token as text/plain, then try two or three times.")
        .never("Repeat without end: SDKs do not retry this 400 either.")
        .sources(&[
            "https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2805",
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/5554",
            "https://github.com/microsoftgraph/nodejs-webhooks-sample/issues/350",
        ])
        .example(Create, 400, r#"{"error":{"code":"ValidationError","message":"Subscription validation request timed out."}}"#),
    Rule::new("graph-subscriptions/workload-unavailable", HERE, means::UNAVAILABLE)
        .weak_codes(&["ExtensionError"])
        .statuses(&[503])
        .why("The workload behind Graph has trouble of its own.")
        .advice("List before the create is repeated: nobody says whether it was done.")
        .never("Treat it as permanent.")
        .sources(&["https://learn.microsoft.com/en-us/answers/questions/417261/error-on-adding-subscription-on-events-using-ms-gr"])
        .example(Create, 503, r#"{"error":{"code":"ExtensionError","message":"Operation: Create; Exception: [Status Code: ServiceUnavailable; Reason: Target resource 'a' hosted on database 'b' is currently on backend 'Unknown']"}}"#),
    Rule::new("graph-subscriptions/workload-throttled", HERE, means::THROTTLED)
        .weak_codes(&["ExtensionError"])
        .statuses(&[429])
        .why("The workload behind Graph takes no more calls for now.")
        .sources(&["https://learn.microsoft.com/en-us/graph/throttling"])
        .example(Update, 429, r#"{"error":{"code":"ExtensionError","message":"Operation: Update; Exception: [Status Code: TooManyRequests; Reason: Rate limit]"}}"#),
    Rule::new("graph-subscriptions/workload-refused", HERE, means::INVALID)
        .weak_codes(&["ExtensionError"])
        .statuses(&[400, 401, 403, 404])
        .why("The workload behind Graph refuses the request; its reason stands in the message.")
        .advice("Read the reason: a missing permission, a resource that cannot be watched, an expiry beyond the maximum. After a fresh consent take a new token once.")
        .sources(&[
            "https://learn.microsoft.com/en-us/answers/questions/213665/when-i-create-subscription-send-me-error-please-gi",
            "https://github.com/OneDrive/onedrive-api-docs/issues/1398",
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/8063",
        ])
        .example(Create, 400, r#"{"error":{"code":"ExtensionError","message":"Operation: Create; Exception: [Status Code: BadRequest; Reason: 'app + user' subscriptions are not supported in v1]"}}"#),
    Rule::new("graph-subscriptions/not-found", HERE, means::INVALID)
        .operations(&[Update, Delete, Read, Action])
        .statuses(&[404])
        .weak_codes(&["ResourceNotFound"])
        .why("Graph knows no subscription with this id: it expired, or was deleted.")
        .advice("Read the id by GET once more; a 404 there means gone. Then list, and create if nothing of ours is found. For a delete the goal is reached.")
        .never("Take an absence from the list for gone, or assume that the place is free.")
        .sources(&[
            "https://github.com/microsoftgraph/msgraph-sdk-php/issues/221",
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/5725",
        ])
        .example(Delete, 404, r#"{"error":{"code":"ResourceNotFound","message":"The object was not found."}}"#),
    Rule::new("graph-subscriptions/wrong-request", HERE, means::INVALID)
        .statuses(&[400])
        .weak_codes(&["InvalidRequest", "ValidationError", "BadRequest"])
        .why("Graph refuses a property of the subscription: its resource, change types, addresses or expiry.")
        .sources(&[
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/4819",
            "https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/7821",
        ])
        .example(Create, 400, r#"{"error":{"code":"InvalidRequest","message":"Invalid 'changeType' attribute: 'created'."}}"#),
];
