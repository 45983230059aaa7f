//! Where a portal and the API answer the same wish differently.

use super::Service;

/// One known difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Which service.
    pub service: Service,
    /// What is wished for.
    pub title: &'static str,
    /// What the portal does.
    pub portal: &'static str,
    /// What the API does.
    pub api: &'static str,
    /// What follows for a program.
    pub so: &'static str,
    /// Where it was reported.
    pub sources: &'static [&'static str],
    /// The tests that show the doors of the simulated service, `file::test`; at least one.
    pub shown_by: &'static [&'static str],
}

/// Every difference that was found.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        service: Service::Bookings,
        title: "adding a staff member who exists or existed",
        portal: "Looks for an existing user first and links it, so the add succeeds (a moderator's account, not product documentation).",
        api: "A POST only creates, and answers 409 if the person is a staff member or was deleted lately; the list does not show the hidden member.",
        so: "List by mail address and adopt what is visible. A hidden holder is for a person in the portal: no call of the API is documented to bring it back.",
        sources: &[
            "https://learn.microsoft.com/en-us/answers/questions/5491714/how-to-fix-409-conflict-issue-in-ms-bookings-api",
        ],
        shown_by: &[
            "tests/kinds_bookings/staff.rs::a_removed_or_hidden_member_blocks_the_api_and_is_linked_by_the_portal",
        ],
    },
    Difference {
        service: Service::Bookings,
        title: "several appointments in one slot",
        portal: "Allows them.",
        api: "Answers 500 UnknownError to the second customer of a slot.",
        so: "A 500 does not tell whether the appointment stands: read calendarView before anything is repeated.",
        sources: &["https://github.com/microsoftgraph/microsoft-graph-docs/issues/19316"],
        shown_by: &[
            "tests/kinds_bookings/appointments.rs::a_second_customer_of_a_slot_is_a_500_for_the_api_and_welcome_in_the_portal",
        ],
    },
    Difference {
        service: Service::Bookings,
        title: "conflicts with the personal calendar of the staff",
        portal: "Honours them.",
        api: "Books over a busy slot without a warning.",
        so: "Ask getStaffAvailability before the create, and check again after it.",
        sources: &["https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/7559"],
        shown_by: &[
            "tests/kinds_bookings/appointments.rs::a_busy_personal_calendar_is_honoured_by_the_portal_and_overlooked_by_the_api",
        ],
    },
    Difference {
        service: Service::Bookings,
        title: "page access of a new staff member",
        portal: "A staff member added in the portal can open the booking page.",
        api: "Staff added by the API lacked access to the page. The documented role teamMember is refused; what the API takes and shows is member.",
        so: "Send the role member, and let a person check the access after the create: no property of the API shows it.",
        sources: &[
            "https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3138",
            "https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2819",
            "https://github.com/microsoftgraph/msgraph-sdk-php/issues/1739",
        ],
        shown_by: &[
            "tests/kinds_bookings/staff.rs::staff_of_the_api_lacks_the_page_access_that_the_portal_gives",
        ],
    },
    Difference {
        service: Service::GraphSubscriptions,
        title: "seeing the subscriptions of an application",
        portal: "No portal lists them.",
        api: "Lists those of the calling application only.",
        so: "An inventory of one's own subscriptions is the application's duty.",
        sources: &["https://learn.microsoft.com/en-us/graph/api/subscription-list"],
        shown_by: &["tests/sim_graph/subscriptions.rs::each_application_and_tenant_sees_its_own"],
    },
    Difference {
        service: Service::GraphTeams,
        title: "the name of a deleted channel",
        portal: "The Teams client could use the name again at a time when Graph said that it existed; later it refuses, too.",
        api: "Says that the name exists, while no live channel has it.",
        so: "List the channels; if none has the name, let a person restore the deleted one in Teams.",
        sources: &[
            "https://github.com/microsoftgraph/microsoft-graph-docs/issues/6649",
            "https://github.com/MicrosoftDocs/msteams-docs/issues/13158",
        ],
        shown_by: &[
            "tests/doors/teams.rs::the_name_of_a_deleted_channel_is_free_in_an_older_client_and_taken_for_graph",
        ],
    },
    Difference {
        service: Service::AppService,
        title: "a second source of deployments",
        portal: "The Deployment Center connects a source of its own.",
        api: "A zip deployment then collides with that source: 409, another operation is pending.",
        so: "If the pending operation is of another source, let a person disconnect one of them.",
        sources: &["https://github.com/microsoft/vscode-azureappservice/issues/2380"],
        shown_by: &[
            "tests/kinds_app_service/doors.rs::a_source_that_the_deployment_center_connected_waits_its_turn_and_a_zip_deployment_is_refused",
        ],
    },
    Difference {
        service: Service::AppService,
        title: "CORS",
        portal: "Origins set in the portal apply before the app's own code, which then has no effect; origins with a wildcard subdomain cannot be set there.",
        api: "The command line can set origins with a wildcard subdomain.",
        so: "Set CORS in one place only, the platform or the app.",
        sources: &[
            "https://learn.microsoft.com/en-us/azure/app-service/app-service-web-tutorial-rest-api",
        ],
        shown_by: &[
            "tests/kinds_app_service/doors.rs::cors_in_the_platform_and_in_the_app_is_reported_and_neither_is_changed",
            "tests/kinds_app_service/doors.rs::an_origin_with_a_wildcard_subdomain_is_refused_by_the_portal_and_taken_by_the_api",
        ],
    },
    Difference {
        service: Service::KeyVault,
        title: "the name of a deleted secret",
        portal: "Older versions do not show deleted secrets.",
        api: "Answers 409: the name belongs to a deleted but recoverable secret.",
        so: "Read the deleted secret by the API, and recover it by policy.",
        sources: &["https://github.com/Azure/azure-sdk-for-python/issues/9743"],
        shown_by: &[
            "tests/doors/key_vault.rs::a_deleted_secret_is_nowhere_in_an_older_portal_and_named_by_the_api_which_recovers_it",
        ],
    },
    Difference {
        service: Service::Messaging,
        title: "an event subscription that could not be made through an SDK",
        portal: "The same create worked by hand, some time later.",
        api: "The create ended with 404, the event subscription does not exist.",
        so: "Wait, read it, and create once more only if it is not there; then look into the portal.",
        sources: &["https://github.com/pulumi/pulumi-azure-native/issues/1681"],
        shown_by: &[
            "tests/doors/event_grid.rs::a_create_that_ended_with_404_stands_after_the_same_create_by_hand_or_once_more_later",
        ],
    },
];
