//! Warnings when a declaration alone exhausts a quota of Graph, or nearly.

use std::collections::BTreeMap;

use super::diagnostic::Findings;
use super::rules::Candidate;
use crate::domain::limits::{self, Quota, QuotaScope, thousands};
use crate::domain::subscription::Desired;

/// A declaration that uses this much of a quota, in percent, is worth a warning: others may
/// use the rest.
const NEAR_PERCENT: usize = 90;

/// Counts and warns, once for each quota, at the subscription that goes beyond it.
///
/// Only our own subscriptions are counted; those of other applications are not known here.
pub(super) fn warn(all: &[(Desired, Candidate)], findings: &mut Findings<'_>) {
    let mut groups: BTreeMap<Group, (Quota, Vec<&Candidate>)> = BTreeMap::new();
    for (desired, candidate) in all {
        for quota in limits::of(desired.resource.kind()).quotas {
            if let Some(group) = Group::of(desired, quota) {
                let entry = groups.entry(group).or_insert((*quota, Vec::new()));
                entry.1.push(candidate);
            }
        }
    }
    for (group, (quota, members)) in &groups {
        let limit = quota.count as usize;
        let over = members.len() > limit;
        let near = limit >= 10 && members.len() * 100 >= limit * NEAR_PERCENT;
        if !over && !near {
            continue;
        }
        // The first one too many; or, where it is only near, the last one.
        let at = members[limit.min(members.len() - 1)];
        findings
            .warning(
                if over { "quota" } else { "quota-near" },
                Some(at.resource.span.clone()),
                &at.path,
                format!(
                    "{} subscriptions are declared for {}, and Graph allows {quota}",
                    thousands(u32::try_from(members.len()).unwrap_or(u32::MAX)),
                    group.of
                ),
            )
            .help(match over {
                true => "beyond it, Graph refuses to create more with 403",
                false => "other subscriptions count as well",
            });
    }
}

/// What is counted together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    scope: &'static str,
    of: String,
}

impl Group {
    fn of(desired: &Desired, quota: &Quota) -> Option<Self> {
        let tenant = &desired.key.tenant;
        let kind = desired.resource.kind();
        let what = match quota.shared {
            true => String::new(),
            false => format!("{kind} in "),
        };
        let of = match quota.per {
            QuotaScope::Mailbox => {
                format!(
                    "the mailbox {} of tenant {tenant}",
                    desired.resource.mailbox()?
                )
            }
            QuotaScope::AppAndTenant | QuotaScope::Tenant => format!("{what}tenant {tenant}"),
            QuotaScope::App => format!("{what}all tenants"),
            QuotaScope::AppAndResource => {
                let path: Vec<&str> = desired.resource.segments().collect();
                format!("{} in tenant {tenant}", path.join("/"))
            }
            QuotaScope::Elsewhere => return None,
        };
        Some(Self {
            scope: quota.scope,
            of,
        })
    }
}
