//! A pass as the host saw it: its outcome and what it says of itself.

use std::time::Duration;

use evergraph::devhost::{Invocation, Outcome, RunningHost};

/// No pass of a test takes longer, its wait for a handler that starts included.
const LIMIT: Duration = Duration::from_secs(90);

/// How a pass ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Idle,
    Complete,
    Busy,
    /// Stopped by itself, with its reason.
    Stopped(String),
    /// The handler did not answer, or the pass could not begin.
    Broken(String),
}

#[derive(Clone, Debug)]
pub struct Pass {
    pub ended: Ended,
    /// Calls of Graph, as the pass itself counts them.
    pub calls: u64,
    pub lines: Vec<String>,
}

/// Runs the timer now and waits for the end of the pass.
pub async fn run(host: &RunningHost) -> Pass {
    let invocation = tokio::time::timeout(LIMIT, host.invoke_timer("renew"));
    of(invocation.await.expect("a pass ends").unwrap())
}

/// Reads the answer of the timer function.
pub fn of(invocation: Invocation) -> Pass {
    let lines = invocation.logs.clone();
    if let Outcome::Failed { why } = invocation.outcome {
        return broken(why, lines);
    }
    let Some(first) = lines.first().cloned() else {
        return broken("it said nothing".into(), lines);
    };
    if first.starts_with("a pass is running in this process already") {
        return Pass {
            ended: Ended::Busy,
            calls: 0,
            lines,
        };
    }
    let Some((head, calls)) = first
        .strip_suffix(" calls of Graph")
        .and_then(|rest| rest.rsplit_once("; "))
    else {
        return broken(first, lines);
    };
    let (how, _) = head.rsplit_once("; ").unwrap();
    let ended = match how.strip_prefix("pass ").unwrap() {
        "nothing was due" => Ended::Idle,
        "complete" => Ended::Complete,
        "another worker holds the lease" => Ended::Busy,
        other => match other.split_once(": ") {
            Some(("stopped", why)) => Ended::Stopped(why.to_owned()),
            _ => Ended::Broken(other.to_owned()),
        },
    };
    Pass {
        ended,
        calls: calls.parse().unwrap(),
        lines,
    }
}

fn broken(why: String, lines: Vec<String>) -> Pass {
    Pass {
        ended: Ended::Broken(why),
        calls: 0,
        lines,
    }
}
