//! Path words that we know, and where an id stands between them.

use crate::domain::ids::is_guid;

/// Words after which an id follows, unless one of [`AFTER_COLLECTION`] does.
const COLLECTIONS: &[&str] = &[
    "alerts",
    "calendars",
    "callRecords",
    "channels",
    "chats",
    "childFolders",
    "contactFolders",
    "drives",
    "groups",
    "installedApps",
    "items",
    "lists",
    "mailFolders",
    "onlineMeetings",
    "presences",
    "printers",
    "printTaskDefinition",
    "sites",
    "taskDefinitions",
    "teams",
    "teamsApps",
    "townhalls",
    "users",
    "webinars",
];

/// Words that are never an id, even right after a collection.
const AFTER_COLLECTION: &[&str] = &[
    "getAllChannels",
    "getAllMembers",
    "getAllMessages",
    "getAllRecordings",
    "getAllTrancripts", // so spelled in the overview of change notifications
    "getAllTranscripts",
];

/// Words after which another word follows.
const PLAIN: &[&str] = &[
    "alert",
    "appCatalogs",
    "approval",
    "approvalItems",
    "calendar",
    "communications",
    "contacts",
    "conversations",
    "copilot",
    "drive",
    "events",
    "getAllEnterpriseInteractions",
    "healthMonitoring",
    "installedToChats",
    "installedToOnlineMeetings",
    "interactionHistory",
    "jobs",
    "me",
    "meetingCallEvents",
    "members",
    "messages",
    "offerShiftRequests",
    "openShiftChangeRequests",
    "owners",
    "print",
    "recordings",
    "reports",
    "root",
    "schedule",
    "security",
    "shifts",
    "solutions",
    "swapShiftsChangeRequests",
    "tasks",
    "teamwork",
    "timeOffRequests",
    "todo",
    "transcripts",
    "virtualEvents",
];

/// Names that stand for a mail folder's id (resource page of mailFolder).
const WELL_KNOWN_FOLDERS: &[&str] = &[
    "archive",
    "clutter",
    "conflicts",
    "conversationhistory",
    "deleteditems",
    "drafts",
    "inbox",
    "junkemail",
    "localfailures",
    "msgfolderroot",
    "outbox",
    "recoverableitemsdeletions",
    "scheduled",
    "searchfolders",
    "sentitems",
    "serverfailures",
    "syncissues",
];

/// Names of the arguments that functions in paths take.
const ARGUMENTS: &[&str] = &["joinWebUrl"];

/// Whether the segment is a version of the API and no path word.
pub(super) fn is_api_version(segment: &str) -> bool {
    known(&["v1.0", "beta"], segment).is_some()
}

/// Writes words in Graph's spelling, and GUIDs and well-known folders in lower case.
///
/// Folding ends at the first word that we do not know: what follows may be an id.
pub(super) fn fold(segments: Vec<String>) -> Vec<String> {
    let mut next = Next::Word;
    segments
        .into_iter()
        .map(|segment| {
            let (folded, then) = next.fold(&segment);
            next = then;
            folded
        })
        .collect()
}

/// What the next segment is.
#[derive(Clone, Copy)]
enum Next {
    Word,
    Id(&'static str),
    /// Inside `:/path:`, the addressing of sites and drive items by path.
    ByPath,
    Unknown,
}

impl Next {
    fn fold(self, segment: &str) -> (String, Self) {
        match self {
            Self::Word => word(segment),
            Self::Id(collection) => id(collection, segment),
            Self::ByPath => {
                let then = match segment.ends_with(':') {
                    true => Self::Word,
                    false => Self::ByPath,
                };
                (segment.to_owned(), then)
            }
            Self::Unknown => (folded_guid(segment), Self::Unknown),
        }
    }
}

fn word(segment: &str) -> (String, Next) {
    if let Some(word) = known(COLLECTIONS, segment) {
        return (word.to_owned(), Next::Id(word));
    }
    if let Some(word) = known(PLAIN, segment).or_else(|| known(AFTER_COLLECTION, segment)) {
        return (word.to_owned(), Next::Word);
    }
    match keyed(segment) {
        Some(folded) => (folded, Next::Word),
        None => (folded_guid(segment), Next::Unknown),
    }
}

fn id(collection: &'static str, segment: &str) -> (String, Next) {
    if let Some(word) = known(AFTER_COLLECTION, segment) {
        return (word.to_owned(), Next::Word);
    }
    if collection == "sites" && segment.ends_with(':') {
        return (segment.to_owned(), Next::ByPath);
    }
    if matches!(collection, "mailFolders" | "childFolders")
        && let Some(name) = known(WELL_KNOWN_FOLDERS, segment)
    {
        return (name.to_owned(), Next::Word);
    }
    (folded_guid(segment), Next::Word)
}

/// `name(argument=…)` with a name that we know; the value stays as it is.
fn keyed(segment: &str) -> Option<String> {
    let (name, rest) = segment.split_once('(')?;
    let word = known(COLLECTIONS, name).or_else(|| known(PLAIN, name))?;
    match rest.split_once('=') {
        Some((argument, value)) => {
            let argument = known(ARGUMENTS, argument).unwrap_or(argument);
            Some(format!("{word}({argument}={value}"))
        }
        None => Some(format!("{word}({rest}")),
    }
}

fn folded_guid(segment: &str) -> String {
    match is_guid(segment) {
        true => segment.to_ascii_lowercase(),
        false => segment.to_owned(),
    }
}

fn known(words: &'static [&'static str], segment: &str) -> Option<&'static str> {
    words
        .iter()
        .copied()
        .find(|word| word.eq_ignore_ascii_case(segment))
}
