//! The report: in words, and as JSON for an archive.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::compose::permissions::Carried;
use crate::domain::limits::role_id;
use crate::domain::permissions::{Comparison, Need, State};
use crate::domain::subscription::{Desired, DesiredSet};
use crate::ports::declaration::DeclaredTenant;

/// Graph's own application id, the same in every tenant and cloud.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// All tenants.
pub(super) struct Report {
    pub(super) file: String,
    pub(super) tenants: Vec<TenantReport>,
}

/// One tenant.
pub(super) struct TenantReport {
    tenant: DeclaredTenant,
    carried: Result<Carried, String>,
    comparison: Comparison,
}

impl TenantReport {
    pub(super) fn of(
        tenant: DeclaredTenant,
        carried: Result<Carried, String>,
        set: &DesiredSet,
    ) -> Self {
        let declared = set.by_key.values();
        let own = |one: &&Desired| one.key.tenant == tenant.id;
        let roles: &[String] = carried.as_ref().map_or(&[], |token| &token.roles);
        let comparison = Comparison::of(declared.filter(own), roles);
        Self {
            tenant,
            carried,
            comparison,
        }
    }

    /// Why nothing certain can be said, where that is so.
    fn problem(&self) -> Option<String> {
        let token = match &self.carried {
            Err(why) => return Some(why.clone()),
            Ok(token) => token,
        };
        if let Some(audience) = token.audience.as_deref().filter(|name| !is_graph(name)) {
            return Some(format!(
                "the token is for {audience:?}, not for Microsoft Graph"
            ));
        }
        let delegated = token.roles.is_empty() && !token.scopes.is_empty();
        delegated.then(|| {
            "the token is that of a signed-in user: it carries delegated permissions, and a \
             deployment has none"
                .to_owned()
        })
    }

    fn is_complete(&self) -> bool {
        self.problem().is_none() && self.comparison.missing().next().is_none()
    }

    /// What is certainly missing: without a token that tells, nothing is.
    fn missing(&self) -> impl Iterator<Item = &Need> {
        let known = self.problem().is_none();
        self.comparison.missing().filter(move |_| known)
    }

    /// The state of a need as a word, and what it is served by.
    fn state_of<'n>(&self, need: &'n Need) -> (&'static str, Option<&'n str>) {
        match &need.state {
            _ if self.problem().is_some() => ("unknown", None),
            State::Present => ("present", None),
            State::Broader { by } => ("broader", Some(by)),
            State::Missing => ("missing", None),
        }
    }

    /// The Graph of the token's own cloud.
    fn graph(&self) -> &str {
        let audience = self.carried.as_ref().ok();
        let audience = audience.and_then(|token| token.audience.as_deref());
        let url = audience.filter(|name| name.starts_with("https://") && is_graph(name));
        url.map_or("https://graph.microsoft.com", |url| {
            url.trim_end_matches('/')
        })
    }

    /// Grants what is missing; nothing to do makes no commands.
    fn commands(&self) -> Vec<String> {
        let missing: Vec<&Need> = self.missing().collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let token = self.carried.as_ref().ok();
        let principal = token.and_then(|token| token.principal.clone());
        let principal = principal.unwrap_or_else(|| match token {
            Some(token) if token.application.as_str().contains('-') => format!(
                "$(az ad sp show --id {} --query id --output tsv)",
                token.application
            ),
            _ => "$(az ad sp show --id CLIENT_ID --query id --output tsv)".to_owned(),
        });
        let mut commands = vec![
            format!(
                "az login --tenant {} --allow-no-subscriptions",
                self.tenant.id
            ),
            format!("principal={principal}"),
            format!("graph=$(az ad sp show --id {GRAPH} --query id --output tsv)"),
        ];
        commands.extend(missing.into_iter().map(|need| {
            let role = need.id.map_or_else(|| look_up(need.name), str::to_owned);
            format!(
                "az rest --method POST \
                 --url \"{}/v1.0/servicePrincipals/$principal/appRoleAssignments\" \
                 --body \"{{\\\"principalId\\\":\\\"$principal\\\",\\\"resourceId\\\":\\\"$graph\\\",\\\"appRoleId\\\":\\\"{role}\\\"}}\"  # {}",
                self.graph(),
                need.name
            )
        }));
        commands
    }

    fn as_json(&self) -> Value {
        let token = self.carried.as_ref().ok();
        let role = |name: &String| json!({ "name": name, "appRoleId": role_id(name) });
        json!({
            "name": self.tenant.name,
            "id": self.tenant.id.as_str(),
            "application": token.map(|token| token.application.as_str()),
            "servicePrincipal": token.and_then(|token| token.principal.clone()),
            "problem": self.problem(),
            "complete": self.is_complete(),
            "carried": token.map(|token| token.roles.iter().map(role).collect::<Vec<_>>()),
            "delegated": token.map(|token| token.scopes.clone()),
            "needed": self.comparison.needs.iter().map(|need| self.need_json(need)).collect::<Vec<_>>(),
            "missing": self.missing().map(|need| need.name).collect::<Vec<_>>(),
            "excess": self.comparison.excess.iter().map(role).collect::<Vec<_>>(),
            "notDocumented": self.comparison.undocumented,
            "signedInUserOnly": self.comparison.signed_in_only,
            "commands": self.commands(),
        })
    }

    fn need_json(&self, need: &Need) -> Value {
        let (state, by) = self.state_of(need);
        json!({
            "name": need.name,
            "appRoleId": need.id,
            "subscriptions": need.subscriptions,
            "state": state,
            "by": by,
        })
    }

    fn table(&self) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(["permission", "state", "app role id", "needed by"]);
        for need in &self.comparison.needs {
            let state = match self.state_of(need) {
                (_, Some(by)) => format!("by {by}"),
                (word, None) => word.to_owned(),
            };
            table.add_row([
                need.name.to_owned(),
                state,
                need.id.unwrap_or("not known here").to_owned(),
                need.subscriptions.join(", "),
            ]);
        }
        table.lines().fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "  {}", line.trim_end());
            out
        })
    }

    fn as_text(&self) -> String {
        let mut out = String::new();
        let Self {
            tenant, comparison, ..
        } = self;
        let _ = writeln!(out, "tenant {} ({})", tenant.name, tenant.id);
        if let Ok(token) = &self.carried {
            let _ = writeln!(out, "  application {}", token.application);
        }
        if let Some(why) = self.problem() {
            let _ = writeln!(out, "  ! {why}");
        }
        out.push_str(&self.table());
        for (names, words) in [
            (&comparison.excess, "not needed by any subscription here"),
            (
                &comparison.undocumented,
                "subscriptions whose permission is not documented",
            ),
            (
                &comparison.signed_in_only,
                "subscriptions that only a signed-in user may have",
            ),
        ] {
            if !names.is_empty() {
                let _ = writeln!(out, "  {words}: {}", names.join(", "));
            }
        }
        let commands = self.commands();
        if !commands.is_empty() {
            out.push_str("\n  Granted by a Privileged Role Administrator of the tenant with:\n");
            for command in commands {
                let _ = writeln!(out, "    {command}");
            }
            out.push_str(
                "  A managed identity's token is kept for up to a day: what was granted just now \
                 may show tomorrow.\n",
            );
        }
        out
    }
}

impl Report {
    pub(super) fn is_complete(&self) -> bool {
        self.tenants.iter().all(TenantReport::is_complete)
    }

    pub(super) fn as_json(&self) -> String {
        let report = json!({
            "file": self.file,
            "complete": self.is_complete(),
            "tenants": self.tenants.iter().map(TenantReport::as_json).collect::<Vec<_>>(),
        });
        format!("{report:#}")
    }

    pub(super) fn as_text(&self) -> String {
        let each: Vec<String> = self.tenants.iter().map(TenantReport::as_text).collect();
        let end = match self.is_complete() {
            true => "nothing is missing",
            false => "something is missing, or not known",
        };
        format!("{}\n{}: {end}", each.join("\n"), self.file)
    }
}

/// The id of a role that stands in no table of ours, asked of Graph itself.
fn look_up(name: &str) -> String {
    format!(
        "$(az ad sp show --id {GRAPH} --query \"appRoles[?value=='{name}'].id | [0]\" --output tsv)"
    )
}

/// Graph as an audience: its application id, or the address of one of its clouds.
fn is_graph(audience: &str) -> bool {
    let name = audience.trim_end_matches('/');
    let name = name.strip_prefix("https://").unwrap_or(name);
    [
        GRAPH,
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    ]
    .contains(&name)
}
