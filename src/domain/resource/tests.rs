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

#[test]
fn every_documented_path_has_its_kind() {
    use ResourceKind as K;
    let table = [
        ("/users/ID/messages", K::Message),
        ("/me/messages", K::Message),
        ("/users/ID/mailFolders('inbox')/messages", K::Message),
        (
            "/users/ID/mailFolders/ID/messages?$select=subject",
            K::Message,
        ),
        ("/users/ID/events", K::Event),
        ("/users/ID/contacts", K::Contact),
        ("/users/ID/contactFolders/ID/contacts", K::Contact),
        ("/users", K::User),
        ("/users/ID", K::User),
        ("/groups/ID/members", K::Group),
        ("/groups", K::Group),
        ("groups/ID/conversations", K::Conversation),
        ("/drives/ID/root", K::DriveItem),
        ("/users/ID/drive/root", K::DriveItem),
        ("/me/drive/root:/Docs", K::DriveItem),
        ("/sites/a.sharepoint.com,ID,ID/lists/ID", K::List),
        ("/sites/a.sharepoint.com:/sites/b:/lists/ID", K::List),
        ("/security/alerts/?$filter=a", K::SecurityAlert),
        ("/security/alerts/ID", K::SecurityAlert),
        ("/reports/healthmonitoring/alerts", K::HealthAlert),
        ("/reports/healthmonitoring/alert", K::HealthAlert),
        ("/communications/callRecords", K::CallRecord),
        (
            "communications/onlineMeetings/getAllRecordings",
            K::CallRecording,
        ),
        (
            "communications/onlineMeetings/ID/recordings",
            K::CallRecording,
        ),
        ("users/ID/onlineMeetings/getAllRecordings", K::CallRecording),
        (
            "appCatalogs/teamsApps/ID/installedToOnlineMeetings/getAllRecordings",
            K::CallRecording,
        ),
        (
            "communications/onlineMeetings/ID/transcripts",
            K::CallTranscript,
        ),
        (
            "users/ID/onlineMeetings/getAllTranscripts",
            K::CallTranscript,
        ),
        (
            "appCatalogs/teamsApps/ID/installedToOnlineMeetings/getAllTrancripts",
            K::CallTranscript,
        ),
        ("/teams/getAllChannels", K::Channel),
        ("/teams/ID/channels", K::Channel),
        ("/chats", K::Chat),
        ("/chats/ID", K::Chat),
        ("/users/ID/chats", K::Chat),
        ("/appCatalogs/teamsApps/ID/installedToChats", K::Chat),
        ("/teams/getAllMessages", K::ChatMessage),
        ("/teams/ID/channels/ID/messages", K::ChatMessage),
        ("/chats/getAllMessages", K::ChatMessage),
        ("/chats/ID/messages", K::ChatMessage),
        ("/users/ID/chats/getAllMessages", K::ChatMessage),
        (
            "/appCatalogs/teamsApps/ID/installedToChats/getAllMessages",
            K::ChatMessage,
        ),
        ("/teams/ID/members", K::ConversationMember),
        ("/teams/getAllMembers", K::ConversationMember),
        ("/teams/ID/channels/getAllMembers", K::ConversationMember),
        ("/teams/getAllChannels/getAllMembers", K::ConversationMember),
        ("/chats/ID/members", K::ConversationMember),
        ("/chats/getAllMembers", K::ConversationMember),
        (
            "/appCatalogs/teamsApps/ID/installedToChats/getAllMembers",
            K::ConversationMember,
        ),
        ("/teams", K::Team),
        ("/teams/ID", K::Team),
        (
            "/communications/onlineMeetings(joinWebUrl='https%3A%2F%2Fx')/meetingCallEvents",
            K::OnlineMeeting,
        ),
        ("/communications/presences/ID", K::Presence),
        (
            "/communications/presences?$filter=id in ('a','b')",
            K::Presence,
        ),
        ("/teams/ID/schedule/shifts", K::Shifts),
        ("/teams/ID/schedule/timeOffRequests", K::Shifts),
        ("/solutions/approval/approvalItems", K::Approval),
        (
            "copilot/users/ID/interactionHistory/getAllEnterpriseInteractions",
            K::AiInteraction,
        ),
        (
            "copilot/interactionHistory/getAllEnterpriseInteractions",
            K::AiInteraction,
        ),
        ("/print/printers/ID/jobs", K::Printer),
        (
            "/print/printtaskdefinition/ID/tasks",
            K::PrintTaskDefinition,
        ),
        ("print/taskDefinitions/ID/tasks", K::PrintTaskDefinition),
        ("/me/todo/lists/ID/tasks", K::TodoTask),
        ("/solutions/virtualEvents/webinars/ID", K::VirtualEvent),
        ("/users/ID/teamwork/installedApps", K::TeamsAppInstallation),
        ("/users/ID/memberOf", K::Unknown),
        ("/me", K::Unknown),
        ("/nothing/like/it", K::Unknown),
    ];
    for (path, kind) in table {
        check_kind(path, kind);
        check_kind(
            &path.to_ascii_uppercase().replace("/ROOT:/", "/root:/"),
            kind,
        );
    }
    for kind in ResourceKind::ALL {
        assert!(
            table.iter().any(|(_, one)| *one == kind),
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
