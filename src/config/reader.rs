//! Reading every setting once, and collecting every problem.

mod credential;
mod ensure;
mod passes;
mod records;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::table::{SETTINGS, is_read_by_others, row};
use super::{Effect, IntakeSettings, Problem, Problems, Settings, Strings};
use crate::domain::client_state::KeyRing;
use crate::domain::ids::FleetId;
use crate::domain::ownership::FleetUrl;
use crate::domain::spelling::did_you_mean;

/// Every name of ours begins so; one that is in no table is a slip of the pen.
const OURS: &str = "EVERGRAPH_";

/// How a Key Vault reference begins that Azure could not resolve.
const UNRESOLVED: &str = "@Microsoft.KeyVault(";

pub(super) struct Reader<'s> {
    source: &'s dyn Strings,
    problems: BTreeMap<(String, usize), Problem>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s dyn Strings) -> Self {
        Self {
            source,
            problems: BTreeMap::new(),
        }
    }

    pub(super) fn settings(mut self) -> Result<Settings, Problems> {
        self.refuse_unknown_names();
        let log = self.log();
        let port = self.port();
        let fleet = self.required("EVERGRAPH_FLEET", |text| {
            FleetId::parse(text).map_err(|why| why.to_string())
        });
        let keys = self
            .required("EVERGRAPH_CLIENT_STATE_KEYS", |text| {
                KeyRing::parse(text).map_err(|why| why.to_string())
            })
            .map(Arc::new);
        let former = self.list("EVERGRAPH_FORMER_URLS", |one| {
            FleetUrl::parse_former(one).map_err(|why| why.to_string())
        });
        let passes = self.passes();
        let worst = self.worst();
        let problems = Problems(self.problems.into_values().collect());
        let (Some(port), Some(fleet), Some(keys)) = (port, fleet, keys) else {
            return Err(problems);
        };
        let passes = passes(&fleet, &former, &keys)
            .filter(|_| worst < Some(Effect::NoPasses))
            .ok_or_else(|| problems.clone());
        Ok(Settings {
            intake: IntakeSettings {
                port,
                fleet,
                former,
                keys,
            },
            passes,
            log,
            problems,
        })
    }

    fn worst(&self) -> Option<Effect> {
        self.problems.values().map(|problem| problem.effect).max()
    }

    /// Notes a problem with the effect that the table gives the setting.
    fn problem(&mut self, name: &str, message: impl Into<String>) {
        let effect = row(name).map_or(Effect::RenewOnly, |row| row.effect);
        let key = (name.to_owned(), self.problems.len());
        self.problems.insert(
            key,
            Problem {
                setting: name.to_owned(),
                effect,
                message: message.into(),
            },
        );
    }

    /// The value of a setting, unless it is not set, empty or an unresolved reference.
    fn get(&mut self, name: &str) -> Option<String> {
        let value = self.source.get(name)?.trim().to_owned();
        if value.starts_with(UNRESOLVED) {
            self.problem(
                name,
                "this is a Key Vault reference that Azure could not resolve; check that the secret exists and that \
                 the app's identity may read it",
            );
            return None;
        }
        Some(value).filter(|value| !value.is_empty())
    }

    fn is_set(&self, name: &str) -> bool {
        self.source
            .get(name)
            .is_some_and(|value| !value.trim().is_empty())
    }

    /// A value through its parser; a problem names what stands there, unless it is a secret.
    fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.get(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                let secret = row(name).is_none_or(|row| row.secret);
                let shown: String = text.chars().take(80).collect();
                let message = match secret || why.contains(&format!("{shown:?}")) {
                    true => why,
                    false => format!("{shown:?} stands there: {why}"),
                };
                self.problem(name, message);
                None
            }
        }
    }

    fn required<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.is_set(name) {
            let example = row(name).map_or("", |row| row.example);
            self.problem(
                name,
                format!("it is not set; set it, for example to {example}"),
            );
            return None;
        }
        self.parsed(name, parse)
    }

    /// The members of a comma-separated list; a wrong one is a problem and left out.
    fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(text) = self.get(name) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            match parse(one) {
                Ok(value) => out.push(value),
                Err(why) => self.problem(name, why),
            }
        }
        out
    }

    fn refuse_unknown_names(&mut self) {
        let mut names = self.source.names();
        names.sort();
        for name in names {
            if !name.starts_with(OURS) || row(&name).is_some() || is_read_by_others(&name) {
                continue;
            }
            let known = SETTINGS
                .iter()
                .map(|one| one.name)
                .filter(|one| !one.ends_with('*'));
            let guess = did_you_mean(&name, known);
            let guess = match guess.is_empty() {
                true => "take it away, or correct it (`evergraph settings` lists all)".to_owned(),
                false => guess,
            };
            let shown: String = name.chars().take(80).collect();
            self.problem(&shown, format!("there is no such setting; {guess}"));
        }
    }

    fn log(&mut self) -> String {
        self.parsed(
            "EVERGRAPH_LOG",
            |text| match tracing_subscriber::EnvFilter::builder().parse(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(why) => Err(format!(
                    "this is no filter ({why}); write a level such as info"
                )),
            },
        )
        .unwrap_or_else(|| "info".to_owned())
    }

    fn port(&mut self) -> Option<u16> {
        if !self.is_set("FUNCTIONS_CUSTOMHANDLER_PORT") {
            self.problem(
                "FUNCTIONS_CUSTOMHANDLER_PORT",
                "it is not set: the Functions host starts the handler and sets it; on a laptop, `evergraph dev` does",
            );
            return None;
        }
        self.parsed("FUNCTIONS_CUSTOMHANDLER_PORT", |text| {
            text.parse()
                .map_err(|_| "a port is a number from 0 to 65535".to_owned())
        })
    }
}
