//! Tenants and their credentials.

use std::collections::BTreeMap;

use super::super::diagnostic::Findings;
use super::super::wire::{self, At};
use super::values::advice;
use crate::domain::ids::{AppId, TenantId, is_guid};
use crate::ports::declaration::{CredentialKind, DeclaredTenant, TenantCredential};

/// Tenants by name; `None` for one whose table is wrong, so that its name is known all the same.
pub(super) type Tenants = BTreeMap<String, Option<DeclaredTenant>>;

pub(super) fn read(tables: &[(At<String>, wire::Tenant)], findings: &mut Findings<'_>) -> Tenants {
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
        let key = format!("{path}.id");
        if !findings.has_wrong_type(&key) {
            let span = Some(name.span.clone());
            findings
                .error("missing-key", span, &key, "the tenant has no id")
                .help("write id = \"…\" with the tenant's GUID");
        }
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

pub(super) fn known<'t>(
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
