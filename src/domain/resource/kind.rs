//! What a path names: one kind for each row of the tables of lifetimes and permissions in
//! Microsoft's overview of change notifications and its subscription pages.

use std::fmt;

/// What a resource path names. Limits hang on it; see [`crate::domain::limits`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ResourceKind {
    /// Outlook mail.
    Message,
    /// Outlook calendar events.
    Event,
    /// Outlook contacts.
    Contact,
    /// Entra users.
    User,
    /// Entra groups, their owners and members.
    Group,
    /// Conversations of a Microsoft 365 group.
    Conversation,
    /// OneDrive and SharePoint drives.
    DriveItem,
    /// SharePoint lists.
    List,
    /// Security alerts.
    SecurityAlert,
    /// Alerts of Entra health monitoring.
    HealthAlert,
    /// Records of Teams calls.
    CallRecord,
    /// Recordings of Teams calls and meetings.
    CallRecording,
    /// Transcripts of Teams calls and meetings.
    CallTranscript,
    /// Teams channels.
    Channel,
    /// Teams chats.
    Chat,
    /// Messages in Teams channels and chats.
    ChatMessage,
    /// Members of teams, channels and chats.
    ConversationMember,
    /// Teams.
    Team,
    /// Teams online meetings: call events.
    OnlineMeeting,
    /// Presence of users.
    Presence,
    /// The five types of Shifts.
    Shifts,
    /// Approvals in Teams.
    Approval,
    /// Interactions with Copilot.
    AiInteraction,
    /// Universal Print: jobs of a printer.
    Printer,
    /// Universal Print: tasks of a definition.
    PrintTaskDefinition,
    /// To Do tasks.
    TodoTask,
    /// Webinars and town halls.
    VirtualEvent,
    /// Installations of a Teams app.
    TeamsAppInstallation,
    /// None of the above.
    Unknown,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: [Self; 29] = [
        Self::Message,
        Self::Event,
        Self::Contact,
        Self::User,
        Self::Group,
        Self::Conversation,
        Self::DriveItem,
        Self::List,
        Self::SecurityAlert,
        Self::HealthAlert,
        Self::CallRecord,
        Self::CallRecording,
        Self::CallTranscript,
        Self::Channel,
        Self::Chat,
        Self::ChatMessage,
        Self::ConversationMember,
        Self::Team,
        Self::OnlineMeeting,
        Self::Presence,
        Self::Shifts,
        Self::Approval,
        Self::AiInteraction,
        Self::Printer,
        Self::PrintTaskDefinition,
        Self::TodoTask,
        Self::VirtualEvent,
        Self::TeamsAppInstallation,
        Self::Unknown,
    ];

    /// Graph's name of the type, or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Event => "event",
            Self::Contact => "contact",
            Self::User => "user",
            Self::Group => "group",
            Self::Conversation => "conversation",
            Self::DriveItem => "driveItem",
            Self::List => "list",
            Self::SecurityAlert => "security alert",
            Self::HealthAlert => "health monitoring alert",
            Self::CallRecord => "callRecord",
            Self::CallRecording => "callRecording",
            Self::CallTranscript => "callTranscript",
            Self::Channel => "channel",
            Self::Chat => "chat",
            Self::ChatMessage => "chatMessage",
            Self::ConversationMember => "conversationMember",
            Self::Team => "team",
            Self::OnlineMeeting => "onlineMeeting",
            Self::Presence => "presence",
            Self::Shifts => "shifts",
            Self::Approval => "approvals",
            Self::AiInteraction => "aiInteraction",
            Self::Printer => "printer",
            Self::PrintTaskDefinition => "printTaskDefinition",
            Self::TodoTask => "todoTask",
            Self::VirtualEvent => "virtualEvent",
            Self::TeamsAppInstallation => "teamsAppInstallation",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it lives in a mailbox.
    pub const fn is_outlook(self) -> bool {
        matches!(self, Self::Message | Self::Event | Self::Contact)
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

use ResourceKind as Kind;

/// The kind of a path in normal form. Patterns as in the overview of change notifications;
/// a form that stands in no table is [`ResourceKind::Unknown`].
pub(super) fn of(segments: &[String]) -> ResourceKind {
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["me", rest @ ..] | ["users", _, rest @ ..] if !rest.is_empty() => of_user(rest),
        ["users"] | ["users", _] => Kind::User,
        ["groups", rest @ ..] => of_group(rest),
        ["drives", _, "root"] => Kind::DriveItem,
        ["drives", _, rest @ ..] if is_folder(rest) => Kind::DriveItem,
        ["sites", rest @ ..] if is_list(rest) => Kind::List,
        ["security", "alerts", ..] => Kind::SecurityAlert,
        ["reports", "healthMonitoring", "alert" | "alerts", ..] => Kind::HealthAlert,
        ["communications", rest @ ..] => of_communications(rest),
        ["teams", rest @ ..] => of_teams(rest),
        ["chats", rest @ ..] => of_chats(rest),
        ["appCatalogs", "teamsApps", _, rest @ ..] => of_installed(rest),
        ["solutions", "approval", "approvalItems"] => Kind::Approval,
        ["solutions", "virtualEvents", ..] => Kind::VirtualEvent,
        ["copilot", rest @ ..] => of_copilot(rest),
        ["print", "printers", _, "jobs"] => Kind::Printer,
        [
            "print",
            "taskDefinitions" | "printTaskDefinition",
            _,
            "tasks",
        ] => Kind::PrintTaskDefinition,
        _ => Kind::Unknown,
    }
}

fn of_user(rest: &[&str]) -> ResourceKind {
    match rest {
        ["messages"] => Kind::Message,
        ["mailFolders", _, inner @ ..] if is_below_folders(inner) => Kind::Message,
        ["events"] | ["calendar", "events"] | ["calendars", _, "events"] => Kind::Event,
        ["contacts"] | ["contactFolders", _, "contacts"] => Kind::Contact,
        ["drive", "root"] => Kind::DriveItem,
        ["drive", inner @ ..] if is_folder(inner) => Kind::DriveItem,
        ["drives", _, "root"] => Kind::DriveItem,
        ["chats"] => Kind::Chat,
        ["chats", "getAllMessages"] => Kind::ChatMessage,
        ["onlineMeetings", inner @ ..] => of_meetings(inner),
        ["todo", "lists", _, "tasks"] => Kind::TodoTask,
        ["teamwork", "installedApps", ..] => Kind::TeamsAppInstallation,
        _ => Kind::Unknown,
    }
}

/// `messages`, or `childFolders/{id}` any number of times before it.
fn is_below_folders(path: &[&str]) -> bool {
    match path {
        ["messages"] => true,
        ["childFolders", _, inner @ ..] => is_below_folders(inner),
        _ => false,
    }
}

/// A folder of a drive other than its root, by id or by path.
fn is_folder(path: &[&str]) -> bool {
    matches!(path, ["items", _]) || path.first().is_some_and(|first| first.starts_with("root:"))
}

/// `{site-id}/lists/{list-id}`, with a site addressed by path as well.
fn is_list(path: &[&str]) -> bool {
    matches!(path, [_, .., "lists", _]) && path.len() >= 3
}

fn of_group(rest: &[&str]) -> ResourceKind {
    match rest {
        [] | [_] | [_, "owners" | "members"] => Kind::Group,
        [_, "conversations"] => Kind::Conversation,
        [_, "drive", "root"] => Kind::DriveItem,
        _ => Kind::Unknown,
    }
}

fn of_communications(rest: &[&str]) -> ResourceKind {
    match rest {
        ["callRecords", ..] => Kind::CallRecord,
        ["presences", ..] => Kind::Presence,
        ["onlineMeetings", inner @ ..] => of_meetings(inner),
        [keyed, "meetingCallEvents"] if keyed.starts_with("onlineMeetings(") => Kind::OnlineMeeting,
        _ => Kind::Unknown,
    }
}

fn of_meetings(rest: &[&str]) -> ResourceKind {
    match rest {
        ["getAllRecordings"] | [_, "recordings"] => Kind::CallRecording,
        ["getAllTranscripts" | "getAllTrancripts"] | [_, "transcripts"] => Kind::CallTranscript,
        [_, "meetingCallEvents"] => Kind::OnlineMeeting,
        _ => Kind::Unknown,
    }
}

fn of_teams(rest: &[&str]) -> ResourceKind {
    match rest {
        ["getAllMessages"] | [_, "channels", _, "messages"] => Kind::ChatMessage,
        ["getAllMembers"]
        | [_, "members"]
        | ["getAllChannels", "getAllMembers"]
        | [_, "channels", "getAllMembers"] => Kind::ConversationMember,
        ["getAllChannels"] | [_, "channels"] => Kind::Channel,
        [] | [_] => Kind::Team,
        [
            _,
            "schedule",
            "shifts"
            | "offerShiftRequests"
            | "openShiftChangeRequests"
            | "swapShiftsChangeRequests"
            | "timeOffRequests",
        ] => Kind::Shifts,
        [_, "installedApps", ..] => Kind::TeamsAppInstallation,
        _ => Kind::Unknown,
    }
}

fn of_chats(rest: &[&str]) -> ResourceKind {
    match rest {
        ["getAllMessages"] | [_, "messages"] => Kind::ChatMessage,
        ["getAllMembers"] | [_, "members"] => Kind::ConversationMember,
        [] | [_] => Kind::Chat,
        [_, "installedApps", ..] => Kind::TeamsAppInstallation,
        _ => Kind::Unknown,
    }
}

fn of_installed(rest: &[&str]) -> ResourceKind {
    match rest {
        ["installedToChats"] => Kind::Chat,
        ["installedToChats", "getAllMessages"] => Kind::ChatMessage,
        ["installedToChats", "getAllMembers"] => Kind::ConversationMember,
        ["installedToOnlineMeetings", "getAllRecordings"] => Kind::CallRecording,
        [
            "installedToOnlineMeetings",
            "getAllTranscripts" | "getAllTrancripts",
        ] => Kind::CallTranscript,
        _ => Kind::Unknown,
    }
}

fn of_copilot(rest: &[&str]) -> ResourceKind {
    match rest {
        ["interactionHistory", "getAllEnterpriseInteractions"]
        | [
            "users",
            _,
            "interactionHistory",
            "getAllEnterpriseInteractions",
        ] => Kind::AiInteraction,
        _ => Kind::Unknown,
    }
}
