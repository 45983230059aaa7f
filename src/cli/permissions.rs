//! `evergraph permissions`: what the token may do, beside what the declared subscriptions need.
//!
//! Tokens are decoded here and never printed. With `--token-file` nobody is asked.

mod report;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::explain::{Output, write_out};
use crate::compose::declaration::{Target, read};
use crate::compose::permissions::{Carried, carried};
use crate::config::AccessSettings;
use crate::domain::subscription::DesiredSet;
use crate::ports::declaration::DeclaredTenant;
use report::{Report, TenantReport};

/// Longest file of tokens that is read: a token of an application with every permission has some
/// dozen KB.
const TOKENS_BYTES: u64 = 1024 * 1024;

/// The permissions of the declared subscriptions, and those of the token.
#[derive(Debug, Args)]
pub(super) struct PermissionsArgs {
    /// The declaration
    #[arg(default_value = "subscriptions.toml")]
    file: PathBuf,
    /// Only this tenant, by its name in the declaration
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Access tokens for Graph to decode instead of asking for some, one a line, each for the
    /// tenant that issued it; - for standard input. What `az account get-access-token` prints
    /// is read as well
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How to write the report
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Compares, tenant by tenant.
///
/// Exit codes: 0 nothing is missing; 1 something is missing, or not known; 2 the arguments are
/// wrong.
pub(super) async fn run(args: PermissionsArgs) -> ExitCode {
    let report = match compare(&args).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let written = write_out(&match args.output {
        Output::Json => report.as_json(),
        Output::Text => report.as_text(),
    });
    match report.is_complete() {
        true => written,
        false => ExitCode::FAILURE,
    }
}

async fn compare(args: &PermissionsArgs) -> anyhow::Result<Report> {
    let (set, tenants) = declared(args).await?;
    let tokens = match &args.token_file {
        Some(path) => given(path, &tenants)?,
        None => {
            let settings = AccessSettings::from_environment().map_err(anyhow::Error::new)?;
            carried(&settings, &tenants).await?
        }
    };
    let tenants = tenants.into_iter().zip(tokens);
    Ok(Report {
        file: args.file.display().to_string(),
        tenants: tenants
            .map(|(tenant, token)| TenantReport::of(tenant, token, &set))
            .collect(),
    })
}

async fn declared(args: &PermissionsArgs) -> anyhow::Result<(DesiredSet, Vec<DeclaredTenant>)> {
    let file = &args.file;
    let text = tokio::fs::read_to_string(file)
        .await
        .with_context(|| format!("{} could not be read", file.display()))?;
    let reading = read(text.trim_start_matches('\u{feff}'), Target::global());
    let (set, mut tenants) = reading.declared.with_context(|| {
        let name = file.display();
        format!("{name} cannot be used; `evergraph check {name}` says why")
    })?;
    if let Some(name) = &args.tenant {
        tenants.retain(|tenant| tenant.name == *name);
        anyhow::ensure!(!tenants.is_empty(), "no tenant is named {name:?} there");
    }
    anyhow::ensure!(!tenants.is_empty(), "no tenant is declared there");
    Ok((set, tenants))
}

/// The tokens of a file, by the tenants that issued them.
fn given(path: &Path, tenants: &[DeclaredTenant]) -> anyhow::Result<Vec<Result<Carried, String>>> {
    let text = Zeroizing::new(text_of(path)?);
    let mut known = Vec::new();
    for token in tokens_in(&text) {
        let carried = Carried::read(&token)
            .context("the file holds something that is no access token (a JWT); it is not shown")?;
        known.push(carried);
    }
    anyhow::ensure!(!known.is_empty(), "the file holds no access token");
    let foreign = known.iter().find(|one| {
        let issuer = one.tenant.as_ref();
        issuer.is_some_and(|issuer| !tenants.iter().any(|tenant| tenant.id == *issuer))
    });
    if let Some(issuer) = foreign.and_then(|one| one.tenant.as_ref()) {
        anyhow::bail!(
            "a token was issued by the tenant {issuer}, which is not among those looked at"
        );
    }
    let of = |tenant: &DeclaredTenant| {
        let issued = known
            .iter()
            .find(|one| one.tenant.as_ref() == Some(&tenant.id));
        issued
            .cloned()
            .ok_or_else(|| "no token of this tenant was given".to_owned())
    };
    Ok(tenants.iter().map(of).collect())
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin()
            .take(TOKENS_BYTES)
            .read_to_string(&mut text),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(TOKENS_BYTES).read_to_string(&mut text)),
    };
    read.with_context(|| format!("the tokens in {} could not be read", path.display()))?;
    Ok(text)
}

/// One a line, or what the Azure CLI prints.
fn tokens_in(text: &str) -> Vec<SecretString> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct OfTheCli {
        access_token: String,
    }
    if let Ok(printed) = serde_json::from_str::<OfTheCli>(text) {
        return vec![printed.access_token.into()];
    }
    let lines = text.lines().map(|line| line.trim().trim_matches('"'));
    lines
        .map(|line| line.strip_prefix("Bearer ").unwrap_or(line).trim())
        .filter(|line| !line.is_empty())
        .map(SecretString::from)
        .collect()
}
