//! A blob: content, type and metadata.
//!
//! The mark is metadata of ours: the owner, and the run that wrote it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::owner::{Digest, Owner};
use crate::domain::ensure::{Drift, HolderId, Ours, Seen, Standing, Token};

/// Metadata that says whose it is. Names of metadata are identifiers, without `-`.
pub const OWNER: &str = "evergraph_owner";
/// Metadata that says which run wrote it.
pub const RUN: &str = "evergraph_run";

/// What a blob is to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Host of the account, with its port and the account's path where it has one.
    pub account: String,
    /// The container.
    pub container: String,
    /// The blob's name.
    pub name: String,
    /// Who marks it.
    pub owner: Owner,
    /// The content.
    pub content: Digest,
    /// Its type.
    pub content_type: String,
    /// Metadata of the integrator's choice, names in lower case.
    pub metadata: BTreeMap<String, String>,
    /// The term of the lease under which it is changed; `None`: without one.
    pub lease: Option<Duration>,
    /// Whether a missing container may be created.
    pub create_container: bool,
}

/// A blob as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its version.
    pub version: Option<String>,
    /// Its content; `None` where it is larger than what is read.
    pub content: Option<Digest>,
    /// Its type.
    pub content_type: String,
    /// Whether it is a block blob; others cannot be changed into one in place.
    pub is_block: bool,
    /// Its metadata, names in lower case.
    pub metadata: BTreeMap<String, String>,
    /// Other properties that a change must carry over, as headers of a request.
    pub kept: Vec<(String, String)>,
}

impl Wanted {
    /// Longest lease of finite term, in seconds; the shortest is 15
    /// (<https://learn.microsoft.com/rest/api/storageservices/lease-blob>).
    pub const LEASE_MAX_S: u64 = 60;
    /// Shortest lease, in seconds.
    pub const LEASE_MIN_S: u64 = 15;

    /// The natural key.
    pub fn key(&self) -> String {
        format!("blob/{}/{}/{}", self.account, self.container, self.name)
    }

    /// All metadata of the blob as a run writes it, and as a person may have added to it.
    pub fn metadata(&self, run: &str, more: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = more.clone();
        all.extend(self.metadata.clone());
        all.insert(OWNER.to_owned(), self.owner.as_str().to_owned());
        all.insert(RUN.to_owned(), run.to_owned());
        all
    }

    /// What a blob that was read is.
    pub fn judge(&self, row: &Row) -> Seen {
        let marked = row.metadata.get(OWNER);
        let ours = marked.is_some_and(|owner| owner == self.owner.as_str());
        let run = row.metadata.get(RUN).filter(|_| ours);
        Seen {
            id: HolderId::new(self.name.as_str()),
            ours: if ours { Ours::ByRule } else { Ours::Foreign },
            token: run.map(|run| Token::new(run.as_str())),
            version: row.version.clone(),
            drift: self.drift(row),
            standing: Standing::Live,
            content: Some(carried(row).into()),
        }
    }

    fn drift(&self, row: &Row) -> Drift {
        if !row.is_block {
            return Drift::Fixed(vec!["blob type".to_owned()]);
        }
        let mut differs = Vec::new();
        if row.content.as_ref() != Some(&self.content) {
            differs.push("content".to_owned());
        }
        if !row.content_type.eq_ignore_ascii_case(&self.content_type) {
            differs.push("content type".to_owned());
        }
        for (name, value) in &self.metadata {
            if row.metadata.get(name) != Some(value) {
                differs.push(format!("metadata {name}"));
            }
        }
        match differs.is_empty() {
            true => Drift::None,
            false => Drift::Patchable(differs),
        }
    }
}

/// What a change must carry over, one `header: value` a line.
fn carried(row: &Row) -> String {
    let metadata = row
        .metadata
        .iter()
        .map(|(name, value)| (format!("x-ms-meta-{name}"), value));
    let kept = row.kept.iter().map(|(name, value)| (name.clone(), value));
    let lines = metadata
        .chain(kept)
        .map(|(name, value)| format!("{name}: {value}\n"));
    lines.collect()
}

/// Reads what [`Wanted::judge`] put into [`Seen::content`]: metadata, and other headers.
pub fn carried_over(seen: &Seen) -> (BTreeMap<String, String>, Vec<(String, String)>) {
    let (mut metadata, mut kept) = (BTreeMap::new(), Vec::new());
    for line in seen.content.as_deref().unwrap_or_default().lines() {
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        match name.strip_prefix("x-ms-meta-") {
            Some(name) => {
                metadata.insert(name.to_owned(), value.to_owned());
            }
            None => kept.push((name.to_owned(), value.to_owned())),
        }
    }
    (metadata, kept)
}

/// What is wrong with the name of a container, if anything
/// (<https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata>).
pub fn container_rule(name: &str) -> Option<&'static str> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let edges = name.starts_with('-') || name.ends_with('-') || name.contains("--");
    let good = (3..=63).contains(&name.len()) && name.bytes().all(plain) && !edges;
    (!good).then_some("3 to 63 of a-z, 0-9 and single -, neither first nor last")
}

/// What is wrong with the name of a blob, if anything.
pub fn name_rule(name: &str) -> Option<&'static str> {
    let segments = name.split('/');
    let empty = segments
        .clone()
        .any(|one| matches!(one, "" | "." | "..") || one.ends_with('.'));
    let good = (1..=1024).contains(&name.len()) && !empty && !name.chars().any(char::is_control);
    (!good).then_some("1 to 1024 characters, segments neither empty nor ending with a dot")
}

/// What is wrong with the name of metadata, if anything: an identifier of C#, here in lower case.
pub fn metadata_rule(name: &str) -> Option<&'static str> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    let good = (1..=64).contains(&name.len()) && name.bytes().all(plain) && !digit;
    let free = !name.starts_with("evergraph_");
    (!good || !free).then_some("a-z, 0-9 and _, no digit first, not beginning with evergraph_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            account: "a.blob.core.windows.net".into(),
            container: "releases".into(),
            name: "app/config.json".into(),
            owner: Owner::parse("team-a").unwrap(),
            content: Digest::of(b"{}"),
            content_type: "application/json".into(),
            metadata: BTreeMap::from([("stage".to_owned(), "prod".to_owned())]),
            lease: None,
            create_container: false,
        }
    }

    fn row() -> Row {
        let more = BTreeMap::from([("note".to_owned(), "by hand".to_owned())]);
        Row {
            version: Some("\"1\"".into()),
            content: Some(Digest::of(b"{}")),
            content_type: "application/json".into(),
            is_block: true,
            metadata: wanted().metadata("r1", &more),
            kept: vec![("x-ms-blob-cache-control".into(), "no-store".into())],
        }
    }

    #[track_caller]
    fn check_drift(row: &Row, want: Drift) {
        assert_eq!(wanted().judge(row).drift, want);
    }

    #[test]
    fn the_same_content_without_our_mark_is_foreign() {
        let seen = wanted().judge(&row());
        assert_eq!(seen.ours, Ours::ByRule);
        assert_eq!(seen.token, Some(Token::new("r1")));
        for owner in [None, Some("team-b")] {
            let mut other = row();
            other.metadata.remove(OWNER);
            if let Some(owner) = owner {
                other.metadata.insert(OWNER.into(), owner.into());
            }
            let seen = wanted().judge(&other);
            assert_eq!((seen.ours, seen.token), (Ours::Foreign, None));
        }
    }

    #[test]
    fn what_differs_is_named() {
        check_drift(&row(), Drift::None);
        let mut other = row();
        other.content = Some(Digest::of(b"[]"));
        other.metadata.insert("stage".into(), "test".into());
        check_drift(
            &other,
            Drift::Patchable(vec!["content".into(), "metadata stage".into()]),
        );
        let page = Row {
            is_block: false,
            ..row()
        };
        check_drift(&page, Drift::Fixed(vec!["blob type".into()]));
    }

    #[test]
    fn a_change_carries_over_what_people_added() {
        let (metadata, kept) = carried_over(&wanted().judge(&row()));
        assert_eq!(metadata.get("note").map(String::as_str), Some("by hand"));
        assert_eq!(kept, row().kept);
        let written = wanted().metadata("r2", &metadata);
        assert_eq!(written.get("note").map(String::as_str), Some("by hand"));
        assert_eq!(written.get(RUN).map(String::as_str), Some("r2"));
    }

    #[test]
    fn names_follow_the_rules_of_the_service() {
        assert_eq!(container_rule("my-releases1"), None);
        for bad in ["ab", "A-b", "-ab", "a--b", "ab-", "$web1"] {
            assert!(container_rule(bad).is_some(), "{bad}");
        }
        assert_eq!(name_rule("a/b.json"), None);
        for bad in ["", "a//b", "../b", "a./b", "a\nb"] {
            assert!(name_rule(bad).is_some(), "{bad:?}");
        }
        assert_eq!(metadata_rule("stage_2"), None);
        for bad in ["", "2a", "a-b", "evergraph_owner", "Stage"] {
            assert!(metadata_rule(bad).is_some(), "{bad}");
        }
    }
}
