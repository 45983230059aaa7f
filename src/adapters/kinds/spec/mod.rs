//! Specifications of wanted things: TOML files, one thing each.
//!
//! Everything that is wrong is reported, with file, line, key and what is allowed.

mod app_service;
mod blob;
mod bookings;
mod cosmos;
mod json;

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::super::declaration::diagnostic::Findings;
use super::super::declaration::fields::{At, Fields};
use super::super::declaration::{Diagnostic, Severity};
use super::canonical;
use crate::domain::ensure::kinds::bookings::{CustomerSpec, StaffSpec};
use crate::domain::ensure::kinds::fields::Fields as Properties;
use crate::domain::ensure::kinds::owner::Owner;
use crate::domain::ids::TenantId;
use crate::domain::spelling::did_you_mean;

pub use app_service::AppServiceSpec;
pub use blob::{BlobSpec, Place};
pub use cosmos::CosmosSpec;

/// A kind of thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KindName {
    /// What a site of App Service serves.
    AppService,
    /// A blob.
    Blob,
    /// A staff member of a bookings business.
    BookingsStaff,
    /// A customer of a bookings business.
    BookingsCustomer,
    /// An item of a Cosmos DB container.
    CosmosItem,
}

impl KindName {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::AppService,
        Self::Blob,
        Self::BookingsStaff,
        Self::BookingsCustomer,
        Self::CosmosItem,
    ];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppService => "app-service",
            Self::Blob => "blob",
            Self::BookingsStaff => "bookings-staff",
            Self::BookingsCustomer => "bookings-customer",
            Self::CosmosItem => "cosmos-item",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// A wanted thing, complete.
#[derive(Clone, Debug)]
pub enum Spec {
    /// What a site is to serve.
    AppService(AppServiceSpec),
    /// A blob.
    Blob(BlobSpec),
    /// A staff member.
    BookingsStaff(StaffSpec),
    /// A customer.
    BookingsCustomer(CustomerSpec),
    /// An item.
    CosmosItem(CosmosSpec),
}

/// What reading a specification brought.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The wanted thing; `None` if there is any error.
    pub spec: Option<Spec>,
    /// The tenant whose token is to be used, where the file names one.
    pub tenant: Option<TenantId>,
    /// Errors and warnings, in the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a specification. Files that it names (a package, a content) are looked for from `folder`.
pub fn read(kind: KindName, text: &str, folder: &Path) -> Reading {
    let mut findings = Findings::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut read = None;
    for error in &errors {
        findings
            .error("no-toml", error.span(), "", error.message())
            .help("the file is no valid TOML here");
    }
    if errors.is_empty() {
        read = Some(of_table(kind, table.get_ref(), folder, &mut findings));
    }
    let diagnostics = findings.finish();
    let failed = diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error);
    let (spec, tenant) = read.unwrap_or_default();
    Reading {
        spec: spec.filter(|_| !failed),
        tenant,
        diagnostics,
    }
}

fn of_table(
    kind: KindName,
    table: &DeTable<'_>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> (Option<Spec>, Option<TenantId>) {
    let mut fields = Fields::new(table, String::new(), findings);
    let tenant = fields.text("tenant", "the tenant's GUID in quotes");
    let spec = match kind {
        KindName::AppService => app_service::read(fields, folder).map(Spec::AppService),
        KindName::Blob => blob::read(fields, folder).map(Spec::Blob),
        KindName::BookingsStaff => bookings::read_staff(fields).map(Spec::BookingsStaff),
        KindName::BookingsCustomer => bookings::read_customer(fields).map(Spec::BookingsCustomer),
        KindName::CosmosItem => cosmos::read(fields).map(Spec::CosmosItem),
    };
    let tenant = tenant.and_then(|at| {
        let rule = "the tenant's id, a GUID";
        Checks(findings).value("tenant", Some(&at), rule, |text| TenantId::parse(text).ok())
    });
    (spec, tenant)
}

/// Says what is wrong with values.
struct Checks<'f, 'x>(&'f mut Findings<'x>);

impl Checks<'_, '_> {
    /// A value that must be there and follow a rule.
    fn needed<T>(
        &mut self,
        key: &str,
        at: Option<&At<String>>,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if at.is_none() {
            self.missing(key, rule);
        }
        self.value(key, at, rule, parse)
    }

    /// A value that follows a rule where it is there.
    fn value<T>(
        &mut self,
        key: &str,
        at: Option<&At<String>>,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let at = at?;
        let parsed = parse(&at.value);
        if parsed.is_none() {
            self.bad(key, at, rule);
        }
        parsed
    }

    fn bad(&mut self, key: &str, at: &At<String>, rule: &str) {
        let shown: String = at.value.chars().take(60).collect();
        self.0
            .error(
                "bad-value",
                Some(at.span.clone()),
                key,
                format!("{shown:?} is not allowed here"),
            )
            .help(format!("allowed: {rule}"));
    }

    fn missing(&mut self, key: &str, rule: &str) {
        if !self.0.has_wrong_type(key) {
            self.0
                .error("missing-key", None, key, format!("{key} is missing"))
                .help(format!("write {key} = \"…\": {rule}"));
        }
    }

    /// The table of properties, each as a text that can be compared. `rule` says what is wrong
    /// with a property, if something is.
    fn properties(
        &mut self,
        value: Option<&DeValue<'_>>,
        rule: impl Fn(&str, &serde_json::Value) -> Option<&'static str>,
    ) -> Properties {
        let mut properties = Properties::new();
        for (name, value) in value.map(json::properties).unwrap_or_default() {
            if let Some(allowed) = rule(&name.value, &value) {
                self.bad(&format!("properties.{}", name.value), &name, allowed);
            }
            properties.insert(name.value, canonical::text(&value));
        }
        properties
    }

    fn owner(&mut self, at: Option<&At<String>>) -> Option<Owner> {
        self.needed("owner", at, Owner::RULE, Owner::parse)
    }

    /// One of some words.
    fn word<T: Copy>(
        &mut self,
        key: &str,
        at: Option<&At<String>>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let at = at?;
        let found = words.iter().find(|(word, _)| *word == at.value);
        if found.is_none() {
            let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let guess = did_you_mean(&at.value, allowed.iter().copied());
            let rule = format!("{} {guess}", allowed.join(", "));
            self.bad(key, at, rule.trim_end());
        }
        found.map(|(_, value)| *value)
    }

    /// The bytes of a file that the specification names.
    fn file(
        &mut self,
        key: &str,
        at: Option<&At<String>>,
        folder: &Path,
        max: usize,
    ) -> Option<Vec<u8>> {
        let at = at?;
        let path = folder.join(&at.value);
        let why = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() <= max => return Some(bytes),
            Ok(bytes) => format!("has {} bytes; at most {max} are taken", bytes.len()),
            Err(error) => format!("cannot be read: {error}"),
        };
        self.0
            .error(
                "bad-file",
                Some(at.span.clone()),
                key,
                format!("{} {why}", path.display()),
            )
            .help("a path is looked for from the folder of the specification");
        None
    }
}

/// A text that is not empty.
fn not_empty(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A mail address, as far as its shape goes.
fn address(text: &str) -> Option<String> {
    let (name, host) = text.split_once('@')?;
    let good = !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace);
    good.then(|| text.to_owned())
}

const ADDRESS: &str = "a mail address";

#[cfg(test)]
mod tests;
