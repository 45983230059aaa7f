//! All pretended services at once, each at its own address, with something in them to begin with.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::app_service::AppService;
use super::blob::BlobService;
use super::bookings::Bookings;
use super::cosmos::{Cosmos, REGIONS, Setup};
use super::door::{RunningService, Service, serve_at};
use super::event_grid::EventGrid;
use super::key_vault::KeyVault;
use super::teams_channels::TeamsChannels;
use crate::sim::clock::SimClock;

/// The bookings business that is there.
pub const BUSINESS: &str = "clinic@contoso.com";
/// The site that is there, and the resource group in which it lies.
pub const SITE: &str = "shop-web";
/// Resource id of the site's group.
pub const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop";
/// The container that is there.
pub const CONTAINER: &str = "releases";
/// The team that is there.
pub const TEAM: &str = "2b6f0c53-8c1e-4f1d-9a77-3e5d1c0b9f24";
/// The system topic that is there; it is ready a minute after the start.
pub const TOPIC: &str = "orders";

/// The services, running until dropped.
pub struct House {
    /// Name, address, and what is there, of each.
    pub services: Vec<(&'static str, String, String)>,
    _running: Vec<RunningService>,
}

impl House {
    /// Starts all of them, on ports from `port` on, or on free ones where it is 0.
    ///
    /// # Errors
    /// The port that cannot be had, and why.
    pub async fn start(port: u16, now: Timestamp) -> Result<Self, (u16, std::io::Error)> {
        let bookings = Bookings::new(&[BUSINESS]);
        let cosmos = Cosmos::new(Setup {
            lag: Some(Duration::from_secs(2)),
            ..Setup::default()
        });
        let sites = AppService::new(Arc::new(SimClock::running(now)));
        sites.portal_create_site(GROUP, SITE);
        let blobs = BlobService::new(Arc::new(SimClock::running(now)));
        blobs.portal_create_container(CONTAINER);
        let mut all: Vec<(&'static str, Arc<dyn Service>, String)> = vec![(
            "bookings",
            bookings,
            format!("business {BUSINESS}, API below /v1.0"),
        )];
        for region in 0..REGIONS {
            let name = ["cosmos-1", "cosmos-2"].get(region).copied();
            let there = "any database and container, partition key /pk".to_owned();
            all.push((name.unwrap_or("cosmos"), cosmos.region(region), there));
        }
        all.push(("app-service", sites, format!("site {SITE} in {GROUP}")));
        all.push(("blob", blobs, format!("container {CONTAINER}")));
        all.extend(differing(now));
        let (mut services, mut running) = (Vec::new(), Vec::new());
        for (at, (name, service, there)) in (0_u16..).zip(all) {
            let port = if port == 0 {
                0
            } else {
                port.saturating_add(at)
            };
            let one = serve_at(port, service).await.map_err(|why| (port, why))?;
            services.push((name, one.url(), there));
            running.push(one);
        }
        let regions = services
            .iter()
            .filter(|(name, ..)| name.starts_with("cosmos"));
        let regions: Vec<String> = regions.map(|(_, url, _)| url.clone()).collect();
        cosmos.set_endpoints(&regions);
        Ok(Self {
            services,
            _running: running,
        })
    }
}

/// The services that are there for the differences between portal and API alone.
fn differing(now: Timestamp) -> [(&'static str, Arc<dyn Service>, String); 3] {
    let vault = KeyVault::new(Arc::new(SimClock::running(now)));
    let events = EventGrid::new(Arc::new(SimClock::running(now)));
    events.portal_create_topic(GROUP, TOPIC, SignedDuration::from_mins(1));
    let team = format!("team {TEAM}, API below /v1.0");
    let topic = format!("system topic {TOPIC} in {GROUP}, ready in a minute");
    [
        ("teams", TeamsChannels::new(&[TEAM]), team),
        ("key-vault", vault, "an empty vault".to_owned()),
        ("event-grid", events, topic),
    ]
}
