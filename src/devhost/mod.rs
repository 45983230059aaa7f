//! A local Functions host: reads host.json and the function folders, starts the handler, ticks, proxies.

mod answer;
mod console;
mod envelope;
mod error;
mod events;
mod function;
mod host_json;
mod keys;
mod launch;
mod lenient;
mod process;
mod route;
mod schedule;
mod schedule_status;
mod settings;
mod target;
mod time_span;
mod wire;

pub use console::Stream;
pub use error::HostError;
pub use events::{
    AfterExit, Category, Cause, ConsoleLine, Exit, Group, HostEvent, Invocation, Level, Outcome,
};
pub use function::AuthLevel;
pub use keys::Keys;
pub use launch::Launch;
pub use process::{ChildProcesses, Console, HandlerProcess, Launcher};
pub use settings::AppSettings;
