//! `subscriptions.toml`: from text to a desired set.
//!
//! Reading goes in three steps, and each reports everything it finds, not only the first:
//! `fields` and [`wire`] know the format (keys, types, places), `meaning` knows what it stands
//! for (tenants, keys, duplicates), `rules` know what Graph allows.

mod blob;
pub(super) mod diagnostic;
pub(super) mod fields;
mod kept;
mod meaning;
mod quotas;
mod rules;
mod source;
pub mod wire;

pub use blob::BlobSource;
pub use diagnostic::{Diagnostic, Place, Severity};
pub use kept::{KeptDeclaration, OnTenants};
pub use source::FileSource;

use crate::domain::subscription::{Declaration, DesiredSet};
use crate::ports::declaration::{Declared, DeclaredTenant, Routing};
use diagnostic::Findings;
use meaning::Meaning;

/// Largest declaration accepted, in bytes: over 200,000 subscriptions of usual length.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// What the reader must know of the Graph that the declaration is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// Whether it is the beta version, which knows more paths.
    pub beta: bool,
    /// Whether it is a national cloud, which knows fewer kinds.
    pub national_cloud: bool,
}

impl Target {
    /// What `EVERGRAPH_GRAPH_URL` says.
    pub fn of(graph: &url::Url) -> Self {
        let national = [
            "graph.microsoft.us",
            "dod-graph.microsoft.us",
            "microsoftgraph.chinacloudapi.cn",
        ];
        Self {
            beta: graph.path().trim_matches('/').eq_ignore_ascii_case("beta"),
            national_cloud: graph
                .host_str()
                .is_some_and(|host| national.contains(&host)),
        }
    }

    /// Version 1.0 in the global cloud.
    pub const fn global() -> Self {
        Self {
            beta: false,
            national_cloud: false,
        }
    }
}

/// What reading a declaration brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The desired set and the tenants; `None` if there is any error.
    pub declared: Option<(DesiredSet, Vec<DeclaredTenant>)>,
    /// Where notifications go; empty if there is any error.
    pub routing: Routing,
    /// Errors and warnings, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

impl Reading {
    /// The errors alone.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.of(Severity::Error)
    }

    /// The warnings alone.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.of(Severity::Warning)
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(move |one| one.severity == severity)
    }

    /// The reading in the words of the port; `place` names the file in every sentence.
    pub fn into_declared(self, place: &str) -> Declared {
        let warnings = self.warnings().map(|one| one.sentence(place)).collect();
        let why = self.why(place);
        let (declaration, tenants) = match self.declared {
            Some((set, tenants)) => (Declaration::Read(set), tenants),
            None => (Declaration::Unusable { why }, Vec::new()),
        };
        Declared {
            declaration,
            tenants,
            routing: self.routing,
            warnings,
        }
    }

    /// The errors in one text: a few of them in full, and how many more there are.
    fn why(&self, place: &str) -> String {
        const SHOWN: usize = 5;
        let mut all: Vec<String> = self.errors().map(|one| one.sentence(place)).collect();
        if all.len() > SHOWN {
            let more = all.len() - SHOWN;
            all.truncate(SHOWN);
            all.push(format!("and {more} more; `evergraph check` shows all"));
        }
        all.join("; ")
    }
}

/// Reads a declaration. Total: any text gives a set or errors.
pub fn read(text: &str, target: Target) -> Reading {
    let mut findings = Findings::new(text);
    let declared = declared(text, target, &mut findings);
    let diagnostics = findings.finish();
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let good = declared.filter(|_| !failed);
    let (declared, routing) = match good {
        Some(meaning) => (Some((meaning.set, meaning.tenants)), meaning.routing),
        None => (None, Routing::default()),
    };
    Reading {
        declared,
        routing,
        diagnostics,
    }
}

fn declared(text: &str, target: Target, findings: &mut Findings<'_>) -> Option<Meaning> {
    if text.len() > MAX_BYTES {
        findings
            .error("too-large", None, "", "the declaration is too large")
            .help(format!("at most {MAX_BYTES} bytes are read"));
        return None;
    }
    let file = wire::File::read(text, findings)?;
    meaning::declared(&file, target, findings)
}

/// The JSON Schema of the format, for editors.
#[cfg(feature = "cli")]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(wire::File);
    schema.insert("$id".into(), "urn:evergraph:subscriptions.toml".into());
    let mut schema = schema.to_value();
    without_null(&mut schema);
    schema
}

/// TOML has no null: a key that may be absent is no key that may be null.
#[cfg(feature = "cli")]
fn without_null(schema: &mut serde_json::Value) {
    use serde_json::Value;
    match schema {
        Value::Object(object) => {
            for key in ["type", "enum", "anyOf"] {
                if let Some(Value::Array(choices)) = object.get_mut(key) {
                    choices.retain(|one| {
                        !one.is_null() && one != "null" && one.get("type") != Some(&"null".into())
                    });
                }
            }
            if let Some(Value::Array(types)) = object.get_mut("type")
                && let [only] = types.as_mut_slice()
            {
                let only = only.take();
                object.insert("type".into(), only);
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
