//! Set-up of tracing, and the field names as constants.
//!
//! The Functions host reads the handler's streams line by line and knows nothing of levels: a
//! line of stdout is Information; a line of stderr is Warning where it contains `warn` in any
//! letter case, and Error otherwise (seen in a running host). So
//!
//! | event | stream | why the host files it rightly |
//! |---|---|---|
//! | INFO and below | stdout | every line is Information |
//! | WARN | stderr | the line carries its level, `WARN` |
//! | ERROR | stderr | the line carries no `warn`: such a word is written `w-arn` (`\u0077arn` in JSON) |
//!
//! An event is one line and one write: what breaks a line is escaped. Lines are never held back,
//! because the host ends the handler without a signal it could see.
//!
//! Query strings, headers, tokens and bodies are never logged. Other crates may log at WARN and
//! above only, whatever the filter says: some of them show whole URLs at lower levels.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

/// Names of fields, the same everywhere: dotted for each entity, units last.
pub mod field {
    /// Graph's id of a subscription.
    pub const SUBSCRIPTION_ID: &str = "subscription.id";
    /// The declared name of a subscription.
    pub const SUBSCRIPTION_NAME: &str = "subscription.name";
    /// An Entra tenant.
    pub const TENANT_ID: &str = "tenant.id";
    /// What was decided, as a word.
    pub const DECISION_ACTION: &str = "decision.action";
    /// Why, as a word.
    pub const DECISION_REASON: &str = "decision.reason";
    /// How it ended: `done`, or the kind of failure.
    pub const DECISION_OUTCOME: &str = "decision.outcome";
    /// How long nothing served a key while a row was replaced, in milliseconds.
    pub const GAP_MS: &str = "gap.ms";
    /// The service that a conflict was met at.
    pub const CONFLICT_SERVICE: &str = "conflict.service";
    /// What stood in the way.
    pub const CONFLICT_CAUSE: &str = "conflict.cause";
    /// What the playbook says about it.
    pub const CONFLICT_REMEDY: &str = "conflict.remedy";
    /// What became of it.
    pub const CONFLICT_OUTCOME: &str = "conflict.outcome";
    /// A counter without parts, as a word.
    pub const COUNTER: &str = "counter";
    /// How far a counter moved.
    pub const COUNT: &str = "count";
    /// What lowers the mode of a pass.
    pub const PASS_BRAKE: &str = "pass.brake";
    /// Graph's `request-id`, for Microsoft's support.
    pub const GRAPH_REQUEST_ID: &str = "graph.request_id";
    /// Our `client-request-id`.
    pub const GRAPH_CLIENT_REQUEST_ID: &str = "graph.client_request_id";
    /// The call of Graph, as a word.
    pub const GRAPH_OPERATION: &str = "graph.operation";
    /// How the call ended, as a word.
    pub const GRAPH_OUTCOME: &str = "graph.outcome";
    /// A document of the state store.
    pub const STATE_DOCUMENT: &str = "state.document";
    /// A fleet.
    pub const FLEET: &str = "fleet";
    /// The Functions host's id of one invocation.
    pub const INVOCATION_ID: &str = "invocation.id";
    /// Whether the timer's run had been missed before.
    pub const TIMER_PAST_DUE: &str = "timer.past_due";
}

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// For people: time, level, place, sentence, fields.
    #[default]
    Text,
    /// One JSON object for each event, fields beside `message`.
    Json,
}

/// Tracing could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter does not follow the syntax.
    #[error("EVERGRAPH_LOG is no filter such as \"info\" or \"evergraph::app=debug,warn\": {why}")]
    Filter {
        /// What is wrong with it.
        why: String,
    },
    /// It was set up before.
    #[error("tracing is set up already: {why}")]
    Again {
        /// As said by the library.
        why: String,
    },
}

/// Sends the events of this process to its streams, and panics as one ERROR event each.
///
/// `filter` is the text of `EVERGRAPH_LOG`; an empty one means `info`.
///
/// # Errors
/// [`TelemetryError::Filter`] for a malformed filter; [`TelemetryError::Again`] on a second call.
pub fn init(filter: &str, format: Format) -> Result<(), TelemetryError> {
    subscriber(filter, format, Console::of_process())?
        .try_init()
        .map_err(|error| TelemetryError::Again {
            why: error.to_string(),
        })?;
    log_panics();
    Ok(())
}

/// A subscriber that writes to the console given.
///
/// # Errors
/// [`TelemetryError::Filter`] for a malformed filter.
pub fn subscriber(
    filter: &str,
    format: Format,
    console: Console,
) -> Result<impl Subscriber + Send + Sync + use<>, TelemetryError> {
    let filter = match filter.trim() {
        "" => "info",
        filter => filter,
    };
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| TelemetryError::Filter {
            why: error.to_string(),
        })?
        .and(filter_fn(may_speak));
    let layer = fmt::layer()
        .with_ansi(false)
        .log_internal_errors(false)
        .with_writer(Lines { console, format });
    let layer = match format {
        Format::Text => layer.compact().boxed(),
        Format::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    };
    Ok(Registry::default().with(layer.with_filter(filter)))
}

/// Whether an event of this origin and level may be written at all.
fn may_speak(event: &Metadata<'_>) -> bool {
    let first = event.target().split("::").next().unwrap_or_default();
    matches!(first, "evergraph" | "handler") || *event.level() <= Level::WARN
}

/// The default report of a panic has several lines, each an Error of its own to the host.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let words = panic.payload_as_str().unwrap_or("without words");
        match panic.location() {
            Some(place) => tracing::error!("a fault of this program at {place}: {words}"),
            None => tracing::error!("a fault of this program: {words}"),
        }
    }));
}

/// Where lines go: two streams, each written whole lines at a time.
#[derive(Clone)]
pub struct Console {
    out: Arc<Mutex<dyn Write + Send>>,
    err: Arc<Mutex<dyn Write + Send>>,
}

impl Console {
    /// The streams of this process.
    pub fn of_process() -> Self {
        Self::new(io::stdout(), io::stderr())
    }

    /// Streams of one's own.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self {
            out: Arc::new(Mutex::new(out)),
            err: Arc::new(Mutex::new(err)),
        }
    }
}

struct Lines {
    console: Console,
    format: Format,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        self.line(Level::INFO)
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Line {
        self.line(*event.level())
    }
}

impl Lines {
    fn line(&self, level: Level) -> Line {
        let stream = if level <= Level::WARN {
            &self.console.err
        } else {
            &self.console.out
        };
        Line {
            stream: Arc::clone(stream),
            hide_warn: (level == Level::ERROR).then_some(self.format),
        }
    }
}

/// One event on its way; the formatter hands it over in a single write.
struct Line {
    stream: Arc<Mutex<dyn Write + Send>>,
    hide_warn: Option<Format>,
}

impl Write for Line {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut line = text.trim_end().replace('\r', "\\r").replace('\n', "\\n");
        if let Some(format) = self.hide_warn {
            line = without_warn(&line, format);
        }
        line.push('\n');
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(line.as_bytes())?;
        stream.flush()?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line without the letters by which the host would take an error for a warning.
fn without_warn(line: &str, format: Format) -> String {
    let lower = line.to_ascii_lowercase();
    let mut out = String::with_capacity(line.len());
    let mut from = 0;
    for (at, _) in lower.match_indices("warn") {
        out.push_str(&line[from..at]);
        let letter = &line[at..=at];
        match (format, letter) {
            (Format::Text, _) => {
                out.push_str(letter);
                out.push('-');
            }
            (Format::Json, "W") => out.push_str("\\u0057"),
            (Format::Json, _) => out.push_str("\\u0077"),
        }
        from = at + 1;
    }
    out.push_str(&line[from..]);
    out
}

#[cfg(test)]
mod tests;
