//! Kinds of Graph resources: which path is what, and what Graph says about each.
//!
//! This table is the simulator's own reading of Microsoft's pages, on purpose not shared with
//! the product's: where the two differ, a test fails and a human looks. Sources, unless a line
//! names another: lifetimes from the `subscription` resource page (2026-09-17), paths and quotas
//! from "change notifications overview", permissions from "create subscription" (2026-05-05).

mod patterns;

use super::path::{Path, matches};
use patterns::PATTERNS;

/// What a resource path subscribes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each name is Graph's own name of the resource")]
pub enum Kind {
    Message,
    Event,
    Contact,
    User,
    Group,
    Directory,
    Conversation,
    DriveItem,
    List,
    SecurityAlert,
    HealthAlert,
    CallRecord,
    CallRecording,
    CallTranscript,
    Channel,
    Chat,
    ChatMessage,
    ConversationMember,
    Team,
    TeamsAppInstallation,
    OnlineMeeting,
    Presence,
    Shifts,
    Approvals,
    AiInteraction,
    Printer,
    PrintTaskDefinition,
    TodoTask,
    BaseTask,
    VirtualEvent,
    Unknown,
}

/// The workload behind Graph that answers for a kind; limits and texts go by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Exchange: messages, events, contacts.
    Outlook,
    /// Entra: users, groups and other directory objects.
    Directory,
    /// OneDrive and document libraries.
    Drive,
    /// SharePoint lists.
    SharePoint,
    /// Teams and what is limited like it.
    Teams,
    /// Everything else.
    Other,
}

/// How Graph treats a second subscription of the same thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubles {
    /// 409 `ObjectIdentifierInUse` with the holder's id (documented since 2023-09).
    Conflict,
    /// Accepted in silence: SharePoint lists (docs-contrib#9039).
    Silent,
    /// 409 `ExtensionError` for any second one of app and user: presence (msgraph-sdk-go#596).
    OneForAll,
    /// 403 by a limit of one for each app and path: Teams (techcommunity 4194946).
    LimitOfOne,
}

/// Whether notifications of a kind can carry resource data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rich {
    /// Never.
    No,
    /// Yes, and `$select` must say which properties (Outlook).
    WithSelect,
    /// Yes, without `$select` (chat messages, members, presence, meetings).
    WithoutSelect,
    /// Yes.
    Yes,
}

/// What Graph says about one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Graph's name of the resource, as it stands in `@odata.type`.
    pub name: &'static str,
    /// The workload.
    pub family: Family,
    /// Longest lifetime of a basic subscription, in minutes.
    pub max_min: u32,
    /// Longest lifetime with resource data, in minutes.
    pub rich_max_min: u32,
    /// Change types that may be asked for.
    pub changes: &'static [&'static str],
    /// Resource data.
    pub rich: Rich,
    /// Least-privileged application permission; `None` where app-only access is not supported
    /// or no page names one.
    pub permission: Option<&'static str>,
    /// Whether an app without a signed-in user may subscribe.
    pub app_only: bool,
    /// Treatment of duplicates.
    pub doubles: Doubles,
}

const ALL: &[&str] = &["created", "updated", "deleted"];
/// Drive root and list only know `updated` (subscription resource page).
const UPDATED: &[&str] = &["updated"];
/// Users and groups: creation and soft deletion arrive as `updated` (subscription resource page).
const UPDATED_DELETED: &[&str] = &["updated", "deleted"];

const fn facts(name: &'static str, family: Family, max_min: u32) -> Facts {
    Facts {
        name,
        family,
        max_min,
        rich_max_min: max_min,
        changes: ALL,
        rich: Rich::No,
        permission: None,
        app_only: true,
        doubles: match family {
            Family::Teams => Doubles::LimitOfOne,
            Family::SharePoint => Doubles::Silent,
            _ => Doubles::Conflict,
        },
    }
}

impl Facts {
    const fn changes(mut self, changes: &'static [&'static str]) -> Self {
        self.changes = changes;
        self
    }
    const fn rich(mut self, rich: Rich, max_min: u32) -> Self {
        self.rich = rich;
        self.rich_max_min = max_min;
        self
    }
    const fn permission(mut self, permission: &'static str) -> Self {
        self.permission = Some(permission);
        self
    }
    const fn delegated_only(mut self) -> Self {
        self.app_only = false;
        self
    }
    const fn doubles(mut self, doubles: Doubles) -> Self {
        self.doubles = doubles;
        self
    }
}

impl Kind {
    /// What Graph says about the kind.
    pub const fn facts(self) -> Facts {
        use Family::{Directory, Drive, Other, Outlook, SharePoint};
        match self {
            // Outlook: 10,080 documented, 10,070 seen (see `Settings`); 1,440 with resource data.
            Self::Message => facts("message", Outlook, 10_080)
                .rich(Rich::WithSelect, 1_440)
                .permission("Mail.Read"),
            Self::Event => facts("event", Outlook, 10_080)
                .rich(Rich::WithSelect, 1_440)
                .permission("Calendars.Read"),
            Self::Contact => facts("contact", Outlook, 10_080)
                .rich(Rich::WithSelect, 1_440)
                .permission("Contacts.Read"),
            Self::User => facts("user", Directory, 41_760)
                .changes(UPDATED_DELETED)
                .permission("User.Read.All"),
            Self::Group => facts("group", Directory, 41_760)
                .changes(UPDATED_DELETED)
                .permission("Group.Read.All"),
            Self::Directory => facts("directoryObject", Directory, 41_760),
            Self::Conversation => facts("conversation", Other, 4_230).delegated_only(),
            Self::DriveItem => facts("driveItem", Drive, 42_300)
                .changes(UPDATED)
                .permission("Files.Read.All"),
            Self::List => facts("list", SharePoint, 42_300)
                .changes(UPDATED)
                .permission("Sites.Read.All"),
            Self::SecurityAlert => {
                facts("alert", Other, 43_200).permission("SecurityEvents.ReadWrite.All")
            }
            Self::HealthAlert => {
                facts("healthAlert", Other, 42_300).permission("HealthMonitoringAlert.Read.All")
            }
            Self::CallRecord => {
                facts("callRecord", Other, 4_230).permission("CallRecords.Read.All")
            }
            _ => self.facts_of_teams(),
        }
    }

    /// Teams, Copilot, print and tasks.
    const fn facts_of_teams(self) -> Facts {
        use Family::{Other, Teams};
        match self {
            Self::CallRecording => facts("callRecording", Teams, 4_320)
                .rich(Rich::Yes, 4_320)
                .permission("OnlineMeetingRecording.Read.All"),
            Self::CallTranscript => facts("callTranscript", Teams, 4_320)
                .rich(Rich::Yes, 4_320)
                .permission("OnlineMeetingTranscript.Read.All"),
            Self::Channel => facts("channel", Teams, 4_320)
                .rich(Rich::Yes, 4_320)
                .permission("Channel.ReadBasic.All"),
            Self::Chat => facts("chat", Teams, 4_320)
                .rich(Rich::Yes, 4_320)
                .permission("Chat.ReadBasic.All"),
            Self::ChatMessage => facts("chatMessage", Teams, 4_320)
                .rich(Rich::WithoutSelect, 4_320)
                .permission("ChannelMessage.Read.All"),
            Self::ConversationMember => facts("conversationMember", Teams, 4_320)
                .rich(Rich::WithoutSelect, 4_320)
                .permission("TeamMember.Read.All"),
            Self::Team => facts("team", Teams, 4_320)
                .rich(Rich::Yes, 4_320)
                .permission("Team.ReadBasic.All"),
            Self::TeamsAppInstallation => {
                facts("teamsAppInstallation", Teams, 4_320).rich(Rich::Yes, 4_320)
            }
            // The page lists it twice, with 4,320 and 4,230: the smaller one here.
            Self::OnlineMeeting => {
                facts("onlineMeeting", Teams, 4_230).rich(Rich::WithoutSelect, 4_230)
            }
            Self::Presence => facts("presence", Teams, 60)
                .changes(UPDATED)
                .rich(Rich::WithoutSelect, 60)
                .delegated_only()
                .doubles(Doubles::OneForAll),
            Self::Shifts => facts("shift", Teams, 360).permission("Schedule.Read.All"),
            Self::Approvals => facts("approvalItem", Other, 43_200)
                .permission("ApprovalSolution.Read.All")
                .doubles(Doubles::LimitOfOne),
            Self::AiInteraction => facts("aiInteraction", Other, 4_320)
                .rich(Rich::Yes, 4_320)
                .permission("AiEnterpriseInteraction.Read.All")
                .doubles(Doubles::LimitOfOne),
            Self::Printer => facts("printJob", Other, 4_230).permission("Printer.Read.All"),
            Self::PrintTaskDefinition => {
                facts("printTask", Other, 4_230).permission("PrintTaskDefinition.ReadWrite.All")
            }
            Self::TodoTask => facts("todoTask", Other, 4_230).permission("Tasks.ReadWrite.All"),
            Self::BaseTask => facts("baseTask", Other, 4_230),
            // In the permission table, missing from the lifetime table: the common 4,230.
            Self::VirtualEvent => {
                facts("virtualEvent", Other, 4_230).permission("VirtualEvent.Read.All")
            }
            _ => facts("unknown", Other, 4_230),
        }
    }

    /// Whether the path names one thing (a user, a drive) and not a collection.
    pub fn is_single(path: &Path) -> bool {
        PATTERNS
            .iter()
            .find(|(pattern, _)| matches(pattern, path.words()))
            .is_some_and(|(pattern, _)| pattern.ends_with('*') || pattern.ends_with("/root"))
    }

    /// What the path subscribes to; [`Kind::Unknown`] where no page names it.
    pub fn of(path: &Path) -> Self {
        PATTERNS
            .iter()
            .find(|(pattern, _)| matches(pattern, path.words()))
            .map_or(Self::Unknown, |(_, kind)| *kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_kind(resource: &str, kind: Kind) {
        assert_eq!(Kind::of(&Path::parse(resource)), kind, "{resource}");
    }

    #[test]
    fn every_spelling_of_a_path_is_one_kind() {
        check_kind("me/mailFolders('Inbox')/messages", Kind::Message);
        check_kind(
            "/users/a@b.c/mailFolders/inbox/messages?$select=subject",
            Kind::Message,
        );
        check_kind("Users", Kind::User);
        check_kind("users('5f')/events", Kind::Event);
        check_kind("/drives/b!x/root", Kind::DriveItem);
        check_kind("/sites/contoso.com,1,2/lists/3", Kind::List);
        check_kind("teams/getAllMessages?model=B", Kind::ChatMessage);
        check_kind("/chats/getAllMessages", Kind::ChatMessage);
        check_kind(
            "/teams/1/channels/19:x@thread.tacv2/messages",
            Kind::ChatMessage,
        );
        check_kind(
            "/communications/presences?$filter=id in ('a','b')",
            Kind::Presence,
        );
        check_kind(
            "/communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fx%2Fy')/meetingCallEvents",
            Kind::OnlineMeeting,
        );
        check_kind(
            "/security/alerts/?$filter=status eq 'New'",
            Kind::SecurityAlert,
        );
        check_kind("users/1/memberOf", Kind::Unknown);
        check_kind("", Kind::Unknown);
    }

    #[test]
    fn every_pattern_leads_to_facts_that_make_sense() {
        for (pattern, kind) in PATTERNS {
            let facts = kind.facts();
            assert!(facts.max_min >= 60, "{pattern}");
            assert!(facts.rich_max_min <= facts.max_min, "{pattern}");
            assert_ne!(facts.name, "unknown", "{pattern}");
            assert!(!facts.changes.is_empty(), "{pattern}");
        }
    }
}
