//! From the format to what it stands for: tenants, subscriptions, keys.

mod certificate;
mod sinks;
mod subscription;
mod tenants;
mod values;

use std::collections::BTreeMap;

use super::diagnostic::Findings;
use super::rules::{self, Candidate};
use super::wire::{self, At};
use super::{Target, quotas};
use crate::domain::ids::SubscriptionName;
use crate::domain::subscription::{Desired, DesiredSet, KeyTag};
use crate::ports::declaration::{DeclaredTenant, Routing};
use subscription::Reader;
use values::Defaults;

/// The set and the tenants, or `None` where too little could be read to build them.
pub(super) fn declared(
    file: &wire::File,
    target: Target,
    findings: &mut Findings<'_>,
) -> Option<Meaning> {
    let tenants = tenants::read(&file.tenants, findings);
    let sinks = sinks::read(&file.sinks, findings);
    let defaults = Defaults::read(&file.defaults, &tenants, findings);
    let default_sink = file.defaults.sink.as_ref();
    let default_sink = default_sink.and_then(|at| sinks::known(at, "defaults", &sinks, findings));
    let mut routes = BTreeMap::new();
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
        let sink = match &one.value.sink {
            Some(at) => sinks::known(at, &format!("subscriptions[{index}]"), &sinks, findings),
            None => default_sink,
        };
        if let (Some(desired), Some(candidate)) = (desired, candidate) {
            if let Some(name) = sink.filter(|name| *name != sinks::DEFAULT) {
                routes.insert(desired.key.tag(), name.to_owned());
            }
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
    sinks::warn_of_unused(&file.sinks, &routes, findings);
    let mut set = DesiredSet::of(all.into_iter().map(|(desired, _)| desired));
    set.because = defaults.because;
    let routing = Routing {
        sinks: sinks::good(sinks),
        routes,
    };
    let tenants = tenants.into_values().flatten().collect();
    Some(Meaning {
        set,
        tenants,
        routing,
    })
}

/// What a declaration stands for.
pub(super) struct Meaning {
    pub(super) set: DesiredSet,
    pub(super) tenants: Vec<DeclaredTenant>,
    pub(super) routing: Routing,
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
