//! The playbook as a whole: names, sources, examples, reach.

use std::collections::BTreeSet;

use crate::domain::conflict::{
    Answer, Automatic, Cause, Codes, Remedy, Rule, Service, classify, defaults, find_rule,
    playbook, rules_of,
};

fn all_rules() -> impl Iterator<Item = &'static Rule> {
    playbook().chain(defaults())
}

#[test]
fn every_rule_recognises_its_own_example_in_each_of_its_services() {
    for rule in all_rules() {
        let services = if rule.services.is_empty() {
            Service::ALL
        } else {
            rule.services
        };
        // The first service is the rule's home; a service that shares it may know better.
        let home = services.first().into_iter();
        for service in home {
            let example = rule.example;
            let got = classify(&Answer {
                service: *service,
                operation: example.operation,
                status: example.status,
                headers: example.headers,
                body: example.body.as_bytes(),
            });
            assert_eq!(got.rule, rule.id, "{service}: {got:?}");
            assert_eq!(got.cause, rule.means.cause, "{}", rule.id);
        }
    }
}

#[test]
fn every_rule_has_a_name_of_its_own_a_source_and_a_reason() {
    let mut seen = BTreeSet::new();
    for rule in all_rules() {
        let id = rule.id;
        assert!(seen.insert(id), "{id} stands twice");
        assert!(find_rule(id).is_some_and(|found| found == rule), "{id}");
        let home = id.split('/').next().unwrap_or_default();
        let is_home = match rule.services.first() {
            None => home == "generic",
            Some(service) => home == service.as_str() || home == "graph",
        };
        assert!(is_home, "{id} does not say its service");
        assert!(!rule.sources.is_empty(), "{id} has no source");
        for source in rule.sources {
            assert!(source.starts_with("https://"), "{id}: {source}");
        }
        assert!(rule.why.ends_with('.'), "{id} does not say why");
        assert!((100..600).contains(&rule.example.status), "{id}");
    }
}

#[test]
fn every_text_pattern_is_in_the_form_in_which_texts_are_searched() {
    for rule in all_rules() {
        for pattern in rule.text {
            assert_eq!(*pattern, pattern.to_lowercase(), "{}", rule.id);
            assert!(!pattern.contains("  "), "{}: {pattern:?}", rule.id);
            let letters = pattern.chars().filter(char::is_ascii_alphanumeric).count();
            assert!(letters >= 8, "{}: {pattern:?} says too little", rule.id);
        }
    }
}

#[test]
fn already_exists_never_rests_on_a_status_or_on_any_code() {
    for rule in all_rules().filter(|rule| rule.means.cause == Cause::AlreadyExists) {
        match rule.codes {
            Codes::OneOf(codes) => assert!(!codes.is_empty(), "{}", rule.id),
            Codes::OneOfOrNone(_) => assert!(!rule.text.is_empty(), "{}", rule.id),
            Codes::Any => panic!("{} would say so whatever the code", rule.id),
        }
        assert_eq!(rule.means.automatic, Automatic::AfterCompare, "{}", rule.id);
    }
}

#[test]
fn what_a_human_must_decide_is_never_automatic() {
    for rule in all_rules() {
        let by_hand = matches!(rule.means.remedy, Remedy::Escalate | Remedy::FixRequest);
        if by_hand {
            assert_eq!(rule.means.automatic, Automatic::No, "{}", rule.id);
        }
    }
}

#[test]
fn every_service_has_rules_of_its_own_and_every_rule_is_asked() {
    let mut asked = BTreeSet::new();
    for service in Service::ALL {
        let own = rules_of(*service).filter(|rule| rule.services.first() == Some(service));
        assert!(own.count() > 0, "{service} has no rules");
        asked.extend(rules_of(*service).map(|rule| rule.id));
    }
    let playbook: BTreeSet<_> = playbook().map(|rule| rule.id).collect();
    assert_eq!(asked, playbook);
}

#[test]
fn every_cause_and_every_remedy_can_be_reached() {
    for cause in Cause::ALL {
        let reached = all_rules().any(|rule| rule.means.cause == *cause);
        assert!(reached, "no rule says {cause}");
    }
    for remedy in Remedy::ALL {
        let reached = all_rules().any(|rule| rule.means.remedy == *remedy);
        assert!(reached, "no rule says {remedy}");
    }
}
