//! A simulated site, and kinds over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evergraph::adapters::kinds::app_service::{AppServiceKind, UPLOAD};
use evergraph::adapters::kinds::call::{FixedBearer, Line};
use evergraph::app::ensure::{Account, Terms};
use evergraph::domain::conflict::Service;
use evergraph::domain::ensure::Token;
use evergraph::domain::ensure::kinds::app_service::{Site, Wanted};
use evergraph::domain::ensure::kinds::owner::{Digest, Owner};
use evergraph::sim::clock::SimClock;
use evergraph::sim::services::app_service::AppService;
use evergraph::sim::services::app_service::site::Deployment;
use evergraph::sim::services::{RunningService, serve};
use url::Url;

use crate::kinds::engine;
use crate::paced::{Paced, held};

pub const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
pub const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop";
pub const SITE: &str = "shop-web";

pub struct Bed {
    pub sim: Arc<AppService>,
    running: RunningService,
}

/// What differs from test to test.
#[derive(Clone)]
pub struct Wish {
    pub owner: &'static str,
    pub package: &'static str,
    pub take_over: Option<String>,
}

pub fn package(package: &'static str) -> Wish {
    Wish {
        owner: "team-a",
        package,
        take_over: None,
    }
}

impl Bed {
    pub async fn new() -> Self {
        let start = "2026-03-01T12:00:00Z".parse().unwrap();
        let sim = AppService::new(Arc::new(SimClock::running(start)));
        sim.portal_create_site(GROUP, SITE);
        let running = serve(Arc::clone(&sim) as _).await.unwrap();
        Self { sim, running }
    }

    /// The wanted content, as one run of one process sees it.
    pub fn kind(&self, run: u64, wish: &Wish) -> Paced<AppServiceKind> {
        let root = Url::parse(&self.running.url()).unwrap();
        let scm = root.join(&format!("scm/{SITE}")).unwrap();
        let bearer = || Arc::new(FixedBearer("token".into()));
        let kudu = Line::new(scm, Service::AppService, bearer()).unwrap();
        let arm = Line::new(root, Service::Arm, bearer()).unwrap();
        let wanted = Wanted {
            site: Site::new(SUBSCRIPTION, "shop", SITE).unwrap(),
            owner: Owner::parse(wish.owner).unwrap(),
            package: Digest::of(wish.package.as_bytes()),
            take_over: wish.take_over.clone(),
        };
        let cors = Some("CORS_ORIGINS".to_owned());
        let bytes = wish.package.as_bytes().to_vec();
        let run = Token::new(format!("run-{run}"));
        Paced(AppServiceKind::new(kudu, arm, wanted, bytes, cors, run))
    }

    /// One run.
    pub async fn run(&self, wish: &Wish) -> Account {
        let number = number();
        let kind = self.kind(number, wish);
        engine(number).run(&kind, terms()).await
    }

    pub async fn findings(&self, wish: &Wish) -> Vec<String> {
        let kind = self.kind(number(), wish);
        held(kind.0.findings()).await
    }

    /// How many packages were sent.
    pub fn deploys(&self) -> usize {
        let called = self.sim.called();
        let deploys = called.iter().filter(|call| call.operation == "zip deploy");
        deploys.count()
    }

    pub fn active(&self) -> Deployment {
        let mut rows = self.sim.deployments(SITE).into_iter();
        rows.find(|one| one.active).unwrap()
    }
}

pub fn number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

pub fn terms() -> Terms {
    Terms {
        call: UPLOAD + Duration::from_secs(60),
        ..Terms::default()
    }
}
