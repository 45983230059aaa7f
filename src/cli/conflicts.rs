//! `evergraph conflicts list`: the playbook.

mod markdown;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::explain::{Output, service_names, write_out};
use crate::domain::conflict::{Codes, Rule, Service, defaults, playbook, rules_of};

pub use markdown::{playbook_page, portal_page};

/// What is known about conflicts.
#[derive(Debug, Args)]
pub(super) struct ConflictsArgs {
    #[command(subcommand)]
    command: ConflictsCommand,
}

#[derive(Debug, Subcommand)]
enum ConflictsCommand {
    /// Lists the rules by which answers are classified
    List(ListArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only the rules that this service is judged by
    #[arg(long, value_name = "SERVICE", value_parser = service_names())]
    service: Option<Service>,
    /// How to write the list
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Lists the playbook. Exit codes: 0 listed, 1 the list could not be written.
pub(super) fn run(args: &ConflictsArgs) -> ExitCode {
    let ConflictsCommand::List(list) = &args.command;
    let rules: Vec<&Rule> = match list.service {
        Some(service) => rules_of(service).chain(defaults()).collect(),
        None => playbook().chain(defaults()).collect(),
    };
    write_out(&match list.output {
        Output::Json => json(&rules),
        Output::Text => text(&rules),
    })
}

/// When a rule applies, in words.
fn condition(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if !rule.statuses.is_empty() {
        let statuses: Vec<_> = rule.statuses.iter().map(u16::to_string).collect();
        parts.push(format!("status {}", statuses.join(", ")));
    }
    if !rule.operations.is_empty() {
        let operations: Vec<_> = rule.operations.iter().map(|one| one.as_str()).collect();
        parts.push(format!("on {}", operations.join(", ")));
    }
    match rule.codes {
        Codes::Any => {}
        Codes::OneOf(codes) => parts.push(format!("code {}", codes.join(", "))),
        Codes::OneOfOrNone(codes) => parts.push(format!("code {} or none", codes.join(", "))),
    }
    if !rule.text.is_empty() {
        parts.push(format!("text \"{}\"", rule.text.join("\" or \"")));
    }
    parts.join("; ")
}

fn text(rules: &[&Rule]) -> String {
    let blocks = rules.iter().map(|rule| {
        let means = rule.means;
        format!(
            "{}\n  when   {}\n  means  {} -> {} (automatic: {})\n  why    {}\n  where  {}",
            rule.id,
            condition(rule),
            means.cause,
            means.remedy,
            means.automatic,
            rule.why,
            rule.sources.join("\n         "),
        )
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

fn json(rules: &[&Rule]) -> String {
    let rows = rules.iter().map(|rule| {
        let names = |all: &[Service]| all.iter().map(|one| one.as_str()).collect::<Vec<_>>();
        let (codes, or_none) = match rule.codes {
            Codes::Any => (&[] as &[&str], true),
            Codes::OneOf(codes) => (codes, false),
            Codes::OneOfOrNone(codes) => (codes, true),
        };
        serde_json::json!({
            "rule": rule.id,
            "services": names(rule.services),
            "operations": rule.operations.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
            "statuses": rule.statuses,
            "codes": codes,
            "without_code": or_none,
            "text": rule.text,
            "cause": rule.means.cause.as_str(),
            "remedy": rule.means.remedy.as_str(),
            "automatic": rule.means.automatic.as_str(),
            "may_have_taken_effect": rule.means.effect.as_str(),
            "why": rule.why,
            "advice": rule.advice,
            "never": [rule.means.cause.never(), rule.never],
            "sources": rule.sources,
        })
    });
    format!("{:#}", serde_json::Value::Array(rows.collect()))
}
