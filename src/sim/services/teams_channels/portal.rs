//! The Teams client: what a person does there, and where it differs from the API.

use serde_json::{Value, json};

use super::{Channel, State, TeamsChannels};
use crate::sim::services::{Ask, Refused, Reply};

/// The words of the client (msteams-docs#13158).
const TAKEN: &str =
    "The name can't be the same as any channels previously created in this team. Try again later.";

impl TeamsChannels {
    /// Adds a channel. Answers the id.
    ///
    /// # Errors
    /// Where there is no such team or no name, or the name is taken: by a live channel, or by a deleted one
    /// unless the client is one that uses such names again.
    pub fn portal_create(&self, team: &str, name: &str) -> Result<String, Refused> {
        self.with(|state| {
            if name.trim().is_empty() {
                return Err(Refused("a name is needed".to_owned()));
            }
            let reuses = state.manners.client_reuses_names;
            let taken = |one: &Channel| one.is_named(name) && !(one.deleted && reuses);
            if channels(state, team)?.iter().any(taken) {
                return Err(Refused(TAKEN.to_owned()));
            }
            let added = state.add(team, name);
            Ok(added.map(|channel| channel.id).unwrap_or_default())
        })
    }

    /// Deletes a channel; its name stays taken.
    ///
    /// # Errors
    /// Where there is no such live channel.
    pub fn portal_delete(&self, team: &str, id: &str) -> Result<(), Refused> {
        self.with(|state| {
            let found = channels(state, team)?.iter_mut();
            let found = found.into_iter().find(|one| one.id == id && !one.deleted);
            found.ok_or_else(|| absent(id))?.deleted = true;
            Ok(())
        })
    }

    /// Restores a deleted channel, which no call of the API does
    /// (office-docs-powershell#2091: "Deleted", then the button "Restore").
    ///
    /// # Errors
    /// Where no deleted channel has the id, or another one has its name by now.
    pub fn portal_restore(&self, team: &str, id: &str) -> Result<(), Refused> {
        self.with(|state| {
            let all = channels(state, team)?;
            let at = all.iter().position(|one| one.id == id && one.deleted);
            let at = at.ok_or_else(|| absent(id))?;
            let name = all[at].name.clone();
            if all.iter().any(|one| !one.deleted && one.is_named(&name)) {
                return Err(Refused(TAKEN.to_owned()));
            }
            all[at].deleted = false;
            Ok(())
        })
    }

    /// Every channel of a team, the deleted ones too.
    pub fn portal_channels(&self, team: &str) -> Vec<Channel> {
        self.with(|state| state.teams.get(team).cloned().unwrap_or_default())
    }
}

fn channels<'s>(state: &'s mut State, team: &str) -> Result<&'s mut Vec<Channel>, Refused> {
    let found = state.teams.get_mut(team);
    found.ok_or_else(|| Refused(format!("there is no team {team}")))
}

fn absent(id: &str) -> Refused {
    Refused(format!("there is no such channel: {id}"))
}

/// Over HTTP.
pub(super) fn answer(service: &TeamsChannels, ask: &Ask) -> Reply {
    let segments = ask.segments();
    let ["_portal", "teams", team, "channels", rest @ ..] = segments.as_slice() else {
        return Reply::text(404, DEEDS);
    };
    let body = ask.object().unwrap_or_default();
    let name = body.get("displayName").and_then(Value::as_str);
    let done = match (ask.method.as_str(), rest) {
        ("GET", []) => {
            let rows = service.portal_channels(team);
            let rows = rows
                .iter()
                .map(|one| json!({"id": one.id, "displayName": one.name, "deleted": one.deleted}));
            Ok(json!({"value": rows.collect::<Vec<_>>()}))
        }
        ("POST", []) => service
            .portal_create(team, name.unwrap_or_default())
            .map(|id| json!({"id": id})),
        ("POST", [id, "delete"]) => service.portal_delete(team, id).map(|()| json!({})),
        ("POST", [id, "restore"]) => service.portal_restore(team, id).map(|()| json!({})),
        _ => return Reply::text(404, DEEDS),
    };
    match done {
        Ok(body) => Reply::json(200, &body),
        Err(refused) => refused.reply(),
    }
}

const DEEDS: &str = "GET /_portal/teams/{team}/channels; POST there {displayName}, /{channel}/delete or /{channel}/restore";
