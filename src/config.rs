//! Settings: the only reader of the environment. Typed, validated, fails closed.
//!
//! All problems are found at once. What a problem does depends on its setting ([`Effect`]):
//! only what the intake of notifications needs stops the process; what a pass needs stops
//! passes; what could make a pass do the wrong thing makes it renew only.
//!
//! The table in [`table`] is the single list of names: the reader takes its known names from
//! it, and so do the reference in the documentation and `evergraph settings`.

mod credential;
mod locations;
mod reader;
pub mod table;

pub use credential::{ClientCertificate, Credential, CredentialSettings};
pub use locations::{ClockChoice, DeclarationLocation, SecretUrl, SinkLocation, StateLocation};
pub use table::{SETTINGS, Setting, reference};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use crate::domain::client_state::KeyRing;
use crate::domain::governor::GovernorRules;
use crate::domain::ids::{AppId, FleetId};
use crate::domain::ownership::{FleetUrl, Home};
use crate::domain::policy::Mode;

/// Where settings come from.
pub trait Strings {
    /// The value of a setting, if it is set.
    fn get(&self, name: &str) -> Option<String>;
    /// The names of everything that is set.
    fn names(&self) -> Vec<String>;
}

impl Strings for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug)]
pub struct Environment;

impl Strings for Environment {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the environment"
    )]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn names(&self) -> Vec<String> {
        let name = |(name, _): (std::ffi::OsString, _)| name.to_string_lossy().into_owned();
        std::env::vars_os().map(name).collect()
    }
}

/// What a wrong or missing setting does. Ordered, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Effect {
    /// The default is used; the problem is logged.
    DefaultUsed,
    /// The tenants whose declaration names the setting have no credential; others are served.
    NoToken,
    /// Notifications are answered 503, so that Graph keeps them for us. Passes are as ever.
    NoIntake,
    /// Passes renew what is ours, and neither create nor delete.
    RenewOnly,
    /// There are no passes; notifications are still taken in.
    NoPasses,
    /// The process does not start.
    DoesNotStart,
}

impl Effect {
    /// As words for the reference and for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DefaultUsed => "the default is used",
            Self::NoToken => "tenants that name it get no token",
            Self::NoIntake => "notifications are answered 503",
            Self::RenewOnly => "passes renew only",
            Self::NoPasses => "no passes",
            Self::DoesNotStart => "the process does not start",
        }
    }
}

/// One thing that is wrong with the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The setting.
    pub setting: String,
    /// What it does.
    pub effect: Effect,
    /// What stands there (never a secret's value) and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} [{}]",
            self.setting,
            self.message,
            self.effect.as_str()
        )
    }
}

/// Everything that is wrong, in the order of names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// All settings.
#[derive(Debug)]
pub struct Settings {
    /// What the intake needs.
    pub intake: IntakeSettings,
    /// What a pass needs, or why there can be none.
    pub passes: Result<PassSettings, Problems>,
    /// The filter of the log, in the syntax of `tracing`'s EnvFilter. Known to be valid.
    pub log: String,
    /// Every problem that was found, whatever its effect; log them loudly.
    pub problems: Problems,
}

/// What the intake of notifications needs: without it the process does not start.
#[derive(Debug)]
pub struct IntakeSettings {
    /// The loopback port on which the Functions host expects us.
    pub port: u16,
    /// The fleet of this deployment.
    pub fleet: FleetId,
    /// Addresses that were ours; their fleets still count.
    pub former: Vec<FleetUrl>,
    /// The ring of clientState keys.
    pub keys: Arc<KeyRing>,
}

impl IntakeSettings {
    /// Every fleet whose notifications are taken in, today's first.
    pub fn fleets(&self) -> impl Iterator<Item = &FleetId> {
        std::iter::once(&self.fleet).chain(self.former.iter().map(|former| &former.fleet))
    }
}

/// What a pass needs.
#[derive(Debug)]
pub struct PassSettings {
    /// Where this deployment lives, and where it lived before.
    pub home: Home,
    /// Applications whose subscriptions may be taken over by deleting and creating.
    pub former_apps: Vec<AppId>,
    /// The ring of clientState keys.
    pub keys: Arc<KeyRing>,
    /// Where the declaration lies. `None` if the setting is wrong: the declaration is then
    /// unusable, and passes renew only.
    pub subscriptions: Option<DeclarationLocation>,
    /// Where the state lies.
    pub state: StateLocation,
    /// Graph's address with its version, without a slash at its end.
    pub graph: Url,
    /// Where tokens are issued, without a slash at its end.
    pub authority: Url,
    /// How tokens are obtained.
    pub credential: CredentialSettings,
    /// How far a pass may go. Never beyond renew-only if a setting that matters is wrong.
    pub mode: Mode,
    /// Time between two ticks of the timer.
    pub tick: SignedDuration,
    /// Term of the lease on the state, measured on the monotonic clock.
    pub lease: Duration,
    /// Which clock tells the time of day.
    pub clock: ClockChoice,
    /// Pinged after each good pass.
    pub heartbeat: Option<SecretUrl>,
    /// Time between two audits of a tenant.
    pub audit_every: SignedDuration,
    /// Time before a create without an outcome may be repeated.
    pub settle: SignedDuration,
    /// Where accepted notifications go. `None` if it is not set or wrong: they are answered 503.
    pub sink: Option<SinkLocation>,
    /// Where decisions are kept.
    pub audit: StateLocation,
    /// How long they are kept.
    pub audit_kept: SignedDuration,
    /// Private keys that open resource data, as their setting lists them.
    pub decryption_keys: Option<SecretString>,
    /// The rules by which our own answers are measured.
    pub governor: GovernorRules,
    /// Whether this is a deployment, as opposed to a laptop.
    pub production: bool,
}

/// What it takes to read what a deployment keeps, from any machine.
#[derive(Debug)]
pub struct RecordsSettings {
    /// The audit.
    pub audit: StateLocation,
    /// The state, where it is named.
    pub state: Option<StateLocation>,
    /// Which clock tells the time of day.
    pub clock: ClockChoice,
    /// How storage is opened without a SAS.
    pub credential: CredentialSettings,
    /// Graph's address, which tells the cloud.
    pub graph: Url,
    /// Where tokens are issued.
    pub authority: Url,
    /// The rules by which the intake's answers are measured.
    pub governor: GovernorRules,
}

/// What it takes to ensure one thing, from any machine.
#[derive(Debug)]
pub struct EnsureSettings {
    /// The audit, where a setting says where it is.
    pub audit: Option<StateLocation>,
    /// How tokens are obtained.
    pub credential: CredentialSettings,
    /// Graph's address, which tells the cloud.
    pub graph: Url,
    /// Where tokens come from.
    pub authority: Url,
}

impl EnsureSettings {
    /// Reads what is needed of the environment of this process, and nothing else. `target` is the
    /// service that is called; Graph, where it is `None`.
    ///
    /// # Errors
    /// All problems of those settings.
    pub fn from_environment(target: Option<&Url>) -> Result<Self, Problems> {
        reader::Reader::new(&Environment).ensure(target)
    }
}

/// What it takes to ask for tokens, from any machine.
#[derive(Debug)]
pub struct AccessSettings {
    /// How tokens are obtained.
    pub credential: CredentialSettings,
    /// Graph's address, which tells the cloud.
    pub graph: Url,
    /// Where tokens come from.
    pub authority: Url,
}

impl AccessSettings {
    /// Reads what is needed of the environment of this process, and nothing else.
    ///
    /// # Errors
    /// All problems of those settings.
    pub fn from_environment() -> Result<Self, Problems> {
        reader::Reader::new(&Environment).access()
    }
}

impl RecordsSettings {
    /// Reads what is needed of the environment of this process, and nothing else. `at` stands in
    /// for `EVERGRAPH_AUDIT`.
    ///
    /// # Errors
    /// All problems of those settings.
    pub fn from_environment(at: Option<&str>) -> Result<Self, Problems> {
        reader::Reader::new(&Environment).records(at)
    }
}

impl Settings {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// All problems, if one of them keeps the process from starting.
    pub fn from_environment() -> Result<Self, Problems> {
        Self::read(&Environment)
    }

    /// Reads settings from any source.
    ///
    /// # Errors
    /// All problems, if one of them keeps the process from starting.
    pub fn read(source: &dyn Strings) -> Result<Self, Problems> {
        reader::Reader::new(source).settings()
    }
}

#[cfg(test)]
mod tests;
