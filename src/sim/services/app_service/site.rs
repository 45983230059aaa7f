//! A site, and its deployments in the course of time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The states of a deployment and their numbers (Kudu.Contracts/Deployment/DeployStatus.cs of
/// projectkudu/kudu).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Not begun: the package is still being unpacked.
    Pending,
    /// Being put in place.
    Deploying,
    /// It failed.
    Failed,
    /// It stands.
    Success,
}

impl Status {
    /// Kudu's number.
    pub fn number(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Deploying => 2,
            Self::Failed => 3,
            Self::Success => 4,
        }
    }

    /// Whether it is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Failed | Self::Success)
    }
}

/// One deployment, as a list shows it at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deployment {
    /// Its id; a provisional one begins with `temp-`.
    pub id: String,
    /// How far it is.
    pub status: Status,
    /// Who, in the caller's words; hidden in the provisional row.
    pub author: String,
    /// By what tool, in the caller's words.
    pub deployer: String,
    /// What, in the caller's words; the provisional row has a text of its own.
    pub message: String,
    /// Whether it is what the site serves.
    pub active: bool,
    /// When it arrived.
    pub received: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// One deployment, as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Ordered {
    pub id: String,
    pub author: String,
    pub deployer: String,
    pub message: String,
    pub received: Timestamp,
    pub extracted: Timestamp,
    pub ends: Timestamp,
    pub fails: bool,
}

/// What keeps the deployment engine from work, beside a deployment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hindrance {
    /// A lock file was left behind; no deployment is listed, and no time frees it.
    StaleLock,
    /// An automatic slot swap, until then.
    AutoSwap(Timestamp),
}

/// A site.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// The resource group's id, `/subscriptions/…/resourceGroups/…`.
    pub group: String,
    /// The application settings.
    pub settings: BTreeMap<String, String>,
    /// Origins that the platform allows.
    pub origins: Vec<String>,
    /// What keeps the engine from work.
    pub hindrance: Option<Hindrance>,
    /// Another operation of the management side, until then.
    pub managed_until: Option<Timestamp>,
    pub(super) deployments: Vec<Ordered>,
}

impl Site {
    /// A site that nobody has deployed to.
    pub fn new(group: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            group: group.to_owned(),
            settings: BTreeMap::new(),
            origins: Vec::new(),
            hindrance: None,
            managed_until: None,
            deployments: Vec::new(),
        }
    }

    /// Its resource id.
    pub fn id(&self) -> String {
        format!("{}/providers/Microsoft.Web/sites/{}", self.group, self.name)
    }

    /// The rows of its list, the latest first.
    pub(super) fn listed(&self, now: Timestamp) -> Vec<Deployment> {
        let stands = |one: &&Ordered| one.ends <= now && !one.fails;
        let active = self.deployments.iter().filter(stands);
        let active = active.max_by_key(|one| one.ends).map(|one| one.id.clone());
        let shown = self.deployments.iter().rev();
        shown.map(|one| one.at(now, active.as_deref())).collect()
    }

    /// The deployment that is under way.
    pub(super) fn running(&self, now: Timestamp) -> Option<&Ordered> {
        self.deployments.iter().find(|one| one.ends > now)
    }

    /// Whether the app runs from a package at a remote address (Kudu's
    /// `DeploymentSettingsExtension.RunFromRemoteZip`: the setting is neither `0` nor `1`).
    pub(super) fn runs_from_remote(&self) -> bool {
        [
            "WEBSITE_RUN_FROM_PACKAGE",
            "WEBSITE_RUN_FROM_ZIP",
            "WEBSITE_USE_ZIP",
        ]
        .iter()
        .filter_map(|name| self.settings.get(*name))
        .any(|value| value.starts_with("http"))
    }
}

impl Ordered {
    pub(super) fn new(id: String, now: Timestamp, extract_s: i64, deploy_s: i64) -> Self {
        let after = |s| now + SignedDuration::from_secs(s);
        Self {
            id,
            author: "N/A".to_owned(),
            deployer: "ZipDeploy".to_owned(),
            message: "Created via a push deployment".to_owned(),
            received: now,
            extracted: after(extract_s),
            ends: after(deploy_s),
            fails: false,
        }
    }

    /// While the package is unpacked, the row is a provisional one with an id, an author and a
    /// message of its own (Kudu.Services/Deployment/PushDeploymentController.cs:
    /// `CreateTemporaryChangeSet(message: "Deploying from pushed zip file")`).
    fn at(&self, now: Timestamp, active: Option<&str>) -> Deployment {
        let provisional = now < self.extracted;
        let ended = (self.ends <= now).then_some(self.ends);
        let (id, author, message) = if provisional {
            let id = format!("temp-{}", &self.id[..8]);
            (
                id,
                "N/A".to_owned(),
                "Deploying from pushed zip file".to_owned(),
            )
        } else {
            (self.id.clone(), self.author.clone(), self.message.clone())
        };
        Deployment {
            id,
            author,
            message,
            deployer: self.deployer.clone(),
            status: match (ended, self.fails) {
                (None, _) if provisional => Status::Pending,
                (None, _) => Status::Deploying,
                (Some(_), true) => Status::Failed,
                (Some(_), false) => Status::Success,
            },
            active: active == Some(self.id.as_str()),
            received: self.received,
            ended,
        }
    }
}

impl Deployment {
    /// As Kudu writes it (Kudu.Contracts/Deployment/DeployResult.cs).
    pub(super) fn json(&self, root: &str) -> Value {
        let url = format!("{root}/api/deployments/{}", self.id);
        json!({
            "id": self.id,
            "status": self.status.number(),
            "status_text": if self.status == Status::Failed { "Deployment failed." } else { "" },
            "author_email": "N/A",
            "author": self.author,
            "deployer": self.deployer,
            "message": self.message,
            "progress": if self.status.is_final() { "" } else { "Running deployment command..." },
            "received_time": self.received.to_string(),
            "start_time": self.received.to_string(),
            "end_time": self.ended.map(|end| end.to_string()),
            "last_success_end_time": self.ended.map(|end| end.to_string()),
            "complete": self.status.is_final(),
            "active": self.active,
            "is_temp": self.id.starts_with("temp-"),
            "is_readonly": true,
            "url": url,
            "log_url": format!("{url}/log"),
        })
    }
}
