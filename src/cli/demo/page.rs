//! The page on which the story is told: prose, calls and claims, at most 100 columns wide.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};

use super::story::{Claim, Post};
use super::wishes::{name_of, short_id, short_resource};
use crate::sim::calls::CallRecord;
use crate::sim::request::Op;

/// Columns of prose.
const WIDTH: usize = 96;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Where the story is told to people; silent where programs read it.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Page {
    is_silent: bool,
}

impl Page {
    pub(in crate::cli) fn of_text() -> Self {
        Self { is_silent: false }
    }

    pub(super) fn silent() -> Self {
        Self { is_silent: true }
    }

    pub(super) fn title(self, number: usize, title: &str) {
        self.text(&format!("\n{BOLD}{number}. {title}{BOLD:#}"));
    }

    pub(super) fn prose(self, words: &str) {
        self.text(&wrapped(words, WIDTH, "   "));
    }

    pub(super) fn calls(self, calls: &[CallRecord]) {
        for call in calls {
            let time = call.at.get(11..19).unwrap_or("");
            let line = line_of(call, &subject_of(call));
            self.text(&format!("   {DIM}{time}  {line}{DIM:#}"));
        }
    }

    pub(super) fn posts(self, posts: &[Post]) {
        for post in posts {
            let time = post.at.get(11..19).unwrap_or("");
            let to = format!("Graph → {}", post.to);
            let (subject, items) = (&post.subject, post.items);
            let answer = format!("{}, {items} item{}", post.answer, plural(items));
            self.text(&format!(
                "   {DIM}{time}  {to:<30} {subject:<15} {answer}{DIM:#}"
            ));
        }
    }

    pub(super) fn claim(self, claim: &Claim) {
        let (style, mark) = if claim.ok {
            (GOOD, '✓')
        } else {
            (BAD, '✗')
        };
        let words = wrapped(&claim.claim, WIDTH, "     ");
        self.text(&format!("   {style}{mark}{style:#} {}", words.trim_start()));
        if !claim.ok {
            self.text(&wrapped(
                &format!("expected: {}", claim.expected),
                WIDTH,
                "       ",
            ));
            self.text(&wrapped(
                &format!("seen:     {}", claim.seen),
                WIDTH,
                "       ",
            ));
        }
    }

    pub(super) fn broken(self, why: &str) {
        let words = wrapped(why, WIDTH, "     ");
        self.text(&format!("   {BAD}✗{BAD:#} {}", words.trim_start()));
    }

    /// Prints text as it is. A reader that went away (`| head`) is no failure of the story.
    pub(in crate::cli) fn text(self, text: &str) {
        if !self.is_silent {
            let _ = writeln!(anstream::stdout().lock(), "{text}");
        }
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// The name that the story gives what a call is about.
fn subject_of(call: &CallRecord) -> String {
    let resource = call.resource.as_deref();
    resource.map_or_else(String::new, |resource| {
        name_of(resource).map_or_else(|| short_resource(resource, 20), str::to_owned)
    })
}

/// One call as one line: what was asked about what, and what was answered.
pub(in crate::cli) fn line_of(call: &CallRecord, subject: &str) -> String {
    let id = call.id.as_deref().map(short_id).unwrap_or_default();
    let target = match call.operation {
        Op::Create => "POST   /subscriptions".to_owned(),
        Op::List => "GET    /subscriptions".to_owned(),
        Op::Get => format!("GET    /subscriptions/{id}"),
        Op::Renew => format!("PATCH  /subscriptions/{id}"),
        Op::Reauthorize => format!("POST   /subscriptions/{id}/reauthorize"),
        Op::Delete => format!("DELETE /subscriptions/{id}"),
    };
    let mut answer = match (call.status, call.lost) {
        (Some(status), _) => status.to_string(),
        (None, true) => "the answer was lost".to_owned(),
        (None, false) => "unanswered".to_owned(),
    };
    if let Some(code) = &call.code {
        answer.push_str(&format!(" {code}"));
    }
    if call.operation == Op::Create && !id.is_empty() {
        answer.push_str(&format!(" {id}"));
    }
    let echoes = call.handshakes.len();
    if echoes > 0 {
        answer.push_str(&format!(" ({echoes} validated)"));
    }
    format!("{target:<30} {subject:<15} {answer}")
        .trim_end()
        .to_owned()
}

/// Prose in lines of at most `width` columns, each after `indent`.
pub(super) fn wrapped(words: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in words.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        let is_first = last == indent.len();
        if !is_first && last + 1 + word.chars().count() > width {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: Op) -> CallRecord {
        CallRecord {
            number: 1,
            at: "2026-03-02T08:05:00.01Z".to_owned(),
            operation,
            tenant: None,
            app: None,
            id: Some("4f1c2d3e-0000-4000-8000-000000000000".to_owned()),
            resource: Some("users".to_owned()),
            status: Some(201),
            code: None,
            lost: false,
            fault: None,
            request_id: String::new(),
            handshakes: Vec::new(),
        }
    }

    #[test]
    fn a_call_is_one_line_that_fits_the_page() {
        let mut one = call(Op::Create);
        assert_eq!(
            line_of(&one, &subject_of(&one)),
            "POST   /subscriptions          people          201 4f1c2d3e"
        );
        one.operation = Op::Renew;
        one.status = Some(429);
        one.code = Some("ObjectIdentifierInUse".to_owned());
        one.resource = Some("x".repeat(200));
        let line = line_of(&one, &subject_of(&one));
        assert!(line.chars().count() <= 80, "{line}");
        one.status = None;
        assert!(line_of(&one, "").contains("unanswered"));
    }

    #[test]
    fn prose_is_wrapped_at_words() {
        assert_eq!(wrapped("a bb ccc dddd", 9, "  "), "  a bb\n  ccc\n  dddd");
        assert_eq!(
            wrapped("longerthanwidth b", 9, "  "),
            "  longerthanwidth\n  b"
        );
    }
}
