//! Service Bus and Event Grid.

use crate::domain::conflict::Operation::*;
use crate::domain::conflict::Service::{self, Arm, Messaging};
use crate::domain::conflict::rule::{Rule, means};

const HERE: &[Service] = &[Messaging];
/// Templates hold event subscriptions, too.
const WITH_ARM: &[Service] = &[Messaging, Arm];

const EXCEPTIONS: &str = "https://learn.microsoft.com/en-us/azure/service-bus-messaging/service-bus-messaging-exceptions";
const BUSY_ADVICE: &str = "Wait 2 to 10 seconds, read the entity, create only if it is not there; do one change of a topic at a time.";
const BUSY_SOURCES: &[&str] = &[
    "https://github.com/Azure/durabletask/issues/14",
    "https://github.com/FoundatioFx/Foundatio/issues/45",
    "https://github.com/mmckechney/SqlBuildManager/issues/520",
    "https://github.com/Azure/azure-sdk-for-js/issues/6276",
];

/// The rules, in the order in which they are asked.
pub(super) const RULES: &[Rule] = &[
    Rule::new("messaging/entity-exists", HERE, means::EXISTS)
        .codes(&["MessagingEntityAlreadyExists", "MessagingEntityAlreadyExistsError"])
        .why("The queue, topic, subscription or rule exists.")
        .advice("Read it, compare its properties, then adopt.")
        .sources(&["https://github.com/dotnet-architecture/eShopOnContainers/issues/875"])
        .example(CreateByPut, 409, r#"{"error":{"code":"MessagingEntityAlreadyExists","message":"It exists."}}"#),
    Rule::new("messaging/entity-exists-words", WITH_ARM, means::EXISTS)
        .codes_or_none(&["409", "Conflict", "SubCode=40900"])
        .text(&["the messaging entity*already exists"])
        .why("The queue, topic, subscription or rule exists; only the message says so.")
        .advice("Read it, compare its properties, then adopt.")
        .sources(&["https://github.com/dotnet-architecture/eShopOnContainers/issues/875"])
        .example(CreateByPut, 409, "The messaging entity 'bus:Topic:orders|audit' already exists. TrackingId:1, Timestamp:2026-01-02T03:04:05"),
    Rule::new("messaging/conflicting-operation", WITH_ARM, means::BUSY_DELAY)
        .codes(&["SubCode=40901", "AnotherOperationInProgress"])
        .why("Another operation on the entity is under way. Of two racing creators the loser sees this before it would see that the entity exists.")
        .advice(BUSY_ADVICE)
        .sources(BUSY_SOURCES)
        .example(CreateByPut, 409, "SubCode=40901. Another conflicting operation is in progress"),
    Rule::new("messaging/conflicting-operation-words", WITH_ARM, means::BUSY_DELAY)
        .text(&["another conflicting operation", "another operation*is in progress", "background clean up is still pending"])
        .why("Another operation on the entity, or the clean-up of a failed one, is under way; only the message says so.")
        .advice(BUSY_ADVICE)
        .sources(BUSY_SOURCES)
        .example(Update, 409, "<Error><Code>409</Code><Detail>Resource Conflict Occurred. Another conflicting operation may be in progress. If this is a retry for failed operation, background clean up is still pending. Try again later.</Detail></Error>"),
    Rule::new("messaging/wrong-state", HERE, means::STATE)
        .codes(&["SubCode=40900"])
        .why("The entity is in a state in which this is not allowed.")
        .advice("Read the entity and let a human decide.")
        .sources(&["https://github.com/Azure/azure-sdk-for-js/issues/24933"])
        .example(Update, 409, "SubCode=40900. Conflict. You're requesting an operation that isn't allowed in the resource's current state."),
    Rule::new("messaging/wrong-state-words", HERE, means::STATE)
        .text(&["isn't allowed in the resource's current state", "is not allowed in the resource's current state"])
        .why("The entity is in a state in which this is not allowed; only the message says so.")
        .advice("Read the entity and let a human decide.")
        .sources(&["https://github.com/Azure/azure-sdk-for-js/issues/24933"])
        .example(Update, 409, "You're requesting an operation that isn't allowed in the resource's current state."),
    Rule::new("messaging/outcome-unknown", HERE, means::AMBIGUOUS)
        .text(&["successful completion of the request cannot be determined"])
        .why("The operation timed out; it may have been done.")
        .advice("Read the entity before anything is repeated.")
        .sources(&["https://github.com/Azure/azure-service-bus/issues/178"])
        .example(CreateByPut, 504, "The operation did not complete within the allotted timeout. The successful completion of the request cannot be determined."),
    Rule::new("messaging/publisher-conflict", WITH_ARM, means::CONTENTION)
        .text(&["publisher*failed with status code: conflict", "failed with status code: conflict, code:"])
        .why("Event Grid could not write its filter into the publisher, because another write of that publisher was under way: two event subscriptions on one IoT hub, as a rule.")
        .advice("Create the event subscriptions of one publisher one after the other.")
        .sources(&["https://github.com/Azure/bicep/issues/2549"])
        .example(CreateByPut, 200, r#"{"status":"Failed","error":{"code":"Publisher Notification Error","message":"The attempt to notify the publisher failed.","details":[{"code":"Publisher Provider Error","message":"The publisher operation failed with status code: Conflict, code: and message: ."}]}}"#),
    Rule::new("messaging/stuck-updating", HERE, means::STATE)
        .statuses(&[409])
        .text(&["provisioning state*updating", "provisioningstate*updating", "is in updating state", "in the 'updating' state"])
        .why("The event subscription is stuck while it is being updated; it was seen to stay so for ever.")
        .advice("Tell a human, who opens a support request.")
        .sources(&["https://github.com/MicrosoftDocs/azure-docs/issues/7415"])
        .example(Update, 409, r#"{"error":{"code":"Conflict","message":"The event subscription is in provisioning state Updating and cannot be changed."}}"#),
    Rule::new("messaging/event-subscription-absent-after-create", WITH_ARM, means::AMBIGUOUS)
        .operations(&[Create, CreateByPut])
        .statuses(&[404])
        .codes_or_none(&["ResourceNotFound"])
        .text(&["event subscription doesn't exist"])
        .why("A create of an event subscription was taken, and the read with which its client waited did not find it. The same create worked some time later.")
        .advice("Wait, read it, and create it once more only if it is not there; then look into the portal, and at whether the destination exists.")
        .sources(&[
            "https://github.com/pulumi/pulumi-azure-native/issues/1681",
            "https://github.com/pulumi/examples/issues/1672",
        ])
        .example(CreateByPut, 404, r#"{"error":{"code":"ResourceNotFound","message":"Event subscription doesn't exist."}}"#),
    Rule::new("messaging/lock-lost", HERE, means::LOCK_LOST)
        .codes(&["MessageLockLost", "SessionLockLost"])
        .why("The lock of the message or session ended; another receiver may have it now.")
        .advice("Stop the work on it, receive again, and let the work be repeatable.")
        .sources(&[EXCEPTIONS])
        .example(Action, 410, r#"{"error":{"code":"MessageLockLost","message":"Lost."}}"#),
    Rule::new("messaging/lock-lost-words", HERE, means::LOCK_LOST)
        .text(&["the lock supplied is invalid", "the session lock has expired"])
        .why("The lock of the message or session ended; only the message says so.")
        .advice("Stop the work on it, receive again, and let the work be repeatable.")
        .sources(&[EXCEPTIONS])
        .example(Action, 404, "<Error><Code>404</Code><Detail>The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.</Detail></Error>"),
    Rule::new("messaging/session-locked", HERE, means::LOCKED)
        .codes(&["SessionCannotBeLocked"])
        .why("Another receiver holds the session.")
        .sources(&[EXCEPTIONS])
        .example(Action, 409, r#"{"error":{"code":"SessionCannotBeLocked","message":"Held."}}"#),
    Rule::new("messaging/server-busy", HERE, means::THROTTLED)
        .codes(&["ServerBusy"])
        .why("The namespace takes no more operations for now.")
        .sources(&[EXCEPTIONS])
        .example(Create, 503, r#"{"error":{"code":"ServerBusy","message":"Busy."}}"#),
];
