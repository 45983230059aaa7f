//! Invocations: their record, their time-out, and the JSON protocol.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::answer::{Answer, Received, Verdict, judge};
use super::core::Core;
use super::envelope::{HOST_VERSION, json_head};
use super::events::{Cause, HostEvent, Invocation, Outcome};
use super::reply::Reply;
use super::wire::{Manner, Outgoing, WireError, exchange};
use super::worker::Worker;

/// Redirects that the host follows before it gives up (.NET's default; 51 posts were seen).
const REDIRECTS_MAX: usize = 50;
/// Larger JSON answers are refused, so that a handler cannot fill the memory.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Why an invocation failed that reached its time-out.
pub(crate) const TOO_LONG: &str = "the function ran longer than functionTimeout";

/// An invocation that runs. Its end is always told: dropping it means that the caller went away.
pub(crate) struct Running {
    core: Arc<Core>,
    pub(crate) id: String,
    pub(crate) function: String,
    cause: Option<Cause>,
    started: Instant,
}

impl Running {
    pub(crate) fn new(core: &Arc<Core>, function: &str, cause: Cause) -> Self {
        Self {
            core: core.clone(),
            id: super::ids::guid(),
            function: function.to_owned(),
            cause: Some(cause),
            started: Instant::now(),
        }
    }

    pub(crate) fn finish(mut self, outcome: Outcome, logs: Vec<String>) -> Invocation {
        let cause = self.cause.take().unwrap_or(Cause::ByHand);
        self.tell(cause, outcome, logs)
    }

    fn tell(&self, cause: Cause, outcome: Outcome, logs: Vec<String>) -> Invocation {
        let invocation = Invocation {
            id: self.id.clone(),
            function: self.function.clone(),
            cause,
            outcome,
            logs,
            duration: self.started.elapsed(),
        };
        self.core.emit(HostEvent::Invocation(invocation.clone()));
        invocation
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(cause) = self.cause.take() {
            let why = "the client went away, or the host stopped".to_owned();
            self.tell(cause, Outcome::Failed { why }, Vec::new());
        }
    }
}

/// What became of a call within its function's time-out.
pub(crate) enum Timed<T> {
    InTime(T),
    /// It ended in the grace period: failed, but the handler lives.
    Late,
    /// The handler was killed.
    Killed,
}

/// Waits for a call until functionTimeout and the grace period; then the whole handler is
/// killed and started again, with everything else that runs in it.
pub(crate) async fn within_timeout<T>(
    core: &Core,
    worker: &Worker,
    running: &Running,
    mut call: impl Future<Output = T> + Unpin,
) -> Timed<T> {
    let Some(limit) = core.host.function_timeout else {
        return Timed::InTime(call.await);
    };
    let deadline = running.started + limit;
    if let Ok(result) = tokio::time::timeout_at(deadline, &mut call).await {
        return Timed::InTime(result);
    }
    if tokio::time::timeout_at(deadline + core.timeout_grace, &mut call)
        .await
        .is_ok()
    {
        return Timed::Late;
    }
    core.emit_hung(
        worker,
        running,
        format!("functionTimeout of {limit:?} exceeded"),
    );
    worker.kill(false).await;
    Timed::Killed
}

/// Calls a function through the JSON protocol and waits for its end.
pub(crate) async fn invoke_json(
    core: &Arc<Core>,
    worker: &Worker,
    function: &str,
    cause: Cause,
    body: String,
) -> Invocation {
    let running = Running::new(core, function, cause);
    let call = async {
        match call(worker, &running, Bytes::from(body)).await {
            Verdict::Hangs(why) => {
                core.emit_hung(worker, &running, why);
                std::future::pending().await
            }
            Verdict::Failed(why) => Err(why),
            Verdict::Success(answer) => Ok(answer),
        }
    };
    let result = within_timeout(core, worker, &running, Box::pin(call)).await;
    match result {
        Timed::InTime(Ok(answer)) => succeed(running, answer),
        Timed::InTime(Err(why)) => running.finish(Outcome::Failed { why }, Vec::new()),
        Timed::Late => running.finish(
            Outcome::Failed {
                why: TOO_LONG.to_owned(),
            },
            Vec::new(),
        ),
        Timed::Killed => {
            let why = format!("{TOO_LONG}; the handler was killed and started again");
            running.finish(Outcome::Failed { why }, Vec::new())
        }
    }
}

fn succeed(running: Running, answer: Answer) -> Invocation {
    // A timer has no output bindings here, so what stands in them is dropped, as the host
    // drops undeclared names; ReturnValue likewise.
    if !answer.outputs.is_empty() || answer.return_value.is_some() {
        tracing::debug!(
            function = running.function,
            outputs = answer.outputs.len(),
            "outputs without a binding were dropped"
        );
    }
    running.finish(Outcome::Succeeded { status: None }, answer.logs)
}

/// One call, redirects followed as .NET's client follows them.
async fn call(worker: &Worker, running: &Running, body: Bytes) -> Verdict {
    let port = match worker.ready_port().await {
        Ok(port) => port,
        Err(why) => return Verdict::Failed(why),
    };
    let mut head = json_head(port, &running.function, &running.id);
    let mut with_body = true;
    let mut redirects = 0;
    loop {
        let outgoing = if with_body {
            Outgoing::JsonChunks(body.clone())
        } else {
            Outgoing::Nothing
        };
        let reply = match post(worker, port, head.clone(), outgoing).await {
            Ok(reply) => reply,
            Err(error) => return Verdict::Failed(error.to_string()),
        };
        match redirect(&reply, port).filter(|_| redirects < REDIRECTS_MAX) {
            None => {
                return judged(worker, reply)
                    .await
                    .unwrap_or_else(|error| Verdict::Failed(error.to_string()));
            }
            Some((keeps_method, target)) => {
                redirects += 1;
                with_body &= keeps_method;
                head = redirected_head(port, &target, &running.id, with_body);
            }
        }
    }
}

async fn post(
    worker: &Worker,
    port: u16,
    head: Vec<u8>,
    body: Outgoing,
) -> Result<Reply, WireError> {
    exchange(
        worker.pool.connect(port).await?,
        head,
        body,
        Manner::default(),
    )
    .await
}

async fn judged(worker: &Worker, mut reply: Reply) -> Result<Verdict, WireError> {
    let body = reply.body.whole(ANSWER_BYTES_MAX).await?;
    let verdict = judge(Received {
        status: reply.status,
        content_type: reply.header("content-type"),
        says_empty: reply.status == 204 || reply.header("content-length") == Some("0"),
        body: &body,
    });
    worker.keep(reply.body).await;
    Ok(verdict)
}

/// Whether the method is kept, and the new target. Only the handler itself is a target:
/// elsewhere this host does not go.
fn redirect(reply: &Reply, port: u16) -> Option<(bool, String)> {
    let keeps_method = match reply.status {
        301..=303 => false,
        307 | 308 => true,
        _ => return None,
    };
    let here = url::Url::parse(&format!("http://127.0.0.1:{port}/")).ok()?;
    let target = here.join(reply.header("location")?).ok()?;
    let query = target
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    (target.origin() == here.origin()).then(|| (keeps_method, format!("{}{query}", target.path())))
}

fn redirected_head(port: u16, target: &str, invocation: &str, with_body: bool) -> Vec<u8> {
    let head = String::from_utf8_lossy(&json_head(port, "", invocation)).into_owned();
    let head = head.replacen("POST /", &format!("POST {target}"), 1);
    if with_body {
        return head.into_bytes();
    }
    format!(
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         X-Azure-Functions-HostVersion: {HOST_VERSION}\r\n\
         X-Azure-Functions-InvocationId: {invocation}\r\n\
         User-Agent: Azure-Functions-Host/{HOST_VERSION}\r\n\r\n"
    )
    .into_bytes()
}
