//! The timer's call: one tick, told in log lines.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::body::{Received, receive};
use super::envelope::{self, Answer};
use super::stage::HandlerParts;
use super::{Handler, caller};
use crate::app::report::{EndpointReport, Outcome, Report};
use crate::app::tick;
use crate::telemetry::field;

/// An envelope has about 400 bytes, some KB with the exception of an earlier attempt.
const ENVELOPE_MAX: usize = 1024 * 1024;

/// The first call may come before the parts are built: the host calls as soon as we listen.
/// Waiting a little saves the tick.
const PATIENCE: Duration = Duration::from_secs(20);

/// Decisions told in an answer; all of them are in the log.
const DECISIONS_MAX: usize = 200;

/// The right to run a pass in this process: one at a time. Across processes the lease decides.
pub(super) type Turn = Arc<Mutex<()>>;

/// Answers the host's call of the timer function; nobody else's.
///
/// A request without a readable envelope changes nothing: the host replays bodyless requests.
pub(super) async fn renew(State(handler): State<Handler>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if !caller::may_be_the_host(&head.headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if head.method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]).into_response();
    }
    let invocation = caller::invocation_id(&head.headers);
    let lines = match asked(body).await {
        Ok(timer) => {
            tracing::debug!(
                { field::INVOCATION_ID } = invocation,
                { field::TIMER_PAST_DUE } = timer.past_due,
                "the timer calls"
            );
            answer_timer(&handler, timer).await
        }
        Err(why) => {
            tracing::warn!({ field::INVOCATION_ID } = invocation, "{why}");
            vec![why]
        }
    };
    Answer::of(lines).into_response()
}

async fn asked(body: Body) -> Result<envelope::Timer, String> {
    match receive(body, ENVELOPE_MAX).await {
        Received::Whole(bytes) => envelope::read(&bytes).map_err(|error| error.to_string()),
        Received::Empty => Err("the call has no body, so no pass was run".into()),
        Received::TooLarge => Err(format!(
            "the body has more than {ENVELOPE_MAX} bytes, so no pass was run"
        )),
        Received::NoRoom | Received::Broken => {
            Err("the body did not arrive whole, so no pass was run".into())
        }
    }
}

async fn answer_timer(handler: &Handler, timer: envelope::Timer) -> Vec<String> {
    let shared = &handler.shared;
    let parts = match shared.stage.parts(PATIENCE).await {
        Ok(parts) => parts,
        Err(why) => {
            tracing::error!("no pass was run: {why}");
            return vec![format!("no pass was run: {why}")];
        }
    };
    let Ok(turn) = Arc::clone(&shared.turn).try_lock_owned() else {
        return vec!["a pass is running in this process already; it goes on".into()];
    };
    // In a task of its own: when the host hangs up, the pass still comes to its end.
    let mut lines = match tokio::spawn(run(parts, turn)).await {
        Ok(lines) => lines,
        // `run` catches panics, and nobody aborts it: what remains is the end of the runtime.
        Err(_) => vec!["the handler is stopping; the next run of the timer goes on".into()],
    };
    if timer.past_due {
        lines.push("the timer was past due".into());
    }
    lines
}

/// Runs one tick to its end, or to the limit, and logs how it ended.
pub(super) async fn run(parts: Arc<HandlerParts>, turn: OwnedMutexGuard<()>) -> Vec<String> {
    let tick = AssertUnwindSafe(tick::run(&parts.services, &parts.config)).catch_unwind();
    let ended = tokio::time::timeout(parts.pass_limit, tick).await;
    drop(turn);
    match ended {
        Ok(Ok(report)) => {
            log(&report);
            lines_of(&report)
        }
        Ok(Err(panic)) => failed(&format!(
            "the pass broke off, which is a fault of this program: {}; the next run goes on",
            panic_words(panic.as_ref())
        )),
        Err(_) => failed(&format!(
            "the pass was dropped after {} s, to end before the function's timeout; the next run \
             goes on",
            parts.pass_limit.as_secs()
        )),
    }
}

fn failed(why: &str) -> Vec<String> {
    tracing::error!("{why}");
    vec![why.to_owned()]
}

fn panic_words(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}

fn log(report: &Report) {
    let summary = report.summary();
    match report.outcome {
        Outcome::Failed { .. } => tracing::error!("{summary}"),
        Outcome::Stopped { .. } => tracing::warn!("{summary}"),
        Outcome::Idle | Outcome::Complete | Outcome::Busy => tracing::info!("{summary}"),
    }
}

/// The report for the host's log: the summary, what lowers the mode, what keeps Graph from
/// reaching us, then decisions. Where there
/// are too many, those that did not end well come first.
fn lines_of(report: &Report) -> Vec<String> {
    let mut lines = vec![report.summary()];
    let brakes = report.brakes.iter();
    lines.extend(brakes.map(|one| format!("{}: {}", one.brake, one.advice)));
    let unreachable = report.endpoint.iter().filter(|one| one.obstacle.is_some());
    lines.extend(unreachable.map(EndpointReport::sentence));
    let mut decisions: Vec<_> = report.decisions.iter().collect();
    let left_out = decisions.len().saturating_sub(DECISIONS_MAX);
    if left_out > 0 {
        decisions.sort_by_key(|one| one.outcome == "done");
        decisions.truncate(DECISIONS_MAX);
    }
    lines.extend(decisions.into_iter().map(|one| one.sentence()));
    if left_out > 0 {
        lines.push(format!("and {left_out} more decisions"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::report::{Action, BrakeReport, Decision};
    use crate::domain::plan::Reason;
    use crate::domain::policy::Mode;
    use jiff::Timestamp;

    fn decision(number: usize, outcome: &str) -> Decision {
        Decision {
            at: Timestamp::UNIX_EPOCH,
            action: Action::Renew,
            reason: Reason::Due,
            outcome: outcome.into(),
            tenant: "t".into(),
            name: Some(format!("s{number}")),
            id: None,
            words: String::new(),
            request_id: None,
            until: None,
            conflict: None,
        }
    }

    #[test]
    fn an_answer_tells_summary_brakes_and_decisions_in_order() {
        let mut report = Report::begin(Timestamp::UNIX_EPOCH, Mode::Full);
        report.outcome = Outcome::Complete;
        report.brakes = vec![BrakeReport {
            brake: "key-missing",
            advice: "put it back".into(),
        }];
        report.decisions = vec![decision(1, "done"), decision(2, "throttled")];
        let lines = lines_of(&report);
        assert!(
            lines[0].starts_with("pass complete; renewed 1,"),
            "{lines:?}"
        );
        assert_eq!(lines[1], "key-missing: put it back");
        assert_eq!(lines[2], report.decisions[0].sentence());
        assert!(lines[3].contains("s2") && lines[3].contains("throttled"));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn of_too_many_decisions_the_troubled_ones_are_told() {
        let mut report = Report::begin(Timestamp::UNIX_EPOCH, Mode::Full);
        report.decisions = (0..500).map(|number| decision(number, "done")).collect();
        report.decisions.push(decision(500, "throttled"));
        let lines = lines_of(&report);
        assert_eq!(lines.len(), 1 + DECISIONS_MAX + 1);
        assert!(lines[1].contains("s500"), "{}", lines[1]);
        assert!(lines[2].contains("s0"), "{}", lines[2]);
        assert_eq!(lines[201], "and 301 more decisions");
    }
}
