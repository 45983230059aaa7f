//! The pages of `docs/` that are made from the playbook.

use std::fmt::Write;

use super::condition;
use crate::cli::explain::automatic_words;
use crate::domain::conflict::{
    Cause, DIFFERENCES, Difference, PLAYBOOK_VERSION, Rule, Service, advice, defaults, playbook,
};

const NOTE: &str = "<!-- Made from the rules in src/domain/conflict by tests/playbook.rs; \
change the rules, then run EVERGRAPH_REGENERATE=1 cargo test --test playbook -->";

/// The page `docs/409-playbook.md`.
pub fn playbook_page() -> String {
    let mut page = format!(
        "{NOTE}\n\n# The 409 playbook\n\n\
A conflict is classified by service, operation, status, code and text, never by its status alone: \
the same 409 means a duplicate here and a lock there, and a duplicate may well be a 403. \
Answers are unwrapped first, then the rules of the service are asked from the deepest code outwards, \
then by text, and at last the defaults for a status. A 409 that no rule knows stays *Unclassified*; \
it is never taken for \"already exists\".\n\n\
Edition {PLAYBOOK_VERSION}. Ask it about an answer with `evergraph explain`, list it with \
`evergraph conflicts list`.\n\n"
    );
    causes(&mut page);
    for service in Service::ALL {
        let own = playbook().filter(|rule| rule.services.first() == Some(service));
        section(&mut page, service.as_str(), own);
    }
    section(&mut page, "Defaults, for every service", defaults().iter());
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// Writing to a `String` cannot fail, so its result carries nothing.
fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).unwrap_or_default();
}

fn causes(page: &mut String) {
    page.push_str("## Causes\n\n| cause | it means | never | waits |\n|---|---|---|---|\n");
    for cause in Cause::ALL {
        let (meaning, never) = (cause.meaning(), cause.never());
        let waits = waits(*cause);
        put(
            page,
            format_args!("| {cause} | {meaning} | {never} | {waits} |\n"),
        );
    }
    page.push('\n');
}

fn waits(cause: Cause) -> String {
    let Some(budget) = advice::budget_of(cause) else {
        return "waiting does not help".to_owned();
    };
    let seconds = |wait: std::time::Duration| format!("{} s", wait.as_secs_f64());
    let backoff = budget.backoff;
    let mut out = format!("{} to {}", seconds(budget.floor), seconds(backoff.base));
    if backoff.cap > backoff.base {
        put(
            &mut out,
            format_args!(", growing to {}", seconds(backoff.cap)),
        );
    }
    if let Some(attempts) = budget.attempts {
        put(&mut out, format_args!(", {attempts} tries"));
    }
    if let Some(total) = budget.total {
        put(&mut out, format_args!(", {} in all", seconds(total)));
    }
    out
}

fn section<'a>(page: &mut String, title: &str, rules: impl Iterator<Item = &'a Rule>) {
    put(page, format_args!("## {title}\n\n"));
    for rule in rules {
        entry(page, rule);
    }
}

fn entry(page: &mut String, rule: &Rule) {
    let means = rule.means;
    put(page, format_args!("### {}\n\n{}\n\n", rule.id, rule.why));
    put(
        page,
        format_args!("- **When** {}\n", condition(rule).replace('*', "\\*")),
    );
    put(
        page,
        format_args!(
            "- **Means** {}, {} ({}); took effect: {}\n",
            means.cause,
            means.remedy,
            automatic_words(means.automatic),
            means.effect,
        ),
    );
    if !rule.advice.is_empty() {
        put(page, format_args!("- **Do** {}\n", rule.advice));
    }
    if !rule.never.is_empty() {
        put(page, format_args!("- **Never** {}\n", rule.never));
    }
    if rule.services.len() > 1 {
        let others: Vec<_> = rule
            .services
            .iter()
            .skip(1)
            .map(|one| one.as_str())
            .collect();
        put(page, format_args!("- **Also for** {}\n", others.join(", ")));
    }
    for (at, source) in rule.sources.iter().enumerate() {
        let start = if at == 0 { "- **Written at** " } else { "  " };
        put(page, format_args!("{start}<{source}>\n"));
    }
    page.push('\n');
}

/// The page `docs/portal-versus-api.md`.
pub fn portal_page() -> String {
    let mut page = format!(
        "{NOTE}\n\n# Portal versus API\n\n\
The same wish can end differently through a portal and through the API. Each difference below was \
reported in public; the addresses say where. None of them is a promise of the service, so verify \
before you build on one. For each, a test on a simulated \
service is named; where there are two doors, it shows both side by side.\n\n"
    );
    for difference in DIFFERENCES {
        let (title, portal) = (difference.title, difference.portal);
        put(
            &mut page,
            format_args!("## {}: {title}\n\n", difference.service),
        );
        put(
            &mut page,
            format_args!("- **Portal** {portal}\n- **API** {}\n", difference.api),
        );
        put(&mut page, format_args!("- **So** {}\n", difference.so));
        for (at, source) in difference.sources.iter().enumerate() {
            let start = if at == 0 { "- **Written at** " } else { "  " };
            put(&mut page, format_args!("{start}<{source}>\n"));
        }
        shown_by(&mut page, difference);
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The tests that show both doors.
fn shown_by(page: &mut String, difference: &Difference) {
    for (at, test) in difference.shown_by.iter().enumerate() {
        let start = if at == 0 { "- **Shown by** " } else { "  " };
        put(page, format_args!("{start}`{test}`\n"));
    }
}
