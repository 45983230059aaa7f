//! A local Functions host: reads host.json and the function folders, starts the handler, ticks,
//! proxies.
//!
//! It repeats what a running Azure Functions host (4.1037, custom handlers) was seen to do, as
//! far as an app of timers and proxied HTTP functions needs it; where it and the real host
//! differ, the host is right. Start with [`RunningHost::start`].
//!
//! - the whole: `options`, `host`, `groups`, `core`, `events`
//! - what an app is: `host_json`, `function`, `function_json`, `schedule`, `route`, `settings`
//! - the handler: `launch`, `process`, `readiness`, `worker`, `crashes`
//! - invocations: `wire`, `reply`, `pool` and `envelope` (bytes), `answer` (judgement), `invocation` (JSON
//!   protocol), `timer`, `proxy`
//! - clients: `front`, `admin`, `keys`, `target`
//!
//! A new trigger (queues, say) is a variant of `function::Trigger` with an engine like `timer`,
//! started where `groups::spawn_timers` starts those.

mod admin;
mod answer;
mod console;
mod core;
mod crashes;
mod envelope;
mod error;
mod events;
mod front;
mod function;
mod function_json;
mod groups;
mod host;
mod host_json;
mod ids;
mod invocation;
mod keys;
mod launch;
mod lenient;
mod options;
mod pool;
mod process;
mod proxy;
mod proxy_head;
mod readiness;
mod reply;
mod route;
mod schedule;
mod schedule_status;
mod settings;
mod target;
mod time_span;
mod timer;
mod wire;
mod worker;

pub use console::Stream;
pub use error::HostError;
pub use events::{
    AfterExit, Category, Cause, ConsoleLine, Exit, Group, HostEvent, Invocation, Level, Outcome,
};
pub use function::AuthLevel;
pub use host::RunningHost;
pub use keys::Keys;
pub use launch::Launch;
pub use options::{FunctionKind, FunctionSummary, HostOptions};
pub use process::{ChildProcesses, Console, HandlerProcess, Launcher};
pub use settings::AppSettings;
