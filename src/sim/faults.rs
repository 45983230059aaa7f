//! Faults: planned ones by rule, and ones by chance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::request::Op;
use super::settings::Chances;

/// What goes wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// The connection ends before the call takes effect.
    LoseBefore,
    /// The connection ends after the call took effect.
    LoseAfter,
    /// The call cannot be sent. Over HTTP the same as `lose_before`.
    Unreachable,
    /// A refusal, without effect.
    Answer(Injected),
    /// A refusal although the call took effect.
    AnswerAfter(Injected),
    /// The call waits this long (real time) before it takes effect.
    HoldBefore {
        /// Milliseconds.
        ms: u64,
    },
    /// The reply waits this long (real time) after the call took effect.
    HoldReply {
        /// Milliseconds.
        ms: u64,
    },
    /// A list page leaves its first row out.
    HideRow,
    /// A list page is empty, and its link leads on to what it should have shown.
    EmptyPage,
    /// A list page links to this address.
    NextLink {
        /// Where to.
        url: String,
    },
    /// 308 to this address.
    Redirect {
        /// Where to.
        location: String,
    },
    /// A success whose body is this text.
    Body {
        /// Anything.
        text: String,
    },
}

impl Effect {
    /// The word of logs and counters.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::LoseBefore => "lose_before",
            Self::LoseAfter => "lose_after",
            Self::Unreachable => "unreachable",
            Self::Answer(_) => "answer",
            Self::AnswerAfter(_) => "answer_after",
            Self::HoldBefore { .. } => "hold_before",
            Self::HoldReply { .. } => "hold_reply",
            Self::HideRow => "hide_row",
            Self::EmptyPage => "empty_page",
            Self::NextLink { .. } => "next_link",
            Self::Redirect { .. } => "redirect",
            Self::Body { .. } => "body",
        }
    }
}

/// An injected refusal. What is left out is what Graph was seen to say for the status.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injected {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Graph's code.
    #[serde(default)]
    pub code: Option<String>,
    /// Graph's message.
    #[serde(default)]
    pub message: Option<String>,
    /// Value of `Retry-After`, any text; `""` sends none.
    #[serde(default)]
    pub retry_after: Option<String>,
}

impl Injected {
    /// A status with Graph's typical words.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            code: None,
            message: None,
            retry_after: None,
        }
    }

    /// The refusal.
    pub fn refusal(&self, op: Op) -> Refusal {
        let mut refusal = Refusal::typical(self.status, op.extension_word());
        if let Some(code) = &self.code {
            refusal.code.clone_from(code);
        }
        if let Some(message) = &self.message {
            refusal.message.clone_from(message);
        }
        match self.retry_after.as_deref() {
            None => {}
            Some("") => refusal.retry_after = None,
            Some(text) => refusal.retry_after = Some(text.to_owned()),
        }
        refusal
    }
}

/// Which calls fail, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which operation; any where left out.
    #[serde(default)]
    pub operation: Option<Op>,
    /// Which tenant.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Which application.
    #[serde(default)]
    pub app: Option<String>,
    /// Which kind of resource, such as `message`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Which subscription.
    #[serde(default)]
    pub id: Option<String>,
    /// A text that the resource contains.
    #[serde(default)]
    pub resource: Option<String>,
    /// The first call that fails, counted among those that fit, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls fail from there on; 0 means all.
    #[serde(default = "one")]
    pub times: u64,
    /// What goes wrong.
    pub effect: Effect,
}

fn one() -> u64 {
    1
}

impl Rule {
    /// The next call of the operation fails.
    pub fn next(operation: Op, effect: Effect) -> Self {
        Self {
            operation: Some(operation),
            tenant: None,
            app: None,
            kind: None,
            id: None,
            resource: None,
            nth: 1,
            times: 1,
            effect,
        }
    }

    fn fits(&self, call: &Traits<'_>) -> bool {
        let same = |wanted: &Option<String>, got: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| got.is_some_and(|got| got.eq_ignore_ascii_case(wanted)))
        };
        self.operation.is_none_or(|op| op == call.op)
            && same(&self.tenant, call.tenant)
            && same(&self.app, call.app)
            && same(&self.kind, call.kind)
            && same(&self.id, call.id)
            && self.resource.as_deref().is_none_or(|part| {
                call.resource
                    .is_some_and(|resource| resource.contains(part))
            })
    }
}

/// What a rule can go by.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Rule`")]
pub struct Traits<'a> {
    pub op: Op,
    pub tenant: Option<&'a str>,
    pub app: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub id: Option<&'a str>,
    pub resource: Option<&'a str>,
}

/// A rule in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Armed {
    /// Its number, to remove it by.
    pub number: u64,
    /// The rule.
    pub rule: Rule,
    /// Calls that fitted.
    pub seen: u64,
    /// Calls that failed by it.
    pub fired: u64,
}

/// The rules in force, and what has happened.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Armed>,
    last_number: u64,
    /// How often each effect really happened, planned or by chance.
    pub fired: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Arms a rule; answers its number.
    pub fn arm(&mut self, rule: Rule) -> u64 {
        self.last_number += 1;
        self.rules.push(Armed {
            number: self.last_number,
            rule,
            seen: 0,
            fired: 0,
        });
        self.last_number
    }

    /// The rules, spent ones included.
    pub fn rules(&self) -> &[Armed] {
        &self.rules
    }

    /// Removes one rule; answers whether there was one.
    pub fn disarm(&mut self, number: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|armed| armed.number != number);
        self.rules.len() != before
    }

    /// Removes every rule.
    pub fn disarm_all(&mut self) {
        self.rules.clear();
    }

    /// What goes wrong with a call: the first rule that fires, else chance. Every rule that
    /// fits counts the call.
    pub fn strike(
        &mut self,
        call: &Traits<'_>,
        chances: &Chances,
        rng: &mut fastrand::Rng,
    ) -> Option<Effect> {
        let mut effect = None;
        for armed in self.rules.iter_mut().filter(|armed| armed.rule.fits(call)) {
            armed.seen += 1;
            let (nth, times) = (armed.rule.nth.max(1), armed.rule.times);
            let due = armed.seen >= nth && (times == 0 || armed.seen < nth + times);
            if due && effect.is_none() {
                armed.fired += 1;
                effect = Some(armed.rule.effect.clone());
            }
        }
        let effect = effect.or_else(|| by_chance(call.op, chances, rng));
        if let Some(effect) = &effect {
            *self.fired.entry(effect.as_str()).or_default() += 1;
        }
        effect
    }
}

/// One draw for each call, so that the seed alone decides.
fn by_chance(op: Op, chances: &Chances, rng: &mut fastrand::Rng) -> Option<Effect> {
    if *chances == Chances::default() {
        return None;
    }
    let answer = |status: u16, retry_after: Option<&str>| {
        Effect::Answer(Injected {
            retry_after: retry_after.map(str::to_owned),
            ..Injected::status(status)
        })
    };
    let mut draw = rng.u16(0..1000);
    let wait = rng.u16(1..=30).to_string();
    let table = [
        (chances.lose_before, Effect::LoseBefore),
        (chances.lose_after, Effect::LoseAfter),
        (chances.unreachable, Effect::Unreachable),
        (chances.throttle, answer(429, Some(&wait))),
        (chances.throttle_silent, answer(429, Some(""))),
        (chances.server_error, answer(500, None)),
        (
            chances.server_error_after,
            Effect::AnswerAfter(Injected::status(500)),
        ),
        (chances.unavailable, answer(503, None)),
        (only(op == Op::Renew, chances.false_gone), answer(404, None)),
        (only(op == Op::List, chances.hide_row), Effect::HideRow),
    ];
    for (chance, effect) in table {
        if draw < chance {
            return Some(effect);
        }
        draw -= chance;
    }
    None
}

fn only(applies: bool, chance: u16) -> u16 {
    if applies { chance } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(op: Op) -> Traits<'static> {
        Traits {
            op,
            tenant: Some("t"),
            app: Some("default"),
            kind: Some("message"),
            id: None,
            resource: Some("users/a/messages"),
        }
    }

    #[test]
    fn a_rule_strikes_the_nth_call_that_fits_and_then_rests() {
        let mut faults = Faults::default();
        let mut rng = fastrand::Rng::with_seed(1);
        let rule = Rule {
            nth: 2,
            kind: Some("message".into()),
            ..Rule::next(Op::Create, Effect::LoseAfter)
        };
        faults.arm(rule);
        let mut struck = Vec::new();
        for op in [Op::List, Op::Create, Op::Create, Op::Create] {
            let effect = faults.strike(&call(op), &Chances::default(), &mut rng);
            struck.push(effect.is_some());
        }
        assert_eq!(struck, [false, false, true, false]);
        assert_eq!(faults.fired["lose_after"], 1);
        assert_eq!(faults.rules()[0].seen, 3);
    }

    #[test]
    fn chance_follows_the_seed() {
        let chances = Chances {
            lose_after: 300,
            throttle: 300,
            ..Chances::default()
        };
        let run = |seed| {
            let (mut faults, mut rng) = (Faults::default(), fastrand::Rng::with_seed(seed));
            let effects: Vec<_> = (0..200)
                .map(|_| faults.strike(&call(Op::Renew), &chances, &mut rng))
                .collect();
            (effects, faults.fired)
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7).0, run(8).0);
        assert!(run(7).1["lose_after"] > 20);
    }

    #[test]
    fn a_rule_reads_from_json_and_names_what_is_wrong() {
        let text =
            r#"{"operation":"create","effect":{"answer":{"status":429,"retry_after":"2.128"}}}"#;
        let rule: Rule = serde_json::from_str(text).unwrap();
        assert!(matches!(&rule.effect, Effect::Answer(answer)
            if answer.refusal(Op::Create).retry_after.as_deref() == Some("2.128")));
        for bad in [r#"{"operation":"create"}"#, r#"{"effect":"explode"}"#] {
            assert!(serde_json::from_str::<Rule>(bad).is_err());
        }
    }
}
