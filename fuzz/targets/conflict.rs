//! The classifier of conflicts: total, deterministic, blind to what must not matter, and never
//! sure that something exists where the answer is broken or says nothing.

use evergraph::domain::conflict::{
    Answer, Cause, Confidence, Operation, Service, Verdict, classify,
};

/// Longer inputs say nothing new.
const LONGEST: usize = 16 * 1024;

/// Checks one input: service, operation and status, then headers and a blank line, then the body.
pub fn run(data: &[u8]) {
    let Some(([service, operation, status], rest)) = data.split_first_chunk() else {
        return;
    };
    if data.len() > LONGEST {
        return;
    }
    let service = Service::ALL[usize::from(*service) % Service::ALL.len()];
    let operation = Operation::ALL[usize::from(*operation) % Operation::ALL.len()];
    let statuses = [409, 400, 403, 404, 412, 423, 429, 449, 500, 503, 200];
    let status = statuses[usize::from(*status) % statuses.len()];
    let cut = rest.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match cut {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (&rest[..0], rest),
    };
    let head = String::from_utf8_lossy(head);
    let headers: Vec<(&str, &str)> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    check(&Answer {
        service,
        operation,
        status,
        headers: &headers,
        body,
    });
}

fn check(answer: &Answer<'_>) {
    let verdict = classify(answer);
    assert_eq!(verdict, classify(answer), "twice the same answer");
    check_form(&verdict);
    let upper: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_uppercase(), *value))
        .collect();
    let mut headers: Vec<(&str, &str)> = upper
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    headers.push(("x-of-a-later-release", "1"));
    let shouted = Answer {
        headers: &headers,
        ..*answer
    };
    assert_eq!(
        classify(&shouted),
        verdict,
        "letter case and unknown headers"
    );
    if verdict.cause != Cause::AlreadyExists {
        return;
    }
    assert_ne!(verdict.confidence, Confidence::Status, "a status alone");
    // Broken off, the same body proves nothing.
    let body = answer.body.trim_ascii_end();
    if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok() {
        let broken = Answer {
            body: &body[..body.len() - 1],
            ..*answer
        };
        assert_ne!(
            classify(&broken).cause,
            Cause::AlreadyExists,
            "a body that breaks off"
        );
    }
}

fn check_form(verdict: &Verdict) {
    assert!(
        !verdict.rule.is_empty() && !verdict.sources.is_empty(),
        "{verdict:?}"
    );
    assert!(
        verdict.words.chars().count() <= 2_000,
        "words too long to print"
    );
    assert!(
        !verdict.words.chars().any(char::is_control),
        "{:?}",
        verdict.words
    );
    if let Some(holder) = &verdict.holder {
        assert!(
            holder.len() <= 1_024 && holder.bytes().all(|b| b.is_ascii_graphic()),
            "{holder:?}"
        );
    }
}
