//! A local Functions host: reads host.json and the function folders, starts the handler, ticks, proxies.

mod console;
mod error;
mod events;
mod function;
mod host_json;
mod keys;
mod launch;
mod lenient;
mod route;
mod schedule;
mod settings;
mod target;
mod time_span;

pub use console::Stream;
pub use error::HostError;
pub use events::{
    AfterExit, Category, Cause, ConsoleLine, Exit, Group, HostEvent, Invocation, Level, Outcome,
};
pub use function::AuthLevel;
pub use keys::Keys;
pub use launch::Launch;
pub use settings::AppSettings;
