//! From the format to what it stands for: tenants, subscriptions, keys.

use std::collections::BTreeMap;
use std::ops::Range;

use super::diagnostic::Findings;
use super::rules::{self, Candidate};
use super::{Target, quotas, wire};
use crate::domain::duration;
use crate::domain::ids::{AppId, SubscriptionName, TenantId, is_guid};
use crate::domain::limits;
use crate::domain::resource::Resource;
use crate::domain::spelling::did_you_mean;
use crate::domain::subscription::{
    ChangeType, ChangeTypes, Desired, DesiredSet, KeyTag, Lifetime, SubscriptionKey,
};
use crate::ports::declaration::{CredentialKind, DeclaredTenant, TenantCredential};
use wire::At;

/// The set and the tenants, or `None` where too little could be read to build them.
pub(super) fn declared(
    file: &wire::File,
    target: Target,
    findings: &mut Findings<'_>,
) -> Option<(DesiredSet, Vec<DeclaredTenant>)> {
    let tenants = tenants(&file.tenants, findings);
    let defaults = Defaults::read(&file.defaults, &tenants, findings);
    let mut all = Vec::new();
    for (index, one) in file.subscriptions.iter().enumerate() {
        let reader = Reader {
            path: format!("subscriptions[{index}]"),
            one,
            defaults: &defaults,
            tenants: &tenants,
        };
        let (desired, candidate) = reader.read(findings);
        if let Some(candidate) = &candidate {
            rules::judge(candidate, target, findings);
        }
        if let (Some(desired), Some(candidate)) = (desired, candidate) {
            all.push((desired, candidate));
        }
    }
    refuse_same_names(file, findings);
    refuse_same_keys(&all, findings);
    if findings.has_errors() {
        return None;
    }
    warn_of_nothing_to_do(file, findings);
    quotas::warn(&all, findings);
    let set = DesiredSet::of(all.into_iter().map(|(desired, _)| desired));
    Some((set, tenants.into_values().flatten().collect()))
}

/// Tenants by name; `None` for one whose table is wrong, so that its name is known all the same.
type Tenants = BTreeMap<String, Option<DeclaredTenant>>;

fn tenants(tables: &[(At<String>, wire::Tenant)], findings: &mut Findings<'_>) -> Tenants {
    let mut out = Tenants::new();
    let mut by_id: BTreeMap<TenantId, String> = BTreeMap::new();
    for (name, table) in tables {
        let path = format!("tenants.{}", name.value);
        let id = tenant_id(name, table, &path, findings);
        if let Some(id) = &id
            && let Some(first) = by_id.insert(id.clone(), name.value.clone())
        {
            findings
                .error(
                    "tenant-twice",
                    Some(name.span.clone()),
                    &path,
                    format!(
                        "the tenants {first:?} and {:?} have the same id",
                        name.value
                    ),
                )
                .help("keep one of them, and name it in the subscriptions");
        }
        let credential = credential(table, &path, findings);
        let tenant = id.map(|id| DeclaredTenant {
            name: name.value.clone(),
            id,
            credential,
        });
        out.insert(name.value.clone(), tenant);
    }
    out
}

fn tenant_id(
    name: &At<String>,
    table: &wire::Tenant,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<TenantId> {
    let Some(id) = &table.id else {
        findings
            .error(
                "missing-key",
                Some(name.span.clone()),
                &format!("{path}.id"),
                "the tenant has no id",
            )
            .help("write id = \"…\" with the tenant's GUID");
        return None;
    };
    TenantId::parse(&id.value)
        .map_err(|why| {
            findings.error(
                "bad-value",
                Some(id.span.clone()),
                &format!("{path}.id"),
                why.to_string(),
            );
        })
        .ok()
}

fn credential(
    table: &wire::Tenant,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<TenantCredential> {
    let kind = table
        .credential
        .as_ref()
        .and_then(|at| credential_kind(at, path, findings));
    let client_id = table.client_id.as_ref().and_then(|at| {
        let id = AppId::parse(&at.value).ok().filter(|_| is_guid(&at.value));
        if id.is_none() {
            findings
                .error(
                    "bad-value",
                    Some(at.span.clone()),
                    &format!("{path}.client_id"),
                    format!("{:?} is no client id", at.value),
                )
                .help("write the application's GUID");
        }
        id
    });
    let secret = Setting {
        key: "secret_setting",
        prefix: "EVERGRAPH_CLIENT_SECRET_",
        of: CredentialKind::ClientSecret,
    };
    let certificate = Setting {
        key: "certificate_setting",
        prefix: "EVERGRAPH_CLIENT_CERTIFICATE_",
        of: CredentialKind::ClientCertificate,
    };
    let out = TenantCredential {
        kind,
        client_id,
        secret_setting: secret.read(table.secret_setting.as_ref(), kind, path, findings),
        certificate_setting: certificate.read(
            table.certificate_setting.as_ref(),
            kind,
            path,
            findings,
        ),
    };
    let says_something = out.kind.is_some()
        || out.client_id.is_some()
        || out.secret_setting.is_some()
        || out.certificate_setting.is_some();
    says_something.then_some(out)
}

fn credential_kind(
    at: &At<String>,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<CredentialKind> {
    // `none` serves laptops, where all tenants are pretended; it is a setting only.
    let allowed = CredentialKind::ALL
        .into_iter()
        .filter(|kind| *kind != CredentialKind::None);
    let words: Vec<&str> = allowed.map(CredentialKind::as_str).collect();
    let kind = CredentialKind::parse(&at.value).filter(|kind| *kind != CredentialKind::None);
    if kind.is_none() {
        findings
            .error(
                "bad-value",
                Some(at.span.clone()),
                &format!("{path}.credential"),
                format!("{:?} is no kind of credential", at.value),
            )
            .help(advice(&at.value, &words));
    }
    kind
}

/// A key that names a setting.
struct Setting {
    key: &'static str,
    prefix: &'static str,
    of: CredentialKind,
}

impl Setting {
    fn read(
        &self,
        at: Option<&At<String>>,
        kind: Option<CredentialKind>,
        path: &str,
        findings: &mut Findings<'_>,
    ) -> Option<String> {
        let at = at?;
        let key = format!("{path}.{}", self.key);
        let ending = at.value.strip_prefix(self.prefix).unwrap_or("");
        let good = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if ending.is_empty() || !ending.bytes().all(good) {
            // What stands here may be the secret itself, so it is not repeated.
            findings
                .error(
                    "bad-value",
                    Some(at.span.clone()),
                    &key,
                    "this is not the name of a setting for it",
                )
                .help(format!(
                    "put the secret into a setting {}… (A-Z, 0-9, _) and write its name here",
                    self.prefix
                ));
            return None;
        }
        if kind.is_some_and(|kind| kind != self.of) {
            findings
                .error(
                    "bad-value",
                    Some(at.span.clone()),
                    &key,
                    format!("this goes with credential = {:?} only", self.of.as_str()),
                )
                .help("take it away, or change the credential");
            return None;
        }
        Some(at.value.clone())
    }
}

/// "did you mean" and the allowed words, in one text.
fn advice(word: &str, allowed: &[&str]) -> String {
    let guess = did_you_mean(word, allowed.iter().copied());
    let all = format!("allowed: {}", allowed.join(", "));
    match guess.is_empty() {
        true => all,
        false => format!("{guess} {all}"),
    }
}

/// The defaults, read once so that a fault in them is reported once.
struct Defaults<'f> {
    tenant: Option<&'f At<String>>,
    change_types: Option<(ChangeTypes, Range<usize>)>,
    lifetime: Option<(Lifetime, Range<usize>)>,
    lifecycle: Option<&'f At<bool>>,
}

impl<'f> Defaults<'f> {
    fn read(table: &'f wire::Defaults, tenants: &Tenants, findings: &mut Findings<'_>) -> Self {
        let path = "defaults";
        let tenant = table.tenant.as_ref();
        if let Some(at) = tenant {
            known_tenant(at, path, tenants, findings);
        }
        Self {
            tenant,
            change_types: table
                .change_types
                .as_ref()
                .and_then(|at| change_types(at, path, findings)),
            lifetime: table
                .lifetime
                .as_ref()
                .and_then(|at| lifetime(at, path, findings)),
            lifecycle: table.lifecycle.as_ref(),
        }
    }
}

fn known_tenant<'t>(
    at: &At<String>,
    path: &str,
    tenants: &'t Tenants,
    findings: &mut Findings<'_>,
) -> Option<&'t DeclaredTenant> {
    match tenants.get(&at.value) {
        Some(tenant) => tenant.as_ref(),
        None => {
            let names: Vec<&str> = tenants.keys().map(String::as_str).collect();
            let help = match names.is_empty() {
                true => "declare it as a table [tenants.NAME] with its id".to_owned(),
                false => advice(&at.value, &names),
            };
            findings
                .error(
                    "unknown-tenant",
                    Some(at.span.clone()),
                    &format!("{path}.tenant"),
                    format!("no tenant is named {:?}", at.value),
                )
                .help(help);
            None
        }
    }
}

fn change_types(
    at: &At<Vec<At<String>>>,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<(ChangeTypes, Range<usize>)> {
    let key = format!("{path}.change_types");
    let mut set = ChangeTypes::default();
    let mut good = true;
    for word in &at.value {
        match ChangeType::parse(&word.value) {
            Some(one) => set = set.with(one),
            None => {
                good = false;
                let words = ChangeType::ALL.map(ChangeType::as_str);
                findings
                    .error(
                        "bad-value",
                        Some(word.span.clone()),
                        &key,
                        format!("{:?} is no change type", word.value),
                    )
                    .help(advice(&word.value, &words));
            }
        }
    }
    if at.value.is_empty() {
        good = false;
        findings
            .error(
                "bad-value",
                Some(at.span.clone()),
                &key,
                "no change type is named",
            )
            .help("allowed: created, updated, deleted");
    }
    (good && !set.is_empty()).then(|| (set, at.span.clone()))
}

fn lifetime(
    at: &At<String>,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<(Lifetime, Range<usize>)> {
    let key = format!("{path}.lifetime");
    if at.value == "max" {
        return Some((Lifetime::Max, at.span.clone()));
    }
    match duration::parse(&at.value) {
        Ok(length) if length.is_zero() => {
            findings
                .error(
                    "bad-value",
                    Some(at.span.clone()),
                    &key,
                    "a lifetime of nothing",
                )
                .help("write \"max\", or a length such as \"3d\"");
            None
        }
        Ok(length) => Some((Lifetime::Exactly(length), at.span.clone())),
        Err(why) => {
            findings
                .error("bad-value", Some(at.span.clone()), &key, why.to_string())
                .help("or write \"max\" for a margin below the longest that Graph allows");
            None
        }
    }
}

/// Reads one subscription.
struct Reader<'f> {
    path: String,
    one: &'f At<wire::Subscription>,
    defaults: &'f Defaults<'f>,
    tenants: &'f Tenants,
}

impl Reader<'_> {
    /// The subscription, and what the rules need of it. The second may be there without the
    /// first: a wrong name does not hide a wrong lifetime.
    fn read(&self, findings: &mut Findings<'_>) -> (Option<Desired>, Option<Candidate>) {
        let name = self.name(findings);
        let tenant = self.tenant(findings);
        let resource = self.resource(findings);
        let own = &self.one.value;
        let changes = self.changes(resource.as_ref(), findings);
        let lifetime = match &own.lifetime {
            Some(at) => lifetime(at, &self.path, findings),
            None => {
                (self.defaults.lifetime.clone()).or(Some((Lifetime::Max, self.one.span.clone())))
            }
        };
        let query_options = self.query_options(findings);
        let (Some(resource), Some(changes), Some(lifetime)) = (resource, changes, lifetime) else {
            return (None, None);
        };
        let lifecycle = own.lifecycle.as_ref().or(self.defaults.lifecycle);
        let candidate = Candidate {
            path: self.path.clone(),
            span: self.one.span.clone(),
            resource,
            changes: changes.0,
            changes_span: changes.1,
            lifetime: lifetime.0,
            lifetime_span: lifetime.1,
            lifecycle: lifecycle.is_none_or(|at| at.value),
            lifecycle_span: lifecycle.map_or(self.one.span.clone(), |at| at.span.clone()),
            resource_data: own.resource_data.as_ref().map(|at| at.span.clone()),
            query_options,
        };
        self.certificate(findings);
        let desired = name
            .zip(tenant)
            .map(|(name, tenant)| candidate.desired(name, tenant));
        (desired, Some(candidate))
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn missing(&self, name: &str, help: impl Into<String>, findings: &mut Findings<'_>) {
        findings
            .error(
                "missing-key",
                Some(self.one.span.clone()),
                &self.key(name),
                format!("the subscription has no {name}"),
            )
            .help(help);
    }

    fn name(&self, findings: &mut Findings<'_>) -> Option<SubscriptionName> {
        let Some(at) = &self.one.value.name else {
            self.missing("name", "write name = \"…\"", findings);
            return None;
        };
        SubscriptionName::parse(&at.value)
            .map_err(|why| {
                findings.error(
                    "bad-value",
                    Some(at.span.clone()),
                    &self.key("name"),
                    why.to_string(),
                );
            })
            .ok()
    }

    fn tenant(&self, findings: &mut Findings<'_>) -> Option<TenantId> {
        if let Some(at) = &self.one.value.tenant {
            return known_tenant(at, &self.path, self.tenants, findings).map(|one| one.id.clone());
        }
        if let Some(at) = self.defaults.tenant {
            // An unknown default was reported where it stands.
            return self
                .tenants
                .get(&at.value)?
                .as_ref()
                .map(|one| one.id.clone());
        }
        let mut all = self.tenants.values();
        match (all.next(), all.next()) {
            (Some(only), None) => only.as_ref().map(|one| one.id.clone()),
            (None, _) => {
                self.missing(
                    "tenant",
                    "declare one as a table [tenants.NAME] with its id",
                    findings,
                );
                None
            }
            _ => {
                let names: Vec<&str> = self.tenants.keys().map(String::as_str).collect();
                self.missing(
                    "tenant",
                    format!("name one of {}, here or under defaults", names.join(", ")),
                    findings,
                );
                None
            }
        }
    }

    fn resource(&self, findings: &mut Findings<'_>) -> Option<At<Resource>> {
        let Some(at) = &self.one.value.resource else {
            self.missing(
                "resource",
                "write resource = \"…\" with a Graph path",
                findings,
            );
            return None;
        };
        match Resource::parse(&at.value) {
            Ok(value) => Some(At {
                value,
                span: at.span.clone(),
            }),
            Err(why) => {
                findings.error(
                    "bad-resource",
                    Some(at.span.clone()),
                    &self.key("resource"),
                    why.to_string(),
                );
                None
            }
        }
    }

    fn changes(
        &self,
        resource: Option<&At<Resource>>,
        findings: &mut Findings<'_>,
    ) -> Option<(ChangeTypes, Range<usize>)> {
        if let Some(at) = &self.one.value.change_types {
            return change_types(at, &self.path, findings);
        }
        if let Some((set, _)) = &self.defaults.change_types {
            return Some((*set, self.one.span.clone()));
        }
        let allowed = match resource {
            Some(at) => limits::of(at.value.kind()).change_types(),
            None => ChangeTypes::of(&ChangeType::ALL),
        };
        self.missing(
            "change_types",
            format!("write change_types = […] with some of: {allowed}"),
            findings,
        );
        None
    }

    fn query_options(&self, findings: &mut Findings<'_>) -> Option<String> {
        let at = self.one.value.query_options.as_ref()?;
        if at.value.trim().is_empty() {
            findings
                .error(
                    "bad-value",
                    Some(at.span.clone()),
                    &self.key("query_options"),
                    "the condition is empty",
                )
                .help("write one, or leave query_options away");
            return None;
        }
        Some(at.value.clone())
    }

    fn certificate(&self, findings: &mut Findings<'_>) {
        let Some(data) = &self.one.value.resource_data else {
            return;
        };
        let key = self.key("resource_data");
        let parts = [
            ("certificate", data.value.certificate.as_ref(), usize::MAX),
            // Longest id that Graph keeps (page of notifications with resource data).
            ("certificate_id", data.value.certificate_id.as_ref(), 128),
        ];
        for (name, at, max) in parts {
            let key = format!("{key}.{name}");
            match at {
                None => findings
                    .error(
                        "missing-key",
                        Some(data.span.clone()),
                        &key,
                        format!("resource data needs a {name}"),
                    )
                    .help(format!("write {name} = \"…\"")),
                Some(at) if at.value.is_empty() || at.value.chars().count() > max => findings
                    .error(
                        "bad-value",
                        Some(at.span.clone()),
                        &key,
                        "the text is empty or too long",
                    )
                    .help("write 1 to 128 characters"),
                Some(_) => {}
            }
        }
    }
}

impl Candidate {
    fn desired(&self, name: SubscriptionName, tenant: TenantId) -> Desired {
        Desired {
            name,
            key: SubscriptionKey {
                tenant,
                resource: self.resource.value.normal().to_owned(),
                change_types: self.changes,
                resource_data: self.resource_data.is_some(),
                query_options: self.query_options.clone(),
            },
            resource: self.resource.value.clone(),
            lifetime: self.lifetime,
            lifecycle: self.lifecycle,
            // Resource data is refused by the rules, so there is never a certificate to send.
            certificate: None,
        }
    }
}

fn refuse_same_names(file: &wire::File, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, one) in file.subscriptions.iter().enumerate() {
        let Some(at) = &one.value.name else { continue };
        if let Some(first) = seen.insert(&at.value, index) {
            findings
                .error(
                    "name-twice",
                    Some(at.span.clone()),
                    &format!("subscriptions[{index}].name"),
                    format!("subscriptions[{first}] has the name {:?} too", at.value),
                )
                .help("give each subscription its own name");
        }
    }
}

fn refuse_same_keys(all: &[(Desired, Candidate)], findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<KeyTag, &SubscriptionName> = BTreeMap::new();
    for (desired, candidate) in all {
        if let Some(first) = seen.insert(desired.key.tag(), &desired.name) {
            findings
                .error(
                    "key-twice",
                    Some(candidate.resource.span.clone()),
                    &candidate.path,
                    format!(
                        "{:?} and {:?} are one subscription: same tenant, resource ({}), change types and options",
                        first.as_str(),
                        desired.name.as_str(),
                        desired.key.resource
                    ),
                )
                .help("keep one of them; Graph allows no second one");
        }
    }
}

fn warn_of_nothing_to_do(file: &wire::File, findings: &mut Findings<'_>) {
    if file.subscriptions.is_empty() {
        findings
            .warning(
                "empty",
                None,
                "subscriptions",
                "no subscription is declared",
            )
            .help("nothing is created, and for an empty set nothing is deleted either");
        return;
    }
    let default = file.defaults.tenant.as_ref();
    for (name, _) in &file.tenants {
        let named = |one: &At<wire::Subscription>| match one.value.tenant.as_ref().or(default) {
            Some(at) => at.value == name.value,
            None => true,
        };
        if !file.subscriptions.iter().any(named) {
            findings
                .warning(
                    "unused-tenant",
                    Some(name.span.clone()),
                    &format!("tenants.{}", name.value),
                    "no subscription belongs to this tenant",
                )
                .help("take it away, or declare a subscription for it");
        }
    }
}
