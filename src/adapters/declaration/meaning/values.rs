//! Values that stand in subscriptions and in their defaults.

use std::ops::Range;

use super::super::diagnostic::Findings;
use super::super::wire::{self, At};
use super::tenants::{self, Tenants};
use crate::domain::duration;
use crate::domain::spelling::did_you_mean;
use crate::domain::subscription::{ChangeType, ChangeTypes, Lifetime};

/// "did you mean" and the allowed words, in one text.
pub(super) fn advice(word: &str, allowed: &[&str]) -> String {
    let guess = did_you_mean(word, allowed.iter().copied());
    let all = format!("allowed: {}", allowed.join(", "));
    match guess.is_empty() {
        true => all,
        false => format!("{guess} {all}"),
    }
}

/// The defaults, read once so that a fault in them is reported once.
pub(super) struct Defaults<'f> {
    pub(super) tenant: Option<&'f At<String>>,
    pub(super) change_types: Option<(ChangeTypes, Range<usize>)>,
    pub(super) lifetime: Option<(Lifetime, Range<usize>)>,
    pub(super) lifecycle: Option<&'f At<bool>>,
    pub(super) because: Option<String>,
}

impl<'f> Defaults<'f> {
    pub(super) fn read(
        table: &'f wire::Defaults,
        tenants: &Tenants,
        findings: &mut Findings<'_>,
    ) -> Self {
        let path = "defaults";
        let tenant = table.tenant.as_ref();
        if let Some(at) = tenant {
            tenants::known(at, path, tenants, findings);
        }
        Self {
            tenant,
            change_types: table
                .change_types
                .as_ref()
                .and_then(|at| change_types(at, path, findings)),
            lifetime: table
                .lifetime
                .as_ref()
                .and_then(|at| lifetime(at, path, findings)),
            lifecycle: table.lifecycle.as_ref(),
            because: because(table.because.as_ref(), path, findings),
        }
    }
}

/// The human decision, in one line.
pub(super) fn because(
    at: Option<&At<String>>,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let at = at?;
    let text = at.value.trim();
    let fits = (1..=300).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !fits {
        findings
            .error(
                "bad-value",
                Some(at.span.clone()),
                &format!("{path}.because"),
                "the text is empty, too long, or more than one line",
            )
            .help("write 1 to 300 characters, such as \"https://tickets.contoso.com/4711\"");
    }
    fits.then(|| text.to_owned())
}

pub(super) fn change_types(
    at: &At<Vec<At<String>>>,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<(ChangeTypes, Range<usize>)> {
    let key = format!("{path}.change_types");
    let mut set = ChangeTypes::default();
    let mut good = true;
    for word in &at.value {
        match ChangeType::parse(&word.value) {
            Some(one) => set = set.with(one),
            None => {
                good = false;
                let words = ChangeType::ALL.map(ChangeType::as_str);
                findings
                    .error(
                        "bad-value",
                        Some(word.span.clone()),
                        &key,
                        format!("{:?} is no change type", word.value),
                    )
                    .help(advice(&word.value, &words));
            }
        }
    }
    if at.value.is_empty() && !findings.has_wrong_type(&key) {
        good = false;
        findings
            .error(
                "bad-value",
                Some(at.span.clone()),
                &key,
                "no change type is named",
            )
            .help("allowed: created, updated, deleted");
    }
    (good && !set.is_empty()).then(|| (set, at.span.clone()))
}

pub(super) fn lifetime(
    at: &At<String>,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<(Lifetime, Range<usize>)> {
    let key = format!("{path}.lifetime");
    if at.value == "max" {
        return Some((Lifetime::Max, at.span.clone()));
    }
    match duration::parse(&at.value) {
        Ok(length) if length.is_zero() => {
            findings
                .error(
                    "bad-value",
                    Some(at.span.clone()),
                    &key,
                    "a lifetime of nothing",
                )
                .help("write \"max\", or a length such as \"3d\"");
            None
        }
        Ok(length) => Some((Lifetime::Exactly(length), at.span.clone())),
        Err(why) => {
            findings
                .error("bad-value", Some(at.span.clone()), &key, why.to_string())
                .help("or write \"max\" for a margin below the longest that Graph allows");
            None
        }
    }
}
