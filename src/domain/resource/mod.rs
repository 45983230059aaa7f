//! Resource paths of Graph: normal form, kind, query options.
//!
//! Two spellings of one path must have one normal form, because it is a part of the key of a
//! subscription; two different things must never share one. So letter case is folded only
//! where Graph is known not to care: in path words that we know, in GUIDs and in key syntax.
//! Item ids, user principal names and everything after an unknown word stay as they are.
//!
//! | spelling | normal form |
//! |---|---|
//! | `/Users/84BD…/Messages/` | `users/84bd…/messages` |
//! | `users('84bd…')/mailFolders('Inbox')/messages` | `users/84bd…/mailFolders/inbox/messages` |
//! | `/chats/getAllMessages()?Model=A` | `chats/getAllMessages?model=A` |
//! | `me/events?$select=subject, id&$Filter=x` | `me/events?$filter=x&$select=id,subject` |

mod kind;
mod path;
mod query;
mod words;

pub use kind::ResourceKind;
pub use query::Query;

/// A resource path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    text: String,
    normal: String,
    segments: Vec<String>,
    query: Query,
    kind: ResourceKind,
}

/// Why a text is no resource path: a sentence for the integrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ResourceError(pub String);

impl Resource {
    /// Longest text accepted, in bytes: room for the 650 user ids that one presence
    /// subscription may filter by, with a margin.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads a path, with or without slashes at its ends, with its query options.
    ///
    /// # Errors
    /// Absolute URLs, paths that begin with an API version, placeholders, empty or relative
    /// segments, white space outside the query, and options that are empty or given twice.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        refuse_what_is_no_path(text)?;
        let (path, query) = path::split_query(text)?;
        let segments = words::fold(path::segments(path)?);
        let query = Query::parse(query.unwrap_or(""))?;
        let normal = match query.normal() {
            "" => segments.join("/"),
            options => format!("{}?{options}", segments.join("/")),
        };
        Ok(Self {
            text: text.to_owned(),
            kind: kind::of(&segments),
            normal,
            segments,
            query,
        })
    }

    /// As declared; this text is sent to Graph.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Normal form: no slash at its ends, query options sorted by name. Reading it again
    /// changes nothing.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The segments of the normal form, without the query.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(String::as_str)
    }

    /// What the path names.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The query options that stand in the resource itself.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Whether the path begins with `me`: Graph answers it only to a signed-in user.
    pub fn is_of_signed_in_user(&self) -> bool {
        self.segments.first().is_some_and(|first| first == "me")
    }

    /// Whose mailbox is watched, for the Outlook kinds: the user's id or name, or `me`.
    pub fn mailbox(&self) -> Option<&str> {
        if !self.kind.is_outlook() {
            return None;
        }
        match self.segments.first()?.as_str() {
            "users" => self.segments.get(1).map(String::as_str),
            first => Some(first),
        }
    }

    /// Whether only the beta version of Graph knows the path: the forms marked so in the
    /// overview of change notifications (page of 2025-03-05).
    pub fn is_beta_only(&self) -> bool {
        match self.kind {
            ResourceKind::OnlineMeeting => true,
            ResourceKind::CallRecording | ResourceKind::CallTranscript => self
                .segments
                .iter()
                .any(|one| one == "installedToOnlineMeetings"),
            _ => false,
        }
    }

    /// Whether the path watches the things of one app installation only
    /// (`appCatalogs/teamsApps/{id}/installedTo…`).
    pub fn is_where_installed(&self) -> bool {
        self.segments
            .first()
            .is_some_and(|first| first == "appCatalogs")
    }
}

fn refuse_what_is_no_path(text: &str) -> Result<(), ResourceError> {
    let refuse = |why: String| Err(ResourceError(why));
    if text.len() > Resource::MAX_BYTES {
        return refuse(format!(
            "a resource has at most {} bytes, this one has {}",
            Resource::MAX_BYTES,
            text.len()
        ));
    }
    if text.chars().any(char::is_control) {
        return refuse(
            "a resource must not contain line breaks or other control characters".into(),
        );
    }
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    {
        let after_host = rest.split_once('/').map_or("", |(_, path)| path);
        return refuse(format!(
            "a resource is a path of Graph, not an absolute URL: write {:?}",
            short(without_version(after_host))
        ));
    }
    Ok(())
}

/// The path after `v1.0/` or `beta/`, for the advice in an error.
fn without_version(path: &str) -> &str {
    match path.split_once('/') {
        Some((first, rest)) if words::is_api_version(first) => rest,
        _ => path,
    }
}

/// A text cut to a length that fits a message.
fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
