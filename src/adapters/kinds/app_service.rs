//! What a site of App Service serves: zip deployment through Kudu, and reads of Resource Manager.

mod rows;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use url::Url;

use super::call::{Line, Request};
use crate::domain::conflict::{self, Answer, Cause, Operation, Service};
use crate::domain::ensure::kinds::app_service::{Row, Wanted, cors_twice, runs_from_remote};
use crate::domain::ensure::{
    Facts, Failure, HolderId, Observation, Progress, Refusal, Seen, Standing, Stop, Token, Told,
};
use crate::ports::ensure::Kind;
use rows::{lock_words, row, rows};

/// `Microsoft.Web` as of <https://learn.microsoft.com/en-us/rest/api/appservice/web-apps>.
const WEB: &str = "2024-04-01";
/// <https://learn.microsoft.com/en-us/rest/api/resources/management-locks>
const LOCKS: &str = "2020-05-01";

/// Uploading a package takes longer than other calls.
pub const UPLOAD: Duration = Duration::from_secs(300);

/// One site and the package that it is to serve.
pub struct AppServiceKind {
    /// The site's deployment service.
    kudu: Line,
    /// Resource Manager.
    arm: Line,
    wanted: Wanted,
    package: Vec<u8>,
    /// The application setting in which the app keeps its own CORS origins, if it has one.
    cors_setting: Option<String>,
    run: Token,
    noted: Mutex<Noted>,
}

/// What was learned on the way, for the person who reads the end.
#[derive(Default)]
struct Noted {
    /// Whether a deployment of this run was sent.
    sent: bool,
    foreign: Option<Row>,
    locks: Vec<String>,
    remote: bool,
}

/// The settings of a site.
type Settings = Vec<(String, String)>;

impl AppServiceKind {
    /// A site at `kudu` and `arm` that is to serve this package, of which `wanted` holds the
    /// digest. `run` marks what this run deploys.
    pub fn new(
        kudu: Line,
        arm: Line,
        wanted: Wanted,
        package: Vec<u8>,
        cors_setting: Option<String>,
        run: Token,
    ) -> Self {
        Self {
            kudu: kudu.answered_within(UPLOAD),
            arm,
            wanted,
            package,
            cors_setting,
            run,
            noted: Mutex::default(),
        }
    }

    /// What a person should know of the site's set-up, whatever came of the run: CORS in two
    /// places, a package at a remote address, locks. Reads only.
    pub async fn findings(&self) -> Vec<String> {
        let site = self.wanted.site.name();
        let mut found = Vec::new();
        match self.settings().await {
            Err(Failure::Refused(refusal))
                if refusal.verdict.cause == Cause::AdministrativeLock =>
            {
                found.push(format!(
                    "The settings of {site} cannot be read while it is locked, so nothing is known of CORS in the app and of run-from-package."
                ));
            }
            Err(failure) => found.push(format!(
                "The settings of {site} could not be read, so nothing is known of CORS in the app and of run-from-package: {failure}"
            )),
            Ok(settings) => {
                found.extend(remote_package(&settings).map(|(name, _)| remote_words(site, &name)));
                match self.cors(&settings).await {
                    Ok(words) => found.extend(words),
                    Err(failure) => found.push(format!(
                        "The CORS settings of {site} could not be read: {failure}"
                    )),
                }
            }
        }
        if let Ok(locks) = self.locks().await {
            found.extend(locks);
        }
        found.dedup();
        found
    }

    async fn cors(&self, settings: &Settings) -> Result<Option<String>, Failure> {
        let Some(name) = &self.cors_setting else {
            return Ok(None);
        };
        let own = settings.iter().find(|(known, _)| known == name);
        let Some((_, app)) = own else {
            return Ok(None);
        };
        let url = self.of_site(&["config", "web"], WEB);
        let answer = self
            .arm
            .call(Request::new(Operation::Read, Method::GET, url))
            .await?;
        let config = answer.json()?;
        let origins = config["properties"]["cors"]["allowedOrigins"].as_array();
        let origins: Vec<String> = origins
            .into_iter()
            .flatten()
            .filter_map(|one| Some(one.as_str()?.to_owned()))
            .collect();
        Ok(cors_twice(self.wanted.site.name(), &origins, name, app))
    }

    /// The application settings. It is a POST, so that a read-only lock refuses it.
    async fn settings(&self) -> Result<Settings, Failure> {
        let url = self.of_site(&["config", "appsettings", "list"], WEB);
        let request =
            Request::new(Operation::Action, Method::POST, url).header("content-length", "0");
        let answer = self.arm.call(request).await?.json()?;
        let pairs = answer["properties"].as_object().into_iter().flatten();
        Ok(pairs
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect())
    }

    /// The locks over the site, each in a sentence.
    async fn locks(&self) -> Result<Vec<String>, Failure> {
        let url = self.of_site(&["providers", "Microsoft.Authorization", "locks"], LOCKS);
        let answer = self
            .arm
            .call(Request::new(Operation::Read, Method::GET, url))
            .await?;
        let answer = answer.json()?;
        let rows = answer["value"].as_array().into_iter().flatten();
        Ok(rows.filter_map(lock_words).collect())
    }

    fn of_site(&self, more: &[&str], version: &str) -> Url {
        let mut segments = self.wanted.site.segments().to_vec();
        segments.extend(more);
        let mut url = self.arm.at(&segments);
        url.query_pairs_mut().append_pair("api-version", version);
        url
    }

    /// What forbids a deployment and is told only afterwards by Kudu, or not at all: a lock, and
    /// a package at a remote address, which older builds call an auto swap.
    async fn check_site(&self) -> Result<(), Failure> {
        let settings = match self.settings().await {
            Ok(settings) => settings,
            Err(Failure::Refused(refusal)) => return Err(self.name_locks(refusal).await),
            Err(failure) => return Err(failure),
        };
        match remote_package(&settings) {
            None => Ok(()),
            Some((name, _)) => {
                self.note(|noted| noted.remote = true);
                Err(refused_by(&remote_words(self.wanted.site.name(), &name)))
            }
        }
    }

    /// Adds the names of the locks to a refusal because of one.
    async fn name_locks(&self, mut refusal: Box<Refusal>) -> Failure {
        if refusal.verdict.cause == Cause::AdministrativeLock
            && let Ok(locks) = self.locks().await
        {
            if !locks.is_empty() {
                refusal.verdict.words = format!("{} {}", refusal.verdict.words, locks.join(" "));
            }
            self.note(|noted| noted.locks = locks);
        }
        Failure::Refused(refusal)
    }

    async fn deploy(&self) -> Result<Told<Seen>, Failure> {
        self.check_site().await?;
        let mut url = self.kudu.at(&["api", "zipdeploy"]);
        url.query_pairs_mut()
            .append_pair("isAsync", "true")
            .append_pair("author", "evergraph")
            .append_pair("deployer", &self.wanted.deployer())
            .append_pair("message", &self.wanted.message(self.run.as_str()));
        let request = Request::new(Operation::Action, Method::POST, url)
            .bytes("application/zip", self.package.clone());
        self.note(|noted| noted.sent = true);
        let answer = self.kudu.call(request).await?;
        let seen = Seen {
            token: Some(self.run.clone()),
            standing: Standing::BeingMade,
            ..Seen::ours(self.wanted.site.name())
        };
        Ok(Told::by(seen, answer.request_id))
    }

    /// The site's content, as the list of deployments shows it.
    async fn look(&self) -> Result<Told<Seen>, Failure> {
        let url = self.kudu.at(&["api", "deployments"]);
        let answer = self
            .kudu
            .call(Request::new(Operation::Read, Method::GET, url))
            .await?;
        let rows = rows(&answer)?;
        self.note(|noted| noted.foreign = self.wanted.foreign(&rows).cloned());
        Ok(Told::by(self.wanted.judge(&rows), answer.request_id))
    }

    fn note<T>(&self, note: impl FnOnce(&mut Noted) -> T) -> T {
        note(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Kind for AppServiceKind {
    fn name(&self) -> &'static str {
        "app-service"
    }

    fn key(&self) -> String {
        self.wanted.key()
    }

    /// The list shows a deployment as soon as it is accepted.
    fn facts(&self) -> Facts {
        Facts {
            hidden_for: Duration::ZERO,
            collapse: false,
            ..Facts::default()
        }
    }

    fn instruction(&self, reason: Stop) -> Option<String> {
        let site = self.wanted.site.name();
        self.note(|noted| match reason {
            Stop::Foreign => {
                let row = noted.foreign.as_ref()?;
                Some(format!(
                    "{site} serves the deployment {} by {} with {} (\"{}\"). Agree with them who deploys; to replace this one deployment, write take_over = \"{}\" into the specification.",
                    row.id, row.author, row.deployer, row.message, row.id
                ))
            }
            Stop::NeedsOperator if !noted.locks.is_empty() => Some(format!(
                "Ask whoever set it whether it may be removed, then run ensure again; nothing here removes a lock. {}",
                noted.locks.join(" ")
            )),
            Stop::Timeout => Some(format!(
                "Look at the deployments of {site}. If none is under way, a lock was left behind: a person may restart the site (portal, Overview, Restart), then run ensure again."
            )),
            Stop::Bug if noted.remote => Some(
                "Upload the package to where WEBSITE_RUN_FROM_PACKAGE points and change the address, or drop that setting; then run ensure again.".to_owned(),
            ),
            _ => None,
        })
    }

    async fn observe(&self) -> Result<Told<Observation>, Failure> {
        let told = self.look().await?;
        Ok(Told::by(
            Observation::complete(vec![told.value]),
            told.request_id,
        ))
    }

    async fn read(&self, _id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        let told = self.look().await?;
        Ok(Told::by(Some(told.value), told.request_id))
    }

    /// A site is never created; what it serves is changed.
    async fn create(&self, _token: &Token) -> Result<Told<Seen>, Failure> {
        Err(Failure::NotSupported(
            "Create the site first: its plan, its region and its name are a person's choice.",
        ))
    }

    /// Kudu knows no condition: a deployment that ended since the last look is not noticed.
    async fn patch(&self, _seen: &Seen) -> Result<Told<Seen>, Failure> {
        self.deploy().await
    }

    /// `latest` answers 202 while any deployment is under way. Its Location is not followed.
    async fn poll(&self) -> Result<Told<Progress>, Failure> {
        let url = self.kudu.at(&["api", "deployments", "latest"]);
        let request = Request::new(Operation::Read, Method::GET, url).by_id();
        let answer = match self.kudu.call(request).await {
            Err(Failure::Gone { request_id }) => {
                return Ok(Told::by(Progress::Settled, request_id));
            }
            other => other?,
        };
        if answer.status == 202 {
            return Ok(Told::by(
                Progress::Running { wait: None },
                answer.request_id,
            ));
        }
        let row = answer.json().ok().and_then(|value| row(&value));
        let sent = self.note(|noted| noted.sent);
        let failed = row.filter(|row| sent && self.wanted.has_failed(row, self.run.as_str()));
        let progress = match failed {
            None => Progress::Settled,
            Some(row) => Progress::Failed(format!(
                "the deployment {} failed; its log is at /api/deployments/{}/log of the site's deployment service",
                row.id, row.id
            )),
        };
        Ok(Told::by(progress, answer.request_id))
    }
}

fn remote_package(settings: &Settings) -> Option<(String, String)> {
    let found = settings
        .iter()
        .find(|(name, value)| runs_from_remote(name, value));
    found.cloned()
}

/// The address may carry a signature: it is not repeated.
fn remote_words(site: &str, setting: &str) -> String {
    format!(
        "{site} runs from a package at a remote address: {setting} is set to one. Run-From-Package is set to a remote URL, so a deployment is not supported."
    )
}

/// The refusal that Kudu would give, without sending the package first.
fn refused_by(words: &str) -> Failure {
    let answer = Answer {
        service: Service::AppService,
        operation: Operation::Action,
        status: 409,
        headers: &[],
        body: words.as_bytes(),
    };
    Failure::Refused(Box::new(Refusal {
        verdict: conflict::classify(&answer),
        holder: None,
        request_id: None,
    }))
}
