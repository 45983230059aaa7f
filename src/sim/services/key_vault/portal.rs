//! The portal: what a person does there, and what an older one does not show.

use serde_json::{Value, json};

use super::{KeyVault, Standing, State};
use crate::sim::services::{Ask, Refused, Reply};

/// All that the portal says of a name that is taken (azure-sdk-for-python#9743).
const CONFLICT: &str = "There was a conflict while creating/updating your secret.";

impl KeyVault {
    /// The names of the live secrets: all that the first page shows.
    pub fn portal_secrets(&self) -> Vec<String> {
        self.with(|state| names(state, Standing::Live))
    }

    /// Sets a secret.
    ///
    /// # Errors
    /// Where there is no name, a deleted secret has it, or one that is being deleted or recovered.
    pub fn portal_set(&self, name: &str, value: &str) -> Result<(), Refused> {
        if name.is_empty() {
            return Err(Refused("a name is needed".to_owned()));
        }
        self.with(|state| match state.standing(name) {
            None | Some(Standing::Live) => {
                state.set(name, value);
                Ok(())
            }
            Some(_) => Err(Refused(CONFLICT.to_owned())),
        })
    }

    /// Deletes a secret; its name stays taken.
    ///
    /// # Errors
    /// Where there is no such live secret.
    pub fn portal_delete(&self, name: &str) -> Result<(), Refused> {
        self.with(|state| match state.standing(name) {
            Some(Standing::Live) => {
                state.begin_delete(name);
                Ok(())
            }
            _ => Err(Refused(format!("there is no secret {name}"))),
        })
    }

    /// The page of deleted secrets.
    ///
    /// # Errors
    /// Where the portal is an older one, which has no such page (azure-sdk-for-python#9743).
    pub fn portal_deleted(&self) -> Result<Vec<String>, Refused> {
        self.with(|state| {
            has_page(state)?;
            Ok(names(state, Standing::Deleted))
        })
    }

    /// Recovers a deleted secret.
    ///
    /// # Errors
    /// As [`KeyVault::portal_deleted`], and where no deleted secret has the name.
    pub fn portal_recover(&self, name: &str) -> Result<(), Refused> {
        self.with(|state| {
            has_page(state)?;
            match state.standing(name) {
                Some(Standing::Deleted) => {
                    state.begin_recover(name);
                    Ok(())
                }
                _ => Err(Refused(format!("there is no deleted secret {name}"))),
            }
        })
    }
}

fn has_page(state: &State) -> Result<(), Refused> {
    let words = "this portal has no page of deleted secrets";
    let shows = state.manners.portal_shows_deleted;
    shows.then_some(()).ok_or_else(|| Refused(words.to_owned()))
}

fn names(state: &State, standing: Standing) -> Vec<String> {
    let all = state.secrets.iter();
    let these = all.filter(|(_, secret)| secret.standing == standing);
    these.map(|(name, _)| name.clone()).collect()
}

/// Over HTTP.
pub(super) fn answer(service: &KeyVault, ask: &Ask) -> Reply {
    let body = ask.object().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let done = |outcome: Result<(), Refused>| outcome.map(|()| json!({}));
    let outcome = match (ask.method.as_str(), ask.segments().as_slice()) {
        ("GET", ["_portal", "secrets"]) => Ok(json!({"value": service.portal_secrets()})),
        ("POST", ["_portal", "secrets"]) => done(service.portal_set(text("name"), text("value"))),
        ("POST", ["_portal", "secrets", name, "delete"]) => done(service.portal_delete(name)),
        ("GET", ["_portal", "deleted"]) => service
            .portal_deleted()
            .map(|names| json!({"value": names})),
        ("POST", ["_portal", "deleted", name, "recover"]) => done(service.portal_recover(name)),
        _ => return Reply::text(404, DEEDS),
    };
    match outcome {
        Ok(body) => Reply::json(200, &body),
        Err(refused) => refused.reply(),
    }
}

const DEEDS: &str = "GET /_portal/secrets, POST there {name,value}, POST /_portal/secrets/{name}/delete; GET /_portal/deleted, POST /_portal/deleted/{name}/recover";
