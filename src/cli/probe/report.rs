//! The report: for people, and for programs.

use std::fmt::Write as _;

use serde::Serialize;
use url::Url;

use super::case::{Finding, Verdict};

/// Everything that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The target, without user name, password and the values of its query: those are keys.
    pub url: String,
    /// Requests sent.
    pub requests: u32,
    /// Cases as expected.
    pub passed: usize,
    /// Cases with a warning.
    pub warned: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Every case, in the order of the run.
    pub cases: Vec<Finding>,
}

impl Report {
    pub(super) fn new(url: Url, cases: Vec<Finding>, requests: u32) -> Self {
        let count = |verdict| cases.iter().filter(|one| one.verdict == verdict).count();
        Self {
            url: without_secrets(url),
            requests,
            passed: count(Verdict::Pass),
            warned: count(Verdict::Warn),
            failed: count(Verdict::Fail),
            cases,
        }
    }

    /// Whether every case passed, or at most warned.
    pub fn is_clean(&self, allow_warnings: bool) -> bool {
        self.failed == 0 && (allow_warnings || self.warned == 0)
    }

    /// For programs: one line of JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    /// For people: a line for each case, more for those that did not pass.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.url);
        for case in &self.cases {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}  {}", case.verdict.as_str(), case.id);
            if case.verdict != Verdict::Pass {
                let _ = write!(
                    text,
                    "      expected  {}\n      seen      {}\n      because   {}\n                {}\n",
                    case.expected, case.seen, case.says, case.source
                );
            }
        }
        let _ = writeln!(
            text,
            "\n{} passed, {} warned, {} failed; {} requests",
            self.passed, self.warned, self.failed, self.requests
        );
        text
    }
}

fn without_secrets(mut url: Url) -> String {
    let names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    url.set_query(None);
    for name in names {
        url.query_pairs_mut().append_pair(&name, "...");
    }
    // Only addresses without a host refuse this, and they were refused before.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_the_address_are_not_repeated() {
        let url: Url = "https://me:secret@app.example/api/n?code=secret&b=secret"
            .parse()
            .unwrap();
        let text = Report::new(url, Vec::new(), 0).text();
        assert!(text.contains("app.example/api/n?code=...&b=..."), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
