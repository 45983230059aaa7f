//! A running account, and kinds that call it.

use std::sync::Arc;
use std::time::Duration;

use evergraph::adapters::kinds::call::{FixedBearer, Line};
use evergraph::adapters::kinds::cosmos::{Container, CosmosItem};
use evergraph::domain::conflict::Service;
use evergraph::domain::ensure::kinds::cosmos::ItemSpec;
use evergraph::domain::ensure::kinds::fields::Fields;
use evergraph::domain::ensure::kinds::owner::Owner;
use evergraph::sim::clock::SimClock;
use evergraph::sim::services::cosmos::{Cosmos, Policy, Setup};
use evergraph::sim::services::{RunningService, serve};
use serde_json::{Value, json};
use url::Url;

pub const PARTITION: &str = "p";
pub const ID: &str = "ledger";

pub struct Bed {
    pub cosmos: Arc<Cosmos>,
    pub regions: Vec<RunningService>,
}

pub async fn bed(setup: Setup) -> Bed {
    let cosmos = Cosmos::new(setup);
    let mut regions = Vec::new();
    for region in 0..2 {
        regions.push(serve(cosmos.region(region)).await.unwrap());
    }
    let endpoints: Vec<String> = regions.iter().map(RunningService::url).collect();
    cosmos.set_endpoints(&endpoints);
    Bed { cosmos, regions }
}

/// Writes reach the other region after two seconds.
pub fn lagging() -> Setup {
    Setup {
        lag: Some(Duration::from_secs(2)),
        ..Setup::default()
    }
}

pub fn custom() -> Setup {
    Setup {
        policy: Policy::Custom,
        ..lagging()
    }
}

pub fn by_number() -> Setup {
    Setup {
        policy: Policy::LastWriterWins { path: "/n".into() },
        ..lagging()
    }
}

/// An item as another program has it, or another process of ours.
pub fn marked(mark: &str, n: i64) -> Value {
    json!({"id": ID, "pk": PARTITION, "n": n, "evergraph": mark})
}

pub fn spec(owner: &str, n: i64) -> ItemSpec {
    ItemSpec {
        database: "db".into(),
        container: "things".into(),
        partition: json!(PARTITION).to_string(),
        id: ID.into(),
        owner: Owner::parse(owner).unwrap(),
        fields: Fields::from([("n".to_owned(), n.to_string())]),
        adopt: false,
    }
}

impl Bed {
    /// The item of a specification, its regions in this order.
    pub fn kind(&self, regions: &[usize], spec: ItemSpec) -> CosmosItem {
        let line = |region: &usize| {
            let base = Url::parse(&self.regions[*region].url()).unwrap();
            let bearer = Arc::new(FixedBearer("ey.J.x".into()));
            Line::new(base, Service::Cosmos, bearer).unwrap()
        };
        let clock = SimClock::running("2026-03-01T12:00:00Z".parse().unwrap());
        let lines = regions.iter().map(line).collect();
        let partition = json!(PARTITION);
        let (database, container) = (spec.database.clone(), spec.container.clone());
        let container = Container::new(lines, &database, &container, &partition, Arc::new(clock));
        CosmosItem::new(container, spec)
    }

    /// Our item in the first region only.
    pub fn one(&self, n: i64) -> CosmosItem {
        self.kind(&[0], spec("us", n))
    }

    /// Our item in both regions.
    pub fn both(&self, n: i64) -> CosmosItem {
        self.kind(&[0, 1], spec("us", n))
    }

    pub fn item(&self, region: usize) -> Value {
        let item = self.cosmos.item(region, PARTITION, ID);
        item.unwrap_or(Value::Null)
    }

    /// Writes that were sent, with what they were answered.
    pub fn writes(&self) -> Vec<(String, Option<u16>)> {
        let writes = self.cosmos.writes().into_iter();
        writes.map(|call| (call.operation, call.status)).collect()
    }
}
