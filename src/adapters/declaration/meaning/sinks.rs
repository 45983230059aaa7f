//! Places for notifications, beside the one of the settings.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use url::Url;

use super::super::diagnostic::Findings;
use super::super::wire::{self, At};
use super::values::advice;
use crate::adapters::loopback::is_loopback;
use crate::domain::duration;
use crate::domain::ids::SubscriptionName;
use crate::domain::subscription::KeyTag;
use crate::ports::declaration::{DeclaredSink, SinkPlace};

/// Stands for the sink of the settings.
pub(super) const DEFAULT: &str = "default";

/// Sinks by name; `None` for one whose table is wrong, so that its name is known all the same.
pub(super) type Sinks = BTreeMap<String, Option<DeclaredSink>>;

/// How long a message may live at least and at most, as with `EVERGRAPH_SINK_EXPIRES`.
const LIVES: (SignedDuration, SignedDuration) = (
    SignedDuration::from_mins(1),
    SignedDuration::from_hours(365 * 24),
);

pub(super) fn read(tables: &[(At<String>, wire::Sink)], findings: &mut Findings<'_>) -> Sinks {
    let mut out = Sinks::new();
    for (name, table) in tables {
        let path = format!("sinks.{}", name.value);
        let named = is_name(name, &path, findings);
        let place = Table { name, table, path }.place(findings);
        let sink = place.filter(|_| named).map(|place| DeclaredSink {
            name: name.value.clone(),
            place,
        });
        out.insert(name.value.clone(), sink);
    }
    out
}

/// The sinks whose tables are right.
pub(super) fn good(sinks: Sinks) -> BTreeMap<String, DeclaredSink> {
    let good = sinks.into_iter();
    good.filter_map(|(name, sink)| Some((name, sink?)))
        .collect()
}

/// The name, if there is such a sink.
pub(super) fn known<'f>(
    at: &'f At<String>,
    path: &str,
    sinks: &Sinks,
    findings: &mut Findings<'_>,
) -> Option<&'f str> {
    if at.value == DEFAULT || sinks.contains_key(&at.value) {
        return Some(&at.value);
    }
    let mut names: Vec<&str> = sinks.keys().map(String::as_str).collect();
    names.push(DEFAULT);
    findings
        .error(
            "unknown-sink",
            Some(at.span.clone()),
            &format!("{path}.sink"),
            format!("there is no sink {:?}", at.value),
        )
        .help(format!(
            "{}; declare it as a table [sinks.{}] with its location",
            advice(&at.value, &names),
            at.value.chars().take(64).collect::<String>()
        ));
    None
}

pub(super) fn warn_of_unused(
    tables: &[(At<String>, wire::Sink)],
    routes: &BTreeMap<KeyTag, String>,
    findings: &mut Findings<'_>,
) {
    let used: BTreeSet<&str> = routes.values().map(String::as_str).collect();
    for (name, _) in tables {
        if !used.contains(name.value.as_str()) {
            findings
                .warning(
                    "unused-sink",
                    Some(name.span.clone()),
                    &format!("sinks.{}", name.value),
                    "no subscription's notifications go to this sink",
                )
                .help("take it away, or name it in a subscription or under defaults");
        }
    }
}

fn is_name(name: &At<String>, path: &str, findings: &mut Findings<'_>) -> bool {
    let (why, help) = if name.value == DEFAULT {
        let why = "default is the sink of the setting EVERGRAPH_SINK".to_owned();
        (why, "choose another name")
    } else if let Err(why) = SubscriptionName::parse(&name.value) {
        (why.to_string(), "choose another name")
    } else {
        return true;
    };
    findings
        .error("bad-value", Some(name.span.clone()), path, why)
        .help(help);
    false
}

struct Table<'f> {
    name: &'f At<String>,
    table: &'f wire::Sink,
    path: String,
}

impl Table<'_> {
    fn place(&self, findings: &mut Findings<'_>) -> Option<SinkPlace> {
        let blobs = self.blobs(findings);
        let expires = self.expires(findings);
        let Some(location) = &self.table.location else {
            let key = format!("{}.location", self.path);
            if !findings.has_wrong_type(&key) {
                let span = Some(self.name.span.clone());
                findings
                    .error("missing-key", span, &key, "the sink has no location")
                    .help("write location = \"https://ACCOUNT.queue.core.windows.net/QUEUE\"");
            }
            return None;
        };
        if let Some(folder) = location.value.strip_prefix("file:") {
            return self.folder(folder, location, findings);
        }
        let queue = self.url("location", location, findings)?;
        Some(SinkPlace::Queue {
            queue,
            blobs: blobs?,
            expires: expires?,
        })
    }

    fn folder(
        &self,
        folder: &str,
        location: &At<String>,
        findings: &mut Findings<'_>,
    ) -> Option<SinkPlace> {
        let folder = folder.strip_prefix("//").unwrap_or(folder);
        if folder.is_empty() {
            let why = "file: needs a folder, such as file:/var/lib/evergraph/orders";
            self.wrong("location", location, why, findings);
            return None;
        }
        for (key, at) in [
            ("blobs", &self.table.blobs),
            ("expires", &self.table.expires),
        ] {
            if let Some(at) = at {
                let why = "a folder has no such option; it belongs to a queue";
                self.wrong(key, at, why, findings);
                return None;
            }
        }
        Some(SinkPlace::Folder(folder.into()))
    }

    /// `None` where it is wrong, `Some(None)` where it is not there.
    fn blobs(&self, findings: &mut Findings<'_>) -> Option<Option<Url>> {
        match &self.table.blobs {
            None => Some(None),
            Some(at) => self.url("blobs", at, findings).map(Some),
        }
    }

    fn expires(&self, findings: &mut Findings<'_>) -> Option<Option<SignedDuration>> {
        let Some(at) = &self.table.expires else {
            return Some(None);
        };
        let why = match duration::parse(&at.value) {
            Ok(length) if (LIVES.0..=LIVES.1).contains(&length) => return Some(Some(length)),
            Ok(_) => "it must be from 1m to 365d".to_owned(),
            Err(why) => why.to_string(),
        };
        self.wrong("expires", at, &why, findings);
        None
    }

    fn url(&self, key: &str, at: &At<String>, findings: &mut Findings<'_>) -> Option<Url> {
        match address(&at.value) {
            Ok(url) => Some(url),
            Err(why) => {
                self.wrong(key, at, why, findings);
                None
            }
        }
    }

    fn wrong(&self, key: &str, at: &At<String>, why: &str, findings: &mut Findings<'_>) {
        let key = format!("{}.{key}", self.path);
        findings
            .error("bad-value", Some(at.span.clone()), &key, why)
            .help("a location is https://ACCOUNT.queue.core.windows.net/QUEUE, or file:DIR on a laptop");
    }
}

/// The address of a queue or a container. The error repeats nothing of it: it may hold a SAS.
fn address(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "this is neither file:DIR nor an absolute URL")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        _ => return Err("the URL must begin with https://"),
    }
    if url.query().is_some() {
        return Err(
            "a SAS is a secret and never stands in this file; without one, EVERGRAPH_CREDENTIAL opens the place",
        );
    }
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match plain && url.has_host() && !url.path().trim_matches('/').is_empty() {
        true => Ok(url),
        false => Err("the URL must have a host and a name behind it, and no user or fragment"),
    }
}
