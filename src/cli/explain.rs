//! `evergraph explain`: what an error answer of a Microsoft service means, and what to do.
//!
//! Needs no setting and no network.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::domain::conflict::{
    Answer, Automatic, Confidence, Effect, Operation, PLAYBOOK_VERSION, RetryAfter, Rule, Service,
    Verdict, classify, find_rule,
};

/// Bytes read of a body: four times what the classifier looks at.
const BODY_MAX: u64 = 1024 * 1024;

/// How a command writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// An error answer.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The service that answered
    #[arg(long, value_name = "SERVICE", value_parser = service_names())]
    service: Service,
    /// What was being done
    #[arg(long, value_name = "OPERATION", value_parser = operation_names())]
    operation: Operation,
    /// The HTTP status of the answer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(100..=599))]
    status: u16,
    /// A header of the answer; give Date, too, where Retry-After is a date
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// The file that holds the body, - for standard input; without it the body is empty
    #[arg(value_name = "FILE")]
    body: Option<PathBuf>,
    /// How to write the explanation
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// Names of services, for clap.
pub(super) fn service_names() -> impl TypedValueParser<Value = Service> {
    let names = Service::ALL.iter().map(|service| service.as_str());
    PossibleValuesParser::new(names).try_map(|name| Service::parse(&name).ok_or("unknown service"))
}

fn operation_names() -> impl TypedValueParser<Value = Operation> {
    let names = Operation::ALL.iter().map(|operation| operation.as_str());
    PossibleValuesParser::new(names)
        .try_map(|name| Operation::parse(&name).ok_or("unknown operation"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is written as 'Name: value'")?;
    let name = name.trim();
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(format!("{name:?} is not the name of a header"));
    }
    Ok((name.to_owned(), value.trim().to_owned()))
}

/// Explains one answer.
///
/// Exit codes: 0 explained, whatever the cause; 1 the explanation could not be written; 2 the
/// arguments are wrong, a body that cannot be read included.
pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    let body = match args.body.as_deref().map(read_body).transpose() {
        Ok(body) => body.unwrap_or_default(),
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    let headers = args
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<(&str, &str)> = headers.collect();
    let answer = Answer {
        service: args.service,
        operation: args.operation,
        status: args.status,
        headers: &headers,
        body: &body,
    };
    let verdict = classify(&answer);
    write_out(&match args.output {
        Output::Json => json(&answer, &verdict),
        Output::Text => text(&answer, &verdict),
    })
}

/// Writes to standard output; a reader that went away is no error.
pub(super) fn write_out(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: could not write to standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read_body(path: &Path) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(BODY_MAX)
            .read_to_end(&mut body)
    } else {
        File::open(path).and_then(|file| file.take(BODY_MAX).read_to_end(&mut body))
    };
    match read {
        Ok(_) => Ok(body),
        Err(error) => Err(format!(
            "the body could not be read from {}: {error}; name a readable file, or - for standard input",
            path.display()
        )),
    }
}

fn json(answer: &Answer<'_>, verdict: &Verdict) -> String {
    let (wait_ms, wait_refused) = match &verdict.wait {
        None => (None, None),
        Some(RetryAfter::For(wait)) => (u64::try_from(wait.as_millis()).ok(), None),
        Some(RetryAfter::Absurd(value)) => (None, Some(value)),
    };
    let fields = serde_json::json!({
        "service": answer.service.as_str(),
        "operation": answer.operation.as_str(),
        "status": answer.status,
        "cause": verdict.cause.as_str(),
        "remedy": verdict.remedy.as_str(),
        "automatic": verdict.automatic.as_str(),
        "may_have_taken_effect": verdict.may_have_taken_effect.as_str(),
        "wait_ms": wait_ms,
        "wait_refused": wait_refused,
        "holder": verdict.holder,
        "rule": verdict.rule,
        "playbook": PLAYBOOK_VERSION,
        "confidence": verdict.confidence.as_str(),
        "sources": verdict.sources,
        "words": verdict.words,
    });
    format!("{fields:#}")
}

fn text(answer: &Answer<'_>, verdict: &Verdict) -> String {
    let mut out = format!(
        "{}: {}.\n{} answered {} to {}{}.\n\nWhat happened\n",
        verdict.cause,
        verdict.cause.meaning(),
        answer.service,
        answer.status,
        answer.operation,
        match verdict.words.as_str() {
            "" => String::new(),
            words => format!(" with \"{words}\""),
        },
    );
    let rule = find_rule(verdict.rule);
    let mut line = |text: &str| {
        if !text.is_empty() {
            out.push_str("  ");
            out.push_str(text);
            out.push('\n');
        }
    };
    line(rule.map_or("", |rule| rule.why));
    line(effect_words(verdict.may_have_taken_effect));
    if let Some(holder) = &verdict.holder {
        line(&format!(
            "The answer names the holder: {holder}. Verify it by a read before you trust it."
        ));
    }
    line("");
    out.push_str(&what_to_do(verdict, rule));
    out.push_str(&where_from(verdict));
    out
}

fn what_to_do(verdict: &Verdict, rule: Option<&Rule>) -> String {
    let mut out = format!(
        "\nWhat to do ({}; {})\n  {}\n",
        verdict.remedy,
        automatic_words(verdict.automatic),
        verdict.remedy.instruction()
    );
    let mut more = |text: &str| {
        if !text.is_empty() {
            out.push_str(&format!("  {text}\n"));
        }
    };
    more(rule.map_or("", |rule| rule.advice));
    match &verdict.wait {
        Some(RetryAfter::For(wait)) => more(&format!(
            "Not before {} ms have passed: the service asks for it.",
            wait.as_millis()
        )),
        Some(RetryAfter::Absurd(value)) => more(&format!(
            "The service asks to wait for {value:?}, which makes no sense: do not sleep on it, stop and tell a human."
        )),
        None => {}
    }
    out.push_str(&format!(
        "\nWhat never to do\n  {}\n",
        verdict.cause.never()
    ));
    if let Some(never) = rule
        .map(|rule| rule.never)
        .filter(|never| !never.is_empty())
    {
        out.push_str(&format!("  {never}\n"));
    }
    out
}

fn where_from(verdict: &Verdict) -> String {
    let rests_on = match verdict.confidence {
        Confidence::Code => "a code of the service",
        Confidence::Text => "the words of the message, which may change",
        Confidence::Status => "the status alone",
    };
    let mut out = format!(
        "\nWhere it is written (rule {}, playbook {PLAYBOOK_VERSION}; rests on {rests_on})",
        verdict.rule
    );
    for source in verdict.sources {
        out.push_str("\n  ");
        out.push_str(source);
    }
    out
}

fn effect_words(effect: Effect) -> &'static str {
    match effect {
        Effect::Yes => "The request may have taken effect all the same.",
        Effect::No => "The request took no effect.",
        Effect::Unknown => "Nobody says whether the request took effect.",
    }
}

/// What `automatic` says, in words.
pub(super) fn automatic_words(automatic: Automatic) -> &'static str {
    match automatic {
        Automatic::Yes => "a program may do it within bounds",
        Automatic::AfterCompare => "a program may do it after a read and a comparison",
        Automatic::Policy => "a program may do it only where the policy allows it",
        Automatic::No => "not automatically",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_needs_a_name_and_a_colon() {
        let pair = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(header("Retry-After: 12"), pair("Retry-After", "12"));
        assert_eq!(header("x:"), pair("x", ""));
        assert!(header("Retry-After 12").is_err());
        assert!(header(": 12").is_err());
        assert!(header("Retry After: 12").is_err());
    }
}
