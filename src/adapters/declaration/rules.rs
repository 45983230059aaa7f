//! What Graph allows, held against one declared subscription.

use std::ops::Range;

use super::Target;
use super::diagnostic::Findings;
use super::wire::At;
use crate::domain::duration;
use crate::domain::limits::{self, Limits, Permission, RAISED_TO, Rich, SelectRule};
use crate::domain::resource::{Resource, ResourceKind};
use crate::domain::subscription::{ChangeTypes, EncryptionCertificate, Lifetime};

/// One declared subscription, as far as the rules need it, with its places.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: String,
    pub(super) span: Range<usize>,
    pub(super) resource: At<Resource>,
    pub(super) changes: ChangeTypes,
    pub(super) changes_span: Range<usize>,
    pub(super) lifetime: Lifetime,
    pub(super) lifetime_span: Range<usize>,
    pub(super) lifecycle: bool,
    pub(super) lifecycle_span: Range<usize>,
    pub(super) resource_data: Option<Range<usize>>,
    pub(super) certificate: Option<EncryptionCertificate>,
    pub(super) query_options: Option<String>,
    pub(super) because: Option<String>,
}

impl Candidate {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn kind(&self) -> ResourceKind {
        self.resource.value.kind()
    }

    fn is_rich(&self) -> bool {
        self.resource_data.is_some()
    }

    /// Warns about the resource.
    fn warn(&self, code: &'static str, message: String, help: &str, findings: &mut Findings<'_>) {
        findings
            .warning(
                code,
                Some(self.resource.span.clone()),
                &self.key("resource"),
                message,
            )
            .help(help);
    }
}

/// Reports everything that Graph would refuse, and what it would accept but the integrator
/// should know.
pub(super) fn judge(one: &Candidate, target: Target, findings: &mut Findings<'_>) {
    let limits = limits::of(one.kind());
    change_types(one, limits, findings);
    lifetime(one, limits, findings);
    lifecycle(one, limits, findings);
    resource_data(one, limits, findings);
    doubts(one, limits, findings);
    reach(one, limits, target, findings);
    permission(one, findings);
}

fn change_types(one: &Candidate, limits: &Limits, findings: &mut Findings<'_>) {
    let allowed = limits.change_types();
    if allowed.contains_all(one.changes) {
        return;
    }
    let refused: Vec<&str> = one
        .changes
        .iter()
        .filter(|change| !allowed.contains(*change))
        .map(|change| change.as_str())
        .collect();
    findings
        .error(
            "change-type",
            Some(one.changes_span.clone()),
            &one.key("change_types"),
            format!(
                "Graph does not report {} for {}",
                refused.join(" and "),
                one.kind()
            ),
        )
        .help(format!("allowed: {allowed}"));
}

fn lifetime(one: &Candidate, limits: &Limits, findings: &mut Findings<'_>) {
    let Lifetime::Exactly(length) = one.lifetime else {
        return;
    };
    let (max, request) = (
        limits.max_lifetime(one.is_rich()),
        limits.request_lifetime(one.is_rich()),
    );
    let (key, span) = (one.key("lifetime"), Some(one.lifetime_span.clone()));
    let of = match one.is_rich() {
        true => format!("{} with resource data", one.kind()),
        false => one.kind().to_string(),
    };
    let minutes = |length: jiff::SignedDuration| {
        limits::thousands(u32::try_from(length.as_mins()).unwrap_or(u32::MAX))
    };
    if length > max {
        findings
            .error(
                "lifetime-too-long",
                span,
                &key,
                format!(
                    "{} is longer than Graph allows for {of}",
                    duration::write(length)
                ),
            )
            .help(format!(
                "at most {} ({} minutes); \"max\" asks for {} minutes",
                duration::write(max),
                minutes(max),
                minutes(request)
            ));
    } else if length > request {
        findings
            .warning(
                "lifetime-near-limit",
                span,
                &key,
                format!(
                    "{} is so near the maximum for {of} that Graph may refuse it",
                    duration::write(length)
                ),
            )
            .help(format!(
                "evergraph asks for {} minutes instead; write \"max\"",
                minutes(request)
            ));
    } else if length < RAISED_TO {
        findings
            .warning(
                "lifetime-raised",
                span,
                &key,
                format!(
                    "Graph raises {} to {}",
                    duration::write(length),
                    duration::write(RAISED_TO)
                ),
            )
            .help("the expiry that Graph returns counts, so this changes nothing but the wish");
    }
}

fn lifecycle(one: &Candidate, limits: &Limits, findings: &mut Findings<'_>) {
    if one.lifecycle {
        return;
    }
    let asked = limits.lifetime_to_request(one.lifetime, one.is_rich());
    let (key, span) = (one.key("lifecycle"), Some(one.lifecycle_span.clone()));
    if limits.needs_lifecycle(asked) {
        findings
            .error(
                "lifecycle-needed",
                span,
                &key,
                format!(
                    "Graph needs a lifecycle URL for {} that lives longer than an hour",
                    one.kind()
                ),
            )
            .help("take lifecycle = false away, or write lifetime = \"1h\" or less");
    } else {
        findings
            .warning("lifecycle-off", span, &key, "without lifecycle events, missed notifications and removals stay unnoticed")
            .help("lifecycle events cannot be added to a subscription later; Graph must create another one");
    }
}

fn resource_data(one: &Candidate, limits: &Limits, findings: &mut Findings<'_>) {
    let Some(span) = &one.resource_data else {
        return;
    };
    let key = one.key("resource_data");
    if !limits::has_resource_data(&one.resource.value) {
        let message = format!(
            "Graph sends no resource data for this path of {}",
            one.kind()
        );
        findings
            .error("no-resource-data", Some(span.clone()), &key, message)
            .help("take resource_data away");
    } else if let Rich::Yes { select, .. } = limits.rich {
        selection(one, select, findings);
    }
    let refused = limits::refused_options(&one.resource.value);
    if !refused.is_empty() {
        findings
            .error(
                "refused-option",
                Some(one.resource.span.clone()),
                &one.key("resource"),
                format!(
                    "with resource data, Graph refuses {}",
                    refused.join(" and ")
                ),
            )
            .help(
                "allowed are $select without bodies, $filter, and $expand of extended properties",
            );
    }
}

fn selection(one: &Candidate, rule: SelectRule, findings: &mut Findings<'_>) {
    let has_select = one.resource.value.query().has_select();
    let (message, help) = match rule {
        SelectRule::Required if !has_select => (
            format!(
                "with resource data, {} needs $select in its resource",
                one.kind()
            ),
            "add the properties that you need, such as ?$select=subject,receivedDateTime",
        ),
        SelectRule::Refused if has_select => (
            format!("with resource data, {} allows no $select", one.kind()),
            "take $select away",
        ),
        _ => return,
    };
    findings
        .error(
            "select",
            Some(one.resource.span.clone()),
            &one.key("resource"),
            message,
        )
        .help(help);
}

fn doubts(one: &Candidate, limits: &Limits, findings: &mut Findings<'_>) {
    if one.kind() == ResourceKind::Unknown {
        one.warn(
            "unknown-kind",
            format!("{:?} is none of the resources that Graph is documented to notify about", one.resource.value.normal()),
            "Graph may accept it and never notify; check its spelling (4,230 minutes are assumed as its maximum lifetime)",
            findings,
        );
    } else if let Some(doubt) = limits.doubt {
        one.warn(
            "undocumented",
            format!("{}: {doubt}", one.kind()),
            "watch what Graph returns",
            findings,
        );
    }
    let last = one.resource.value.segments().last();
    if one.kind() == ResourceKind::DriveItem && last != Some("root") {
        one.warn(
            "drive-root",
            "only personal drives can be watched below their root".to_owned(),
            "for OneDrive for Business and SharePoint, end the path with /root",
            findings,
        );
    }
    let conditional = matches!(
        one.kind(),
        ResourceKind::Printer | ResourceKind::PrintTaskDefinition | ResourceKind::HealthAlert
    );
    if one.query_options.is_some() && !conditional {
        findings
            .warning(
                "query-options",
                Some(one.span.clone()),
                &one.key("query_options"),
                format!("query_options is not documented for {}", one.kind()),
            )
            .help("put $select and $filter into the resource itself");
    }
}

fn reach(one: &Candidate, limits: &Limits, target: Target, findings: &mut Findings<'_>) {
    if one.resource.value.is_beta_only() && !target.beta {
        one.warn(
            "beta-only",
            format!(
                "this path of {} exists in the beta version only",
                one.kind()
            ),
            "let EVERGRAPH_GRAPH_URL end with /beta, or expect Graph to refuse it",
            findings,
        );
    }
    if limits.global_cloud_only && target.national_cloud {
        one.warn(
            "global-cloud-only",
            format!("{} can be watched in the global cloud only", one.kind()),
            "take it away, or expect Graph to refuse it",
            findings,
        );
    }
}

fn permission(one: &Candidate, findings: &mut Findings<'_>) {
    if limits::permission(&one.resource.value) == Permission::SignedInUserOnly {
        one.warn(
            "signed-in-user-only",
            format!("no application permission exists for {}", one.kind()),
            "only a signed-in user can subscribe (credential azure-cli); every other credential is refused by Graph",
            findings,
        );
    } else if one.resource.value.is_of_signed_in_user() {
        one.warn(
            "signed-in-user-only",
            "me stands for a signed-in user, and an application has none".to_owned(),
            "write users/ and the user's id instead of me",
            findings,
        );
    }
}
