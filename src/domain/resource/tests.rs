//! Resource paths: normal forms and kinds.

use proptest::prelude::*;

use super::*;

const USER: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";

#[track_caller]
fn check_normal(text: &str, normal: &str) {
    let resource = Resource::parse(text).unwrap();
    assert_eq!(resource.normal(), normal);
    assert_eq!(resource.as_str(), text);
    assert_eq!(Resource::parse(normal).unwrap().normal(), normal);
}

#[track_caller]
fn check_refused(text: &str, word: &str) {
    let message = Resource::parse(text).unwrap_err().to_string();
    assert!(message.contains(word), "{text:?} gave {message:?}");
}

#[track_caller]
fn check_kind(text: &str, kind: ResourceKind) {
    assert_eq!(Resource::parse(text).unwrap().kind(), kind, "{text}");
}

#[test]
fn slashes_at_the_ends_do_not_matter() {
    for text in ["users", "/users", "users/", "/users/"] {
        check_normal(text, "users");
    }
    check_normal("/security/alerts/?$filter=a", "security/alerts?$filter=a");
}

#[test]
fn words_and_guids_are_folded_but_ids_are_not() {
    check_normal(
        "/Users/84BD8158-6D4D-4958-8B9F-9D6445542F95/MAILFOLDERS/AQMkADYAAA/Messages",
        "users/84bd8158-6d4d-4958-8b9f-9d6445542f95/mailFolders/AQMkADYAAA/messages",
    );
    check_normal(
        "Users/Adele@Contoso.com/Events",
        "users/Adele@Contoso.com/events",
    );
    check_normal(
        "Chats/19:AbC@thread.v2/Messages",
        "chats/19:AbC@thread.v2/messages",
    );
    // An id that reads like a word is still an id.
    check_normal("drives/Root/ROOT", "drives/Root/root");
}

#[test]
fn nothing_is_folded_after_an_unknown_word() {
    check_normal("me/Novelties/Messages", "me/Novelties/Messages");
    check_normal(
        "me/drive/Root:/Docs/Messages",
        "me/drive/Root:/Docs/Messages",
    );
}

#[test]
fn both_forms_of_a_key_are_one() {
    check_normal(
        &format!("users('{USER}')/mailFolders('Inbox')/messages"),
        &format!("users/{USER}/mailFolders/inbox/messages"),
    );
    check_normal(
        &format!("groups({USER})/members"),
        &format!("groups/{USER}/members"),
    );
    check_normal(
        "users('o''neil@contoso.com')/events",
        "users/o'neil@contoso.com/events",
    );
    check_normal("chats/GetAllMessages()", "chats/getAllMessages");
}

#[test]
fn a_key_that_cannot_stand_alone_keeps_its_parentheses() {
    check_normal("drives('a/b')/root", "drives('a/b')/root");
    check_normal("users('a?b')/events", "users('a?b')/events");
    check_normal(
        "Communications/OnlineMeetings(JoinWebUrl='https%3A%2F%2FTeams')/MeetingCallEvents",
        "communications/onlineMeetings(joinWebUrl='https%3A%2F%2FTeams')/meetingCallEvents",
    );
}

#[test]
fn a_site_may_be_addressed_by_path() {
    check_normal(
        "Sites/contoso.sharepoint.com:/Sites/HR:/Lists/B57AF081-936C-4803-A120-D94887B03864",
        "sites/contoso.sharepoint.com:/Sites/HR:/lists/b57af081-936c-4803-a120-d94887b03864",
    );
}

#[test]
fn options_are_sorted_and_only_their_names_are_folded() {
    check_normal(
        "me/messages?$SELECT=Subject, id ,id&$Filter=importance eq 'High'",
        "me/messages?$filter=importance eq 'High'&$select=Subject,id",
    );
    check_normal(
        "chats/getAllMessages?Model=A",
        "chats/getAllMessages?model=A",
    );
    check_normal("me/messages?", "me/messages");
    check_normal("me/messages?Other=X", "me/messages?Other=X");
    check_normal(
        "me/chats/getAllMessages?notifyonuserspecificproperties=true",
        "me/chats/getAllMessages?notifyOnUserSpecificProperties=true",
    );
}

#[test]
fn what_is_no_path_is_refused_with_advice() {
    check_refused("", "must not be empty");
    check_refused("///", "must not be empty");
    check_refused(
        "https://graph.microsoft.com/v1.0/me/messages",
        "write \"me/messages\"",
    );
    check_refused("HTTP://x", "absolute URL");
    check_refused("/v1.0/users", "leave \"v1.0\" away");
    check_refused("Beta/users", "EVERGRAPH_GRAPH_URL");
    check_refused("users/{id}/messages", "placeholder");
    check_refused("users//messages", "empty segment");
    check_refused("users/../groups", "relative");
    check_refused("..('x')/groups", "relative");
    check_refused("users/a b/messages", "%20");
    check_refused("users\\a", "\\");
    check_refused("users/a\nb", "control");
    check_refused("users('a/messages", "not closed");
    check_refused("users('')/messages", "is empty");
    check_refused("me/messages?$select=", "no value");
    check_refused("me/messages?$select= , ", "no value");
    check_refused("me/messages?$select=a&$Select=b", "twice");
    check_refused("me/messages?=a", "without a name");
    check_refused(&format!("Users/{USER}@{USER}/messages"), "without @tenant");
    check_refused(&"x".repeat(Resource::MAX_BYTES + 1), "at most");
}

/// The paths of the overview of change notifications, and a few that stand in no table.
const PATHS: &[(&str, ResourceKind)] = &[
    ("/users/ID/messages", ResourceKind::Message),
    ("/me/messages", ResourceKind::Message),
    (
        "/users/ID/mailFolders('inbox')/messages",
        ResourceKind::Message,
    ),
    (
        "/users/ID/mailFolders/ID/messages?$select=subject",
        ResourceKind::Message,
    ),
    ("/users/ID/events", ResourceKind::Event),
    ("/users/ID/contacts", ResourceKind::Contact),
    (
        "/users/ID/contactFolders/ID/contacts",
        ResourceKind::Contact,
    ),
    ("/users", ResourceKind::User),
    ("/users/ID", ResourceKind::User),
    ("/groups/ID/members", ResourceKind::Group),
    ("/groups", ResourceKind::Group),
    ("groups/ID/conversations", ResourceKind::Conversation),
    ("/drives/ID/root", ResourceKind::DriveItem),
    ("/users/ID/drive/root", ResourceKind::DriveItem),
    ("/me/drive/root:/Docs", ResourceKind::DriveItem),
    ("/sites/a.sharepoint.com,ID,ID/lists/ID", ResourceKind::List),
    (
        "/sites/a.sharepoint.com:/sites/b:/lists/ID",
        ResourceKind::List,
    ),
    ("/security/alerts/?$filter=a", ResourceKind::SecurityAlert),
    ("/security/alerts/ID", ResourceKind::SecurityAlert),
    (
        "/reports/healthmonitoring/alerts",
        ResourceKind::HealthAlert,
    ),
    ("/reports/healthmonitoring/alert", ResourceKind::HealthAlert),
    ("/communications/callRecords", ResourceKind::CallRecord),
    (
        "communications/onlineMeetings/getAllRecordings",
        ResourceKind::CallRecording,
    ),
    (
        "communications/onlineMeetings/ID/recordings",
        ResourceKind::CallRecording,
    ),
    (
        "users/ID/onlineMeetings/getAllRecordings",
        ResourceKind::CallRecording,
    ),
    (
        "appCatalogs/teamsApps/ID/installedToOnlineMeetings/getAllRecordings",
        ResourceKind::CallRecording,
    ),
    (
        "communications/onlineMeetings/ID/transcripts",
        ResourceKind::CallTranscript,
    ),
    (
        "users/ID/onlineMeetings/getAllTranscripts",
        ResourceKind::CallTranscript,
    ),
    (
        "appCatalogs/teamsApps/ID/installedToOnlineMeetings/getAllTrancripts",
        ResourceKind::CallTranscript,
    ),
    ("/teams/getAllChannels", ResourceKind::Channel),
    ("/teams/ID/channels", ResourceKind::Channel),
    ("/chats", ResourceKind::Chat),
    ("/chats/ID", ResourceKind::Chat),
    ("/users/ID/chats", ResourceKind::Chat),
    (
        "/appCatalogs/teamsApps/ID/installedToChats",
        ResourceKind::Chat,
    ),
    ("/teams/getAllMessages", ResourceKind::ChatMessage),
    ("/teams/ID/channels/ID/messages", ResourceKind::ChatMessage),
    ("/chats/getAllMessages", ResourceKind::ChatMessage),
    ("/chats/ID/messages", ResourceKind::ChatMessage),
    ("/users/ID/chats/getAllMessages", ResourceKind::ChatMessage),
    (
        "/appCatalogs/teamsApps/ID/installedToChats/getAllMessages",
        ResourceKind::ChatMessage,
    ),
    ("/teams/ID/members", ResourceKind::ConversationMember),
    ("/teams/getAllMembers", ResourceKind::ConversationMember),
    (
        "/teams/ID/channels/getAllMembers",
        ResourceKind::ConversationMember,
    ),
    (
        "/teams/getAllChannels/getAllMembers",
        ResourceKind::ConversationMember,
    ),
    ("/chats/ID/members", ResourceKind::ConversationMember),
    ("/chats/getAllMembers", ResourceKind::ConversationMember),
    (
        "/appCatalogs/teamsApps/ID/installedToChats/getAllMembers",
        ResourceKind::ConversationMember,
    ),
    ("/teams", ResourceKind::Team),
    ("/teams/ID", ResourceKind::Team),
    (
        "/communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fx')/meetingCallEvents",
        ResourceKind::OnlineMeeting,
    ),
    ("/communications/presences/ID", ResourceKind::Presence),
    (
        "/communications/presences?$filter=id in ('a','b')",
        ResourceKind::Presence,
    ),
    ("/teams/ID/schedule/shifts", ResourceKind::Shifts),
    ("/teams/ID/schedule/timeOffRequests", ResourceKind::Shifts),
    ("/solutions/approval/approvalItems", ResourceKind::Approval),
    (
        "copilot/users/ID/interactionHistory/getAllEnterpriseInteractions",
        ResourceKind::AiInteraction,
    ),
    (
        "copilot/interactionHistory/getAllEnterpriseInteractions",
        ResourceKind::AiInteraction,
    ),
    ("/print/printers/ID/jobs", ResourceKind::Printer),
    (
        "/print/printtaskdefinition/ID/tasks",
        ResourceKind::PrintTaskDefinition,
    ),
    (
        "print/taskDefinitions/ID/tasks",
        ResourceKind::PrintTaskDefinition,
    ),
    ("/me/todo/lists/ID/tasks", ResourceKind::TodoTask),
    (
        "/solutions/virtualEvents/webinars/ID",
        ResourceKind::VirtualEvent,
    ),
    (
        "/users/ID/teamwork/installedApps",
        ResourceKind::TeamsAppInstallation,
    ),
    ("/users/ID/memberOf", ResourceKind::Unknown),
    ("/me", ResourceKind::Unknown),
    ("/nothing/like/it", ResourceKind::Unknown),
];

#[test]
fn every_documented_path_has_its_kind() {
    for (path, kind) in PATHS {
        check_kind(path, *kind);
        check_kind(
            &path.to_ascii_uppercase().replace("/ROOT:/", "/root:/"),
            *kind,
        );
    }
    for kind in ResourceKind::ALL {
        assert!(
            PATHS.iter().any(|(_, one)| *one == kind),
            "{kind:?} has no path"
        );
    }
}

#[test]
fn two_ids_that_differ_in_case_are_two_resources() {
    let one = Resource::parse("me/mailFolders/AAMkA/messages").unwrap();
    let other = Resource::parse("me/mailFolders/AAMka/messages").unwrap();
    assert_ne!(one.normal(), other.normal());
}

#[test]
fn helpers_tell_what_stands_in_the_path() {
    let resource = Resource::parse("users/Ann/messages?$select=subject,id&$top=5").unwrap();
    assert_eq!(resource.mailbox(), Some("Ann"));
    assert!(resource.query().has_select());
    assert_eq!(
        resource.query().selected().collect::<Vec<_>>(),
        ["id", "subject"]
    );
    assert_eq!(resource.query().get("$top"), Some("5"));
    assert!(!resource.is_of_signed_in_user());
    assert!(Resource::parse("me/chats").unwrap().is_of_signed_in_user());
    assert_eq!(Resource::parse("users/Ann/chats").unwrap().mailbox(), None);
}

/// Texts that resemble paths: pieces of the grammar in any order.
fn almost_a_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("users"),
        Just("Teams"),
        Just("getAllMessages"),
        Just("mailFolders"),
        Just("Inbox"),
        Just("sites"),
        Just("a:"),
        Just("/"),
        Just("/"),
        Just("/"),
        Just("('"),
        Just("')"),
        Just("()"),
        Just("("),
        Just(")"),
        Just("'"),
        Just("''"),
        Just("?"),
        Just("&"),
        Just("="),
        Just("$Select"),
        Just("$filter"),
        Just(","),
        Just(" "),
        Just("b"),
        Just("A"),
        Just(".."),
        Just("beta"),
        Just("://"),
        Just("84BD8158-6D4D-4958-8B9F-9D6445542F95"),
        Just("@"),
        Just("joinWebUrl="),
        Just("\u{3000}"),
        Just("é"),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_read_or_refused_and_the_normal_form_is_a_fixed_point(
        text in prop_oneof![almost_a_path(), any::<String>()],
    ) {
        if let Ok(resource) = Resource::parse(&text) {
            let again = Resource::parse(resource.normal());
            prop_assert!(again.is_ok(), "{:?} from {:?}: {:?}", resource.normal(), text, again);
            let again = again.unwrap();
            prop_assert_eq!(again.normal(), resource.normal());
            prop_assert_eq!(again.kind(), resource.kind());
        }
    }
}
