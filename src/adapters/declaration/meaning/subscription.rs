//! One subscription.

use std::ops::Range;

use super::super::diagnostic::Findings;
use super::super::rules::Candidate;
use super::super::wire::{self, At};
use super::certificate;
use super::tenants::{self, Tenants};
use super::values::{Defaults, because, change_types, lifetime};
use crate::domain::ids::{SubscriptionName, TenantId};
use crate::domain::limits;
use crate::domain::notification::roster::Opening;
use crate::domain::resource::Resource;
use crate::domain::subscription::{
    ChangeType, ChangeTypes, Desired, EncryptionCertificate, Lifetime, SubscriptionKey,
};

/// Reads one subscription.
pub(super) struct Reader<'f> {
    pub(super) path: String,
    pub(super) one: &'f At<wire::Subscription>,
    pub(super) defaults: &'f Defaults<'f>,
    pub(super) tenants: &'f Tenants,
}

impl Reader<'_> {
    /// The subscription, and what the rules need of it. The second may be there without the
    /// first: a wrong name does not hide a wrong lifetime.
    pub(super) fn read(&self, findings: &mut Findings<'_>) -> (Option<Desired>, Option<Candidate>) {
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
        let because = because(own.because.as_ref(), &self.path, findings)
            .or_else(|| self.defaults.because.clone());
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
            certificate: self.certificate(findings),
            query_options,
            because,
        };
        let desired = name
            .zip(tenant)
            .map(|(name, tenant)| candidate.desired(name, tenant));
        (desired, Some(candidate))
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn missing(&self, name: &str, help: impl Into<String>, findings: &mut Findings<'_>) {
        let key = self.key(name);
        if findings.has_wrong_type(&key) {
            return;
        }
        let span = Some(self.one.span.clone());
        findings
            .error(
                "missing-key",
                span,
                &key,
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
            return tenants::known(at, &self.path, self.tenants, findings)
                .map(|one| one.id.clone());
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

    fn certificate(&self, findings: &mut Findings<'_>) -> Option<EncryptionCertificate> {
        let data = &self.one.value.resource_data.as_ref()?.value;
        let text = self.certificate_part("certificate", data.certificate.as_ref(), findings);
        let id = data.certificate_id.as_ref();
        let id = self.certificate_part("certificate_id", id, findings);
        let der_base64 = match certificate::der_base64(text?) {
            Ok(der_base64) => Some(der_base64),
            Err(why) => {
                let span = data.certificate.as_ref().map(|at| at.span.clone());
                findings
                    .error("bad-value", span, &self.key("resource_data.certificate"), why)
                    .help("write the certificate between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----, in triple quotes");
                None
            }
        };
        let decrypt = data.decrypt.as_ref().is_none_or(|at| at.value);
        Some(EncryptionCertificate {
            id: id?.to_owned(),
            der_base64: der_base64?,
            opening: match decrypt {
                true => Opening::Decrypt,
                false => Opening::PassOn,
            },
        })
    }

    /// A text that resource data needs.
    fn certificate_part<'t>(
        &self,
        name: &str,
        at: Option<&'t At<String>>,
        findings: &mut Findings<'_>,
    ) -> Option<&'t str> {
        // Longest id that Graph keeps (page of notifications with resource data).
        let max = if name == "certificate_id" {
            128
        } else {
            usize::MAX
        };
        let key = self.key(&format!("resource_data.{name}"));
        match at {
            None if findings.has_wrong_type(&key) => {}
            None => {
                let span = self.one.value.resource_data.as_ref();
                findings
                    .error(
                        "missing-key",
                        span.map(|at| at.span.clone()),
                        &key,
                        format!("resource data needs a {name}"),
                    )
                    .help(format!("write {name} = \"…\""));
            }
            Some(at) if at.value.is_empty() || at.value.chars().count() > max => {
                findings
                    .error(
                        "bad-value",
                        Some(at.span.clone()),
                        &key,
                        "the text is empty or too long",
                    )
                    .help("write 1 to 128 characters");
            }
            Some(at) => return Some(&at.value),
        }
        None
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
            certificate: self.certificate.clone(),
            because: self.because.clone(),
        }
    }
}
