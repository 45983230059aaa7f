//! The least-privileged application permission for each path (create).

use crate::domain::resource::{Resource, ResourceKind as Kind};

/// An application permission of Microsoft Graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppRole {
    /// Its name, such as `Mail.Read`.
    pub name: &'static str,
    /// The id of its app role on the service principal of Microsoft Graph, where known
    /// (microsoft-graph-devx-content, permissions-descriptions.json at 6cbd6bbd).
    pub id: Option<&'static str>,
}

/// What an application needs to subscribe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// This application permission.
    Role(AppRole),
    /// There is none: only a signed-in user may subscribe.
    SignedInUserOnly,
    /// Not documented.
    NotDocumented,
}

/// The least-privileged application permission for subscribing to the resource.
///
/// Where the page lists several, the first; where one resource-specific consent would do
/// for a single team or chat, the tenant-wide permission is named all the same, because it
/// needs no consent inside the team.
pub fn of(resource: &Resource) -> Permission {
    match name_of(resource) {
        Some(Some(name)) => Permission::Role(AppRole {
            name,
            id: role_id(name),
        }),
        Some(None) => Permission::SignedInUserOnly,
        None => Permission::NotDocumented,
    }
}

/// The id of the app role with this name, where known.
pub fn role_id(name: &str) -> Option<&'static str> {
    let known = IDS.iter().find(|(known, _)| *known == name);
    known.map(|(_, id)| *id)
}

/// `None` where nothing is documented, `Some(None)` where application permissions are refused.
fn name_of(resource: &Resource) -> Option<Option<&'static str>> {
    let installed = resource.is_where_installed();
    let name = match resource.kind() {
        Kind::Message => "Mail.Read",
        Kind::Event => "Calendars.Read",
        Kind::Contact => "Contacts.Read",
        Kind::User => "User.Read.All",
        Kind::Group => "Group.Read.All",
        Kind::DriveItem => "Files.Read.All",
        Kind::List => "Sites.Read.All",
        Kind::SecurityAlert => "SecurityEvents.ReadWrite.All",
        Kind::HealthAlert => "HealthMonitoringAlert.Read.All",
        Kind::CallRecord => "CallRecords.Read.All",
        Kind::CallRecording => "OnlineMeetingRecording.Read.All",
        Kind::CallTranscript => "OnlineMeetingTranscript.Read.All",
        Kind::Channel => "Channel.ReadBasic.All",
        Kind::Chat if installed => "Chat.ReadBasic.WhereInstalled",
        Kind::Chat => "Chat.ReadBasic.All",
        Kind::ChatMessage if installed => "Chat.Read.WhereInstalled",
        Kind::ChatMessage if is_of_teams(resource) => "ChannelMessage.Read.All",
        Kind::ChatMessage => "Chat.Read.All",
        Kind::ConversationMember => member_role(resource, installed),
        Kind::Team => "Team.ReadBasic.All",
        Kind::Shifts => "Schedule.Read.All",
        Kind::Approval => "ApprovalSolution.Read.All",
        Kind::AiInteraction => "AiEnterpriseInteraction.Read.All",
        Kind::Printer => "Printer.Read.All",
        Kind::PrintTaskDefinition => "PrintTaskDefinition.ReadWrite.All",
        Kind::TodoTask => "Tasks.ReadWrite.All",
        Kind::VirtualEvent => "VirtualEvent.Read.All",
        Kind::Conversation | Kind::Presence => return Some(None),
        Kind::OnlineMeeting | Kind::TeamsAppInstallation | Kind::Unknown => return None,
    };
    Some(Some(name))
}

fn is_of_teams(resource: &Resource) -> bool {
    resource.segments().next() == Some("teams")
}

fn member_role(resource: &Resource, installed: bool) -> &'static str {
    let in_channels = |one: &str| matches!(one, "channels" | "getAllChannels");
    if installed {
        "ChatMember.Read.WhereInstalled"
    } else if !is_of_teams(resource) {
        "ChatMember.Read.All"
    } else if resource.segments().any(in_channels) {
        "ChannelMember.Read.All"
    } else {
        "TeamMember.Read.All"
    }
}

const IDS: &[(&str, &str)] = &[
    (
        "AiEnterpriseInteraction.Read.All",
        "839c90ab-5771-41ee-aef8-a562e8487c1e",
    ),
    (
        "ApprovalSolution.Read.All",
        "9f265de7-8d5e-4e9a-a805-5e8bbc49656f",
    ),
    ("Calendars.Read", "798ee544-9d2d-430c-a058-570e29e34338"),
    (
        "CallRecords.Read.All",
        "45bbb07e-7321-4fd7-a8f6-3ff27e6a81c8",
    ),
    (
        "Channel.ReadBasic.All",
        "59a6b24b-4225-4393-8165-ebaec5f55d7a",
    ),
    (
        "ChannelMember.Read.All",
        "3b55498e-47ec-484f-8136-9013221c06a9",
    ),
    (
        "ChannelMessage.Read.All",
        "7b2449af-6ccd-4f4d-9f78-e550c193f0d1",
    ),
    ("Chat.Read.All", "6b7d71aa-70aa-4810-a8d9-5d9fb2830017"),
    ("Chat.ReadBasic.All", "b2e060da-3baf-4687-9611-f4ebc0f0cbde"),
    (
        "ChatMember.Read.All",
        "a3410be2-8e48-4f32-8454-c29a7465209d",
    ),
    ("Contacts.Read", "089fe4d0-434a-44c5-8827-41ba8a0b17f5"),
    ("Files.Read.All", "01d4889c-1287-42c6-ac1f-5d1e02578ef6"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b"),
    (
        "HealthMonitoringAlert.Read.All",
        "5183ed5d-b7f8-4e9a-915e-dafb46b9cb62",
    ),
    ("Mail.Read", "810c84a8-4a9e-49e6-bf7d-12d183f40d01"),
    (
        "OnlineMeetingRecording.Read.All",
        "a4a08342-c95d-476b-b943-97e100569c8d",
    ),
    (
        "OnlineMeetingTranscript.Read.All",
        "a4a80d8d-d283-4bd8-8504-555ec3870630",
    ),
    (
        "PrintTaskDefinition.ReadWrite.All",
        "456b71a7-0ee0-4588-9842-c123fcc8f664",
    ),
    ("Printer.Read.All", "9709bb33-4549-49d4-8ed9-a8f65e45bb0f"),
    ("Schedule.Read.All", "7b2ebf90-d836-437f-b90d-7b62722c4456"),
    (
        "SecurityEvents.ReadWrite.All",
        "d903a879-88e0-4c09-b0c9-82f6a1333f84",
    ),
    ("Sites.Read.All", "332a536c-c7ef-4017-ab91-336970924f0d"),
    (
        "Tasks.ReadWrite.All",
        "44e666d1-d276-445b-a5fc-8815eeb81d55",
    ),
    ("Team.ReadBasic.All", "2280dda6-0bfd-44ee-a2f4-cb867cfc4c1e"),
    (
        "TeamMember.Read.All",
        "660b7406-55f1-41ca-a0ed-0b035e182f3e",
    ),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    (
        "VirtualEvent.Read.All",
        "1dccb351-c4e4-4e09-a8d1-7a9ecbf027cc",
    ),
];
