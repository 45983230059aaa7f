//! What holds for the classifier whatever comes in.
#![allow(clippy::unwrap_used, reason = "test file")]

use std::collections::BTreeSet;

use evergraph::domain::conflict::{
    Answer, Cause, Codes, Operation, Rule, Service, Verdict, classify, defaults, playbook,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

fn service() -> impl Strategy<Value = Service> {
    select(Service::ALL)
}

fn operation() -> impl Strategy<Value = Operation> {
    select(Operation::ALL)
}

fn rules() -> Vec<&'static Rule> {
    playbook().chain(defaults()).collect()
}

fn json_rules() -> Vec<&'static Rule> {
    let is_json = |rule: &&Rule| serde_json::from_str::<Value>(rule.example.body).is_ok();
    rules().into_iter().filter(is_json).collect()
}

fn home(rule: &Rule) -> Service {
    rule.services.first().copied().unwrap_or(Service::Arm)
}

fn classify_as(rule: &Rule, headers: &[(&str, &str)], body: &[u8]) -> Verdict {
    classify(&Answer {
        service: home(rule),
        operation: rule.example.operation,
        status: rule.example.status,
        headers,
        body,
    })
}

/// Pieces of which hostile bodies are made.
fn shard() -> impl Strategy<Value = String> {
    let known = select(
        &[
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\",
            "\\\"",
            ":",
            ",",
            "<",
            ">",
            "</",
            "&",
            "&#",
            "<![CDATA[",
            "]]>",
            "\"code\":",
            "\"message\":",
            "\"error\":{",
            "\"details\":[",
            "\"innererror\":{",
            "\"responses\":[",
            "\"status\":409",
            "\"statusCode\":424",
            "<Error><Code>",
            "</Code>",
            "<Message>",
            "[Status Code:",
            "; Reason:",
            "SubCode=",
            "substatus:",
            "Subscription Id ",
            "already exists",
            "retry after ",
            "can be retried in 9",
            " seconds",
            "null",
            "1e999",
            "\u{feff}",
            "\u{0}",
            "\r\n",
            "é",
            "🙂",
        ][..],
    )
    .prop_map(str::to_owned);
    prop_oneof![4 => known, 1 => ".{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_a_verdict(
        service in service(),
        operation in operation(),
        status in any::<u16>(),
        name in ".{0,24}",
        value in ".{0,24}",
        body in proptest::collection::vec(any::<u8>(), 0..512),
    ) {
        let headers = [(name.as_str(), value.as_str()), ("Retry-After", value.as_str()), ("Date", value.as_str())];
        let answer = Answer { service, operation, status, headers: &headers, body: &body };
        prop_assert!(classify(&answer).sources.iter().all(|source| source.starts_with("https://")));
    }

    #[test]
    fn hostile_bodies_get_a_verdict_and_no_holder_of_a_wrong_shape(
        service in service(),
        operation in operation(),
        status in select(&[200_u16, 400, 403, 409, 412, 429, 500, 503][..]),
        shards in proptest::collection::vec(shard(), 0..60),
    ) {
        let body = shards.concat();
        let got = classify(&Answer { service, operation, status, headers: &[], body: body.as_bytes() });
        if let Some(holder) = got.holder {
            prop_assert!(holder.len() <= 1024 && holder.chars().all(|c| c.is_ascii_graphic()));
        }
        prop_assert!(got.words.chars().count() <= 512);
    }

    #[test]
    fn a_code_that_no_rule_knows_is_never_already_exists(
        service in service(),
        operation in operation(),
        code in "[A-Za-z]{1,24}",
        message in select(messages()),
    ) {
        prop_assume!(!existence_codes().contains(code.as_str()));
        let body = serde_json::json!({ "error": { "code": code, "message": message } }).to_string();
        let got = classify(&Answer { service, operation, status: 409, headers: &[], body: body.as_bytes() });
        prop_assert_ne!(got.cause, Cause::AlreadyExists, "{:?}", got);
    }

    #[test]
    fn a_mutated_code_never_becomes_already_exists(
        rule in select(existence_rules()),
        which in any::<Index>(),
        at in any::<Index>(),
        letter in select(('a'..='z').chain('A'..='Z').chain('0'..='9').collect::<Vec<_>>()),
        edit in 0..4_u8,
    ) {
        let codes = own_codes(rule);
        let code = codes[which.index(codes.len())];
        let mutated = mutate(code, at, letter, edit);
        prop_assume!(mutated != code && !existence_codes().contains(mutated.as_str()));
        let body = rule.example.body.replace(code, &mutated);
        prop_assume!(body != rule.example.body);
        let got = classify_as(rule, rule.example.headers, body.as_bytes());
        prop_assert_ne!(got.cause, Cause::AlreadyExists, "{} in {}", mutated, body);
    }

    #[test]
    fn neither_the_order_of_fields_nor_unknown_ones_change_the_verdict(
        rule in select(json_rules()),
        seed in any::<u64>(),
        unknown in select(&[
            "null", "409", "\"BlobAlreadyExists\"", "[{\"code\":\"ObjectConflict\"}]",
            "{\"code\":\"nameAlreadyExists\",\"message\":\"team already exists\",\"error\":{\"code\":\"ScopeLocked\"}}",
        ][..]),
    ) {
        let value: Value = serde_json::from_str(rule.example.body).unwrap();
        let mut body = String::new();
        write_disturbed(&value, unknown, &mut Shuffle(seed), &mut body);
        let got = classify_as(rule, rule.example.headers, body.as_bytes());
        let want = classify_as(rule, rule.example.headers, rule.example.body.as_bytes());
        prop_assert_eq!(got, want, "{}", body);
    }

    #[test]
    fn the_letter_case_of_headers_does_not_matter(rule in select(rules()), flips in any::<u64>(), wait in 0..100_u32) {
        let wait = wait.to_string();
        let mut headers = rule.example.headers.to_vec();
        headers.extend([("x-ms-error-code", "LeaseLost"), ("retry-after", wait.as_str())]);
        let flipped: Vec<_> = headers.iter().map(|(name, value)| (flip(name, flips), *value)).collect();
        let flipped: Vec<_> = flipped.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let body = rule.example.body.as_bytes();
        prop_assert_eq!(classify_as(rule, &flipped, body), classify_as(rule, &headers, body));
    }
}

#[test]
fn long_and_deep_bodies_end_soon() {
    let deep = |piece: &str| piece.repeat(400_000);
    for body in [
        deep("{"),
        deep("["),
        deep("\""),
        deep("\\"),
        deep("<a>"),
        deep("{\"error\":"),
        deep("[{\"details\":"),
        deep("&amp;"),
        deep("{\"message\":\"{"),
        format!("\"{}\"", deep("\\\"{\\\\\\\"code\\\"")),
        deep("x{}"),
        deep("can be retried in "),
        deep("[status code:"),
        deep("already exists "),
    ] {
        for service in [
            Service::GraphSubscriptions,
            Service::Cosmos,
            Service::Storage,
        ] {
            let answer = Answer {
                service,
                operation: Operation::Create,
                status: 409,
                headers: &[],
                body: body.as_bytes(),
            };
            assert_eq!(classify(&answer).cause, Cause::Unclassified);
        }
    }
}

/// Every rule that says "already exists" and whose example shows one of its codes.
fn existence_rules() -> Vec<&'static Rule> {
    let says_so =
        |rule: &&Rule| rule.means.cause == Cause::AlreadyExists && !own_codes(rule).is_empty();
    playbook().filter(says_so).collect()
}

/// The codes of a rule that its example shows.
fn own_codes(rule: &Rule) -> Vec<&'static str> {
    let (Codes::OneOf(codes) | Codes::OneOfOrNone(codes)) = rule.codes else {
        return Vec::new();
    };
    let shown = |code: &&str| {
        let body = rule.example.body;
        body.contains(&format!("\"{code}\"")) || body.contains(&format!(">{code}<"))
    };
    codes.iter().copied().filter(shown).collect()
}

fn existence_codes() -> BTreeSet<&'static str> {
    let of = |rule: &Rule| match rule.codes {
        Codes::OneOf(codes) | Codes::OneOfOrNone(codes) => codes,
        Codes::Any => &[],
    };
    let says_so = |rule: &&Rule| rule.means.cause == Cause::AlreadyExists;
    playbook()
        .filter(says_so)
        .flat_map(|rule| of(rule).iter().copied())
        .collect()
}

/// What rules look for in a text, completed to messages.
fn messages() -> Vec<String> {
    let filled = |pattern: &&str| pattern.replace('*', " 'x' ");
    playbook().flat_map(|rule| rule.text).map(filled).collect()
}

fn mutate(code: &str, at: Index, letter: char, edit: u8) -> String {
    let mut chars: Vec<char> = code.chars().collect();
    let here = at.index(chars.len());
    match edit {
        0 => chars[here] = letter,
        1 => chars.insert(here, letter),
        2 => {
            chars.remove(here);
        }
        _ => {
            chars[here] = if chars[here].is_uppercase() {
                chars[here].to_ascii_lowercase()
            } else {
                chars[here].to_ascii_uppercase()
            }
        }
    }
    chars.into_iter().collect()
}

fn flip(name: &str, flips: u64) -> String {
    let letter = |(at, c): (usize, char)| {
        if flips >> (at % 64) & 1 == 1 {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        }
    };
    name.chars().enumerate().map(letter).collect()
}

/// A small generator, so that one number describes a disturbance.
struct Shuffle(u64);

impl Shuffle {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Writes JSON with its fields in another order and an unknown field in every object. The
/// library's own map sorts, so the text is written by hand.
fn write_disturbed(value: &Value, unknown: &str, shuffle: &mut Shuffle, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<String> = vec![format!("\"zzUnknown\":{unknown}")];
            for (name, value) in map {
                let mut text = format!("{}:", Value::from(name.as_str()));
                write_disturbed(value, unknown, shuffle, &mut text);
                fields.insert(shuffle.below(fields.len() + 1), text);
            }
            out.push_str(&format!("{{{}}}", fields.join(",")));
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| {
                let mut text = String::new();
                write_disturbed(item, unknown, shuffle, &mut text);
                text
            });
            out.push_str(&format!("[{}]", items.collect::<Vec<_>>().join(",")));
        }
        other => out.push_str(&other.to_string()),
    }
}
