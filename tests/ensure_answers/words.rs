//! Refusals and things for scripts.

use std::time::Duration;

use evergraph::domain::conflict::{Automatic, Cause, Confidence, Effect, Remedy, Verdict};
use evergraph::domain::ensure::{Drift, Failure, Heard, Observation, Refusal, Seen, Told};

pub fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn refused(cause: Cause, remedy: Remedy) -> Refusal {
    let verdict = Verdict {
        cause,
        remedy,
        automatic: Automatic::Yes,
        may_have_taken_effect: Effect::No,
        wait: None,
        holder: None,
        rule: "test/rule",
        confidence: Confidence::Code,
        sources: &[],
        words: "in the service's words".to_owned(),
    };
    Refusal {
        verdict,
        holder: None,
        request_id: Some("r-1".to_owned()),
    }
}

pub fn fails(refusal: &Refusal) -> Heard {
    Heard::Failed(Failure::Refused(Box::new(refusal.clone())))
}

pub fn sees(holders: &[Seen]) -> Heard {
    Heard::Observed(Told::new(Observation::complete(holders.to_vec())))
}

pub fn versioned(id: &str, version: &str, drift: bool) -> Seen {
    let drift = match drift {
        true => Drift::Patchable(vec!["size".to_owned()]),
        false => Drift::None,
    };
    Seen {
        version: Some(version.to_owned()),
        drift,
        ..Seen::ours(id)
    }
}
