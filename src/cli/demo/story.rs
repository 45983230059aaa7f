//! The story as it is told: steps, what was seen on the wire, and claims that are checked.

use std::fmt::Display;

use serde::Serialize;

use super::page::Page;
use crate::sim::calls::CallRecord;

/// One claim, with what was expected and what was seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Claim {
    /// The claim, as a sentence.
    pub(super) claim: String,
    /// Whether it was seen to be true.
    pub(super) ok: bool,
    /// What should have been seen.
    pub(super) expected: String,
    /// What was seen.
    pub(super) seen: String,
}

/// One POST of Graph to the host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Post {
    /// On the virtual clock.
    pub(super) at: String,
    /// The path.
    pub(super) to: String,
    /// What it is about.
    pub(super) subject: String,
    pub(super) items: usize,
    /// The status of the last answer.
    pub(super) answer: String,
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Step {
    pub(super) number: usize,
    pub(super) title: String,
    /// What happens, in words.
    pub(super) told: Vec<String>,
    /// Graph's own log of calls, in the order in which they came.
    pub(super) wire: Vec<CallRecord>,
    /// What Graph posted.
    pub(super) posts: Vec<Post>,
    pub(super) claims: Vec<Claim>,
}

/// Everything told so far.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) steps: Vec<Step>,
    /// Why the story could not be told to its end.
    pub(super) broke_off: Option<String>,
    page: Page,
}

impl Story {
    pub(super) fn begin(page: Page) -> Self {
        Self {
            steps: Vec::new(),
            broke_off: None,
            page,
        }
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: &str) {
        let step = Step {
            number: self.steps.len() + 1,
            title: title.to_owned(),
            told: Vec::new(),
            wire: Vec::new(),
            posts: Vec::new(),
            claims: Vec::new(),
        };
        self.page.title(step.number, title);
        self.steps.push(step);
    }

    /// Says what happens, or what was seen beside the calls of Graph.
    pub(super) fn tell(&mut self, words: impl Into<String>) {
        let words = words.into();
        self.page.prose(&words);
        self.change(|step| step.told.push(words));
    }

    /// Shows calls of Graph.
    pub(super) fn wire(&mut self, calls: &[CallRecord]) {
        self.page.calls(calls);
        self.change(|step| step.wire.extend_from_slice(calls));
    }

    /// Shows what Graph posted.
    pub(super) fn posts(&mut self, posts: Vec<Post>) {
        self.page.posts(&posts);
        self.change(|step| step.posts.extend(posts));
    }

    /// A claim that holds if what was seen is what was expected.
    pub(super) fn same<T: PartialEq + Display>(
        &mut self,
        claim: impl Into<String>,
        expected: &T,
        seen: &T,
    ) {
        let ok = expected == seen;
        self.claim(claim, ok, expected, seen);
    }

    /// A claim that was checked by the caller.
    pub(super) fn claim(
        &mut self,
        claim: impl Into<String>,
        ok: bool,
        expected: impl Display,
        seen: impl Display,
    ) {
        let claim = Claim {
            claim: claim.into(),
            ok,
            expected: expected.to_string(),
            seen: seen.to_string(),
        };
        self.page.claim(&claim);
        self.change(|step| step.claims.push(claim));
    }

    /// The story cannot go on.
    pub(super) fn break_off(&mut self, why: String) {
        self.page.broken(&why);
        self.broke_off = Some(why);
    }

    /// Prints text as it is, where people read.
    pub(super) fn show(&self, text: &str) {
        self.page.text(text);
    }

    /// How many claims were checked, and how many of them were true.
    pub(super) fn score(&self) -> (usize, usize) {
        let claims = self.steps.iter().flat_map(|step| &step.claims);
        claims.fold((0, 0), |(all, good), claim| {
            (all + 1, good + usize::from(claim.ok))
        })
    }

    /// True only for a whole story whose every claim, and at least one in each step, was true.
    pub(super) fn is_true(&self) -> bool {
        let (all, good) = self.score();
        let each = self.steps.iter().all(|step| !step.claims.is_empty());
        self.broke_off.is_none() && all > 0 && all == good && each
    }

    fn change(&mut self, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.last_mut() {
            change(step);
        }
    }
}

/// Names in order, for claims about sets.
pub(super) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let mut names: Vec<String> = names
        .into_iter()
        .map(|name| name.as_ref().to_owned())
        .collect();
    names.sort();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Story {
        Story::begin(Page::silent())
    }

    #[test]
    fn a_story_is_true_only_if_every_claim_is() {
        let mut story = story();
        assert!(!story.is_true(), "nothing was claimed");
        story.step("one");
        story.same("two and two", &4, &(2 + 2));
        assert!(story.is_true());
        story.same("two and two", &5, &(2 + 2));
        assert!(!story.is_true());
        assert_eq!(story.score(), (2, 1));
        let claim = &story.steps[0].claims[1];
        assert_eq!((claim.expected.as_str(), claim.seen.as_str()), ("5", "4"));
    }

    #[test]
    fn a_step_without_a_claim_proves_nothing() {
        let mut story = story();
        story.step("one");
        story.same("it holds", &1, &1);
        story.step("two");
        story.tell("and so on");
        assert!(!story.is_true());
    }

    #[test]
    fn a_story_that_broke_off_is_not_true() {
        let mut story = story();
        story.step("one");
        story.same("it holds", &1, &1);
        story.break_off("the lights went out".to_owned());
        assert!(!story.is_true());
    }

    #[test]
    fn names_are_listed_in_order() {
        assert_eq!(listed(["b", "a"]), "a, b");
        assert_eq!(listed(Vec::<String>::new()), "none");
    }
}
