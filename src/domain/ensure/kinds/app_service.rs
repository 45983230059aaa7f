//! What an App Service site serves: a package, put there by zip deployment.
//!
//! The thing is the site's content, so its id is the site's name, its version the id of the active
//! deployment, and a site that serves nothing yet is one that differs: nothing is ever created. The mark is the deployer, the content and the run stand in the deployment's
//! message: both are free text of whoever deploys, and both can be read back
//! (<https://github.com/projectkudu/kudu>, Kudu.Services/Deployment/PushDeploymentController.cs).
//! The header `scm-deployment-id` proves nothing: it comes with refusals, too.

use super::owner::{Digest, Owner};
use crate::domain::ensure::{Drift, HolderId, Ours, Seen, Standing, Token};

/// A site, by its place in Azure.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Site {
    subscription: String,
    group: String,
    name: String,
}

impl Site {
    /// A site.
    ///
    /// # Errors
    /// What is wrong with a part, as `(part, rule)`.
    pub fn new(
        subscription: &str,
        group: &str,
        name: &str,
    ) -> Result<Self, (&'static str, &'static str)> {
        let guid = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
        if subscription.len() != 36 || !subscription.bytes().all(guid) {
            return Err(("subscription", "the subscription's id, a GUID"));
        }
        let of_group = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
        if !(1..=90).contains(&group.chars().count()) || !group.chars().all(of_group) {
            return Err((
                "resource_group",
                "1 to 90 letters, digits, -, _, . and parentheses",
            ));
        }
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(2..=60).contains(&name.len()) || !name.bytes().all(of_name) {
            return Err(("site", "2 to 60 letters, digits and -"));
        }
        Ok(Self {
            subscription: subscription.to_ascii_lowercase(),
            group: group.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The segments of its resource id.
    pub fn segments(&self) -> [&str; 8] {
        [
            "subscriptions",
            &self.subscription,
            "resourceGroups",
            &self.group,
            "providers",
            "Microsoft.Web",
            "sites",
            &self.name,
        ]
    }

    /// Its resource id.
    pub fn id(&self) -> String {
        format!("/{}", self.segments().join("/"))
    }
}

/// What a site is to serve.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Wanted {
    /// The site.
    pub site: Site,
    /// Who marks its deployments.
    pub owner: Owner,
    /// The package.
    pub package: Digest,
    /// A deployment of somebody else that a person decided to replace, by its id.
    pub take_over: Option<String>,
}

/// How far a deployment is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Under way.
    Running,
    /// It failed.
    Failed,
    /// It stands.
    Stands,
}

/// One deployment of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub phase: Phase,
    /// Whether it is what the site serves.
    pub active: bool,
    /// Who, in the deployer's words.
    pub author: String,
    /// By what tool, in its words.
    pub deployer: String,
    /// What, in the deployer's words.
    pub message: String,
}

impl Wanted {
    /// The natural key.
    pub fn key(&self) -> String {
        format!("app-service{}", self.site.id().to_ascii_lowercase())
    }

    /// The deployer under which our deployments go.
    pub fn deployer(&self) -> String {
        format!("evergraph-{}", self.owner)
    }

    /// The message of a deployment of the package by a run.
    pub fn message(&self, run: &str) -> String {
        format!("evergraph sha256:{} run:{run}", self.package)
    }

    /// What the list of deployments says of the site's content.
    pub fn judge(&self, rows: &[Row]) -> Seen {
        let active = rows.iter().find(|row| row.active);
        let running = rows.iter().find(|row| row.phase == Phase::Running);
        match (running, active) {
            // Whatever comes of it decides; until then nothing may be deployed anyway.
            (Some(running), _) => {
                self.seen(running, Standing::BeingMade, Ours::ByRule, Drift::None)
            }
            (None, Some(active)) => {
                let ours = if self.is_ours(active) {
                    Ours::ByRule
                } else {
                    Ours::Foreign
                };
                self.seen(active, Standing::Live, ours, self.drift(active))
            }
            (None, None) => Seen {
                drift: package_differs(),
                ..Seen::ours(self.site.name())
            },
        }
    }

    /// The deployment that keeps us away, if the site's content is somebody else's.
    pub fn foreign<'r>(&self, rows: &'r [Row]) -> Option<&'r Row> {
        rows.iter().find(|row| row.active && !self.is_ours(row))
    }

    /// Whether it is the failed deployment of a run.
    pub fn has_failed(&self, row: &Row, run: &str) -> bool {
        let of_run = parse(&row.message).is_some_and(|(_, other)| other == run);
        row.phase == Phase::Failed && row.deployer == self.deployer() && of_run
    }

    fn seen(&self, row: &Row, standing: Standing, ours: Ours, drift: Drift) -> Seen {
        Seen {
            id: HolderId::new(self.site.name()),
            ours,
            token: self.token(row),
            version: Some(row.id.clone()),
            drift,
            standing,
            content: None,
        }
    }

    /// The run whose deployment it is. Only where it deployed this very package: a token says
    /// that the thing is as that run wanted it.
    fn token(&self, row: &Row) -> Option<Token> {
        let (package, run) = parse(&row.message)?;
        let whole = row.deployer == self.deployer() && package == self.package;
        whole.then(|| Token::new(run))
    }

    fn is_ours(&self, row: &Row) -> bool {
        row.deployer == self.deployer() || self.take_over.as_deref() == Some(row.id.as_str())
    }

    fn drift(&self, row: &Row) -> Drift {
        match parse(&row.message) {
            Some((package, _)) if package == self.package && row.deployer == self.deployer() => {
                Drift::None
            }
            _ => package_differs(),
        }
    }
}

fn package_differs() -> Drift {
    Drift::Patchable(vec!["package".to_owned()])
}

fn parse(message: &str) -> Option<(Digest, String)> {
    let rest = message.strip_prefix("evergraph sha256:")?;
    let (package, run) = rest.split_once(" run:")?;
    Some((Digest::parse(package)?, run.to_owned()))
}

/// Whether an application setting makes a site run from a package at a remote address, into
/// which nothing can be deployed.
pub fn runs_from_remote(name: &str, value: &str) -> bool {
    let named = [
        "WEBSITE_RUN_FROM_PACKAGE",
        "WEBSITE_RUN_FROM_ZIP",
        "WEBSITE_USE_ZIP",
    ];
    let remote = value.len() > 4
        && value
            .get(..4)
            .is_some_and(|at| at.eq_ignore_ascii_case("http"));
    named.iter().any(|one| one.eq_ignore_ascii_case(name)) && remote
}

/// CORS in two places, in words. The platform answers first, and the app's own setting has no
/// effect (<https://learn.microsoft.com/en-us/azure/app-service/app-service-web-tutorial-rest-api>).
pub fn cors_twice(site: &str, platform: &[String], setting: &str, app: &str) -> Option<String> {
    let twice = !platform.is_empty() && !app.trim().is_empty();
    twice.then(|| {
        format!(
            "CORS of {site} is set twice: the platform allows {}, and the app's own setting \
             {setting} says {app}. The platform answers first, so the app's has no effect. \
             Clear one of them; neither was changed.",
            platform.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        let subscription = "11111111-2222-3333-4444-555555555555";
        Wanted {
            site: Site::new(subscription, "shop", "shop-web").unwrap(),
            owner: Owner::parse("team-a").unwrap(),
            package: Digest::of(b"zip"),
            take_over: None,
        }
    }

    fn row(id: &str, phase: Phase, deployer: &str, message: String) -> Row {
        Row {
            id: id.to_owned(),
            phase,
            active: phase == Phase::Stands,
            author: "Ada".to_owned(),
            deployer: deployer.to_owned(),
            message,
        }
    }

    #[track_caller]
    fn check(rows: &[Row], want: (Ours, Standing, bool)) {
        let seen = wanted().judge(rows);
        let got = (seen.ours, seen.standing, seen.drift == Drift::None);
        assert_eq!(got, want, "{rows:?}");
    }

    #[test]
    fn ours_is_what_our_deployer_put_there() {
        let deployer = "evergraph-team-a";
        let same = || wanted().message("r1");
        let stands = |who: &str, what| row("d1", Phase::Stands, who, what);
        check(&[], (Ours::ByRule, Standing::Live, false));
        check(
            &[stands(deployer, same())],
            (Ours::ByRule, Standing::Live, true),
        );
        check(
            &[stands(deployer, "evergraph sha256:00 run:r".into())],
            (Ours::ByRule, Standing::Live, false),
        );
        // The text alone proves nothing, and neither does another owner.
        for foreign in ["GitHub", "evergraph-team-b", "ZipDeploy"] {
            let seen = wanted().judge(&[stands(foreign, same())]);
            assert_eq!((seen.ours, seen.token), (Ours::Foreign, None), "{foreign}");
        }
        check(
            &[row("d1", Phase::Failed, deployer, same())],
            (Ours::ByRule, Standing::Live, false),
        );
    }

    #[test]
    fn a_deployment_under_way_is_waited_for_whoever_began_it() {
        let stands = row(
            "d1",
            Phase::Stands,
            "evergraph-team-a",
            wanted().message("r1"),
        );
        let running = row("temp-1", Phase::Running, "GitHub", "Merge".into());
        check(
            &[running, stands],
            (Ours::ByRule, Standing::BeingMade, true),
        );
    }

    #[test]
    fn a_named_deployment_is_taken_over_and_no_other() {
        let foreign = row("d7", Phase::Stands, "GitHub", "Merge".into());
        let taking = |id: &str| Wanted {
            take_over: Some(id.to_owned()),
            ..wanted()
        };
        let seen = taking("d7").judge(std::slice::from_ref(&foreign));
        assert_eq!(seen.ours, Ours::ByRule);
        assert_eq!(seen.drift, Drift::Patchable(vec!["package".into()]));
        let seen = taking("d8").judge(&[foreign]);
        assert_eq!(seen.ours, Ours::Foreign);
    }

    #[test]
    fn only_a_failure_of_this_run_counts() {
        let failed = row(
            "d2",
            Phase::Failed,
            "evergraph-team-a",
            wanted().message("r2"),
        );
        assert!(wanted().has_failed(&failed, "r2"));
        assert!(!wanted().has_failed(&failed, "r1"));
        let stands = row(
            "d3",
            Phase::Stands,
            "evergraph-team-a",
            wanted().message("r2"),
        );
        assert!(!wanted().has_failed(&stands, "r2"));
    }

    #[test]
    fn a_remote_package_is_an_address() {
        assert!(runs_from_remote(
            "WEBSITE_RUN_FROM_PACKAGE",
            "https://a.example/x.zip"
        ));
        assert!(runs_from_remote(
            "website_use_zip",
            "HTTPS://a.example/x.zip"
        ));
        assert!(!runs_from_remote("WEBSITE_RUN_FROM_PACKAGE", "1"));
        assert!(!runs_from_remote("OTHER", "https://a.example/x.zip"));
    }

    #[test]
    fn cors_in_one_place_is_no_finding() {
        let origins = ["https://a.example".to_owned()];
        assert!(cors_twice("s", &origins, "CORS", "https://b.example").is_some());
        assert!(cors_twice("s", &origins, "CORS", " ").is_none());
        assert!(cors_twice("s", &[], "CORS", "https://b.example").is_none());
    }
}
