//! `evergraph check FILE`

mod keys;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use secrecy::{ExposeSecret as _, SecretString};

use self::keys::Keys;
use crate::compose::declaration::{Diagnostic, Reading, Severity, Target, read};
use crate::domain::duration;
use crate::domain::limits::{self, Permission};
use crate::domain::subscription::{Desired, DesiredSet};
use crate::ports::declaration::Routing;

/// Most diagnostics shown on a terminal; JSON shows all.
const SHOWN_MAX: usize = 50;

/// Arguments of `evergraph check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The declaration to check.
    #[arg(default_value = "subscriptions.toml")]
    file: PathBuf,
    /// The Graph that it is for: its version and cloud decide what is allowed.
    #[arg(
        long,
        default_value = "https://graph.microsoft.com/v1.0",
        value_name = "URL"
    )]
    graph_url: url::Url,
    /// How to print the findings.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The private keys that the declared certificates are compared with, as the handler is
    /// given them. No vault is asked.
    #[arg(
        long,
        env = "EVERGRAPH_DECRYPTION_KEYS",
        hide_env_values = true,
        value_name = "LIST"
    )]
    decryption_keys: Option<SecretString>,
    /// Ends with 1 on warnings too.
    #[arg(long)]
    deny_warnings: bool,
}

impl Args {
    /// As `evergraph check FILE --graph-url URL`.
    pub(super) fn of_file(file: PathBuf, graph_url: url::Url) -> Self {
        Self {
            file,
            graph_url,
            output: Output::Text,
            decryption_keys: None,
            deny_warnings: false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Output {
    /// For people: with pictures of the places on a terminal, one line each otherwise.
    Text,
    /// For programs.
    Json,
}

/// Checks the file. Ends with 0 if it can be used, with 1 if not.
pub async fn run(args: &Args) -> ExitCode {
    let text = match text_of(args).await {
        Ok(text) => text,
        Err(why) => {
            eprintln!("error: {} could not be read: {why}", args.file.display());
            return ExitCode::FAILURE;
        }
    };
    let mut reading = read(&text, Target::of(&args.graph_url));
    let setting = args.decryption_keys.as_ref();
    let setting = setting.filter(|list| !list.expose_secret().trim().is_empty());
    let keys = Keys::compare(setting, &mut reading);
    let name = args.file.display().to_string();
    let out = match args.output {
        Output::Json => format!("{:#}", as_json(&name, &reading, &keys)),
        Output::Text if std::io::stdout().is_terminal() => as_text(&name, &reading, |one| {
            picture(one, &name, &text, GraphicalTheme::unicode())
        }),
        Output::Text => as_text(&name, &reading, |one| line(one, &name)),
    };
    let printed = print(out.trim_end());
    let failed =
        reading.declared.is_none() || args.deny_warnings && reading.warnings().next().is_some();
    if failed { ExitCode::FAILURE } else { printed }
}

async fn text_of(args: &Args) -> Result<String, String> {
    let bytes = tokio::fs::read(&args.file)
        .await
        .map_err(|err| err.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

/// Prints and flushes; a reader that went away (`| head`) is no failure worth words.
pub(super) fn print(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn as_text(file: &str, reading: &Reading, show: impl Fn(&Diagnostic) -> String) -> String {
    let mut out = String::new();
    for one in reading.diagnostics.iter().take(SHOWN_MAX) {
        let _ = writeln!(out, "{}", show(one));
    }
    if let Some(more @ 1..) = reading.diagnostics.len().checked_sub(SHOWN_MAX) {
        let _ = writeln!(out, "… and {more} more; --output json shows all");
    }
    let (errors, warnings) = (reading.errors().count(), reading.warnings().count());
    let counts = format!(
        "{}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    match &reading.declared {
        Some((set, tenants)) => {
            let _ = writeln!(
                out,
                "{file}: good: {} in {} ({counts})",
                counted(set.by_key.len(), "subscription"),
                counted(tenants.len(), "tenant")
            );
            out.push_str(&summary(set, &reading.routing));
        }
        None => {
            let _ = writeln!(out, "{file}: cannot be used ({counts})");
        }
    }
    out
}

fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// The subscriptions and the permissions that they need.
fn summary(set: &DesiredSet, routing: &Routing) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let mut header = vec!["name", "kind", "changes", "lives", "permission"];
    let routed = !routing.sinks.is_empty();
    header.extend(routed.then_some("sink"));
    table.set_header(header);
    let mut all: Vec<&Desired> = set.by_key.values().collect();
    all.sort_by_key(|one| &one.name);
    for one in &all {
        let kind = one.resource.kind();
        let lives = limits::of(kind).lifetime_to_request(one.lifetime, one.key.resource_data);
        let mut row = vec![
            one.name.to_string(),
            kind.to_string(),
            one.key.change_types.to_string(),
            duration::write(lives),
            permission_word(one).to_owned(),
        ];
        row.extend(routed.then(|| sink_of(one, routing).to_owned()));
        table.add_row(row);
    }
    let mut out = String::new();
    if !all.is_empty() {
        for line in table.lines() {
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    let roles = roles(set);
    if !roles.is_empty() {
        let _ = writeln!(
            out,
            "application permissions of Microsoft Graph (least privileged):"
        );
    }
    for (name, id) in roles {
        let _ = writeln!(
            out,
            "  {name}  {}",
            id.unwrap_or("(look its app role id up)")
        );
    }
    out
}

/// The name of the sink that its notifications go to.
fn sink_of<'r>(one: &Desired, routing: &'r Routing) -> &'r str {
    let route = routing.routes.get(&one.key.tag());
    route.map_or("default", String::as_str)
}

fn permission_word(one: &Desired) -> &'static str {
    match limits::permission(&one.resource) {
        Permission::Role(role) => role.name,
        Permission::SignedInUserOnly => "signed-in user only",
        Permission::NotDocumented => "not documented",
    }
}

fn roles(set: &DesiredSet) -> BTreeMap<&'static str, Option<&'static str>> {
    let role = |one: &Desired| match limits::permission(&one.resource) {
        Permission::Role(role) => Some((role.name, role.id)),
        _ => None,
    };
    set.by_key.values().filter_map(role).collect()
}

/// One finding as one line, and one more for the advice: what editors and `grep` understand.
fn line(one: &Diagnostic, file: &str) -> String {
    let mut out = file.to_owned();
    if let Some(place) = &one.place {
        let _ = write!(out, ":{}:{}", place.line, place.column);
    }
    let _ = write!(out, ": {}[{}]: ", one.severity.as_str(), one.code);
    if !one.key.is_empty() {
        let _ = write!(out, "{}: ", one.key);
    }
    out.push_str(&one.message);
    if let Some(help) = &one.help {
        let _ = write!(out, "\n  help: {help}");
    }
    out
}

/// One finding with a picture of its place.
fn picture(one: &Diagnostic, file: &str, text: &str, theme: GraphicalTheme) -> String {
    let mut diagnostic = MietteDiagnostic::new(one.message.clone())
        .with_code(one.code)
        .with_severity(match one.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        });
    if let Some(help) = &one.help {
        diagnostic = diagnostic.with_help(help);
    }
    if let Some(place) = &one.place {
        diagnostic = diagnostic.with_label(LabeledSpan::at(
            first_line(place.span.clone(), text),
            &one.key,
        ));
    }
    let report = miette::Report::new(diagnostic)
        .with_source_code(NamedSource::new(file, text.to_owned()).with_language("toml"));
    let mut out = String::new();
    let handler = GraphicalReportHandler::new_themed(theme);
    match handler.render_report(&mut out, report.as_ref()) {
        Ok(()) => out,
        Err(_) => line(one, file),
    }
}

/// The part of the span in its first line: a whole table underlined helps nobody.
fn first_line(span: std::ops::Range<usize>, text: &str) -> std::ops::Range<usize> {
    let part = text.get(span.clone()).unwrap_or("");
    let length = part.find(['\r', '\n']).unwrap_or(part.len());
    span.start..span.start + length
}

fn as_json(file: &str, reading: &Reading, keys: &Keys) -> serde_json::Value {
    let diagnostics: Vec<_> = reading.diagnostics.iter().map(diagnostic_json).collect();
    let set = reading.declared.as_ref().map(|(set, _)| set);
    serde_json::json!({
        "file": file,
        "usable": reading.declared.is_some(),
        "hash": set.map(|set| &set.hash),
        "subscriptions": set.map(|set| set.by_key.iter().map(|(tag, one)| {
            serde_json::json!({
                "key": tag.to_string(),
                "name": one.name.as_str(),
                "tenant": one.key.tenant.as_str(),
                "kind": one.resource.kind().as_str(),
                "resource": one.key.resource,
                "changeTypes": one.key.change_types.iter().map(|c| c.as_str()).collect::<Vec<_>>(),
                "lifetimeMinutes": limits::of(one.resource.kind())
                    .lifetime_to_request(one.lifetime, one.key.resource_data)
                    .as_mins(),
                "lifecycle": one.lifecycle,
                "because": one.because,
                "permission": permission_word(one),
                "sink": sink_of(one, &reading.routing),
            })
        }).collect::<Vec<_>>()),
        "permissions": set.map(|set| roles(set).into_iter().map(|(name, id)| {
            serde_json::json!({ "name": name, "appRoleId": id })
        }).collect::<Vec<_>>()),
        "decryptionKeys": keys.as_json(),
        "diagnostics": diagnostics,
    })
}

fn diagnostic_json(one: &Diagnostic) -> serde_json::Value {
    serde_json::json!({
        "severity": one.severity.as_str(),
        "code": one.code,
        "line": one.place.as_ref().map(|place| place.line),
        "column": one.place.as_ref().map(|place| place.column),
        "key": one.key,
        "message": one.message,
        "help": one.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKEN: &str = "[tenants.t]\nid = \"84bd8158-6d4d-4958-8b9f-9d6445542f95\"\n\n\
        [[subscriptions]]\nname = \"a\"\nresource = \"users\"\nchange_types = [\"created\"]\n";

    #[test]
    fn a_picture_shows_the_line_and_underlines_the_value() {
        let reading = read(BROKEN, Target::global());
        let one = reading.errors().next().unwrap();
        let shown = picture(one, "s.toml", BROKEN, GraphicalTheme::unicode_nocolor());
        assert!(
            shown.contains("Graph does not report created for user"),
            "{shown}"
        );
        assert!(shown.contains("s.toml:7:16"), "{shown}");
        assert!(shown.contains("change_types = [\"created\"]"), "{shown}");
        assert!(shown.contains("subscriptions[0].change_types"), "{shown}");
        assert!(shown.contains("allowed: updated,deleted"), "{shown}");
    }

    #[test]
    fn a_line_is_what_grep_understands() {
        let reading = read(BROKEN, Target::global());
        let shown = line(reading.errors().next().unwrap(), "s.toml");
        assert!(
            shown.starts_with("s.toml:7:16: error[change-type]: subscriptions[0].change_types: "),
            "{shown}"
        );
    }
}
