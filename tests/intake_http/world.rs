//! A handler with a real intake: a simulated Graph, a store in memory, a folder as the sink.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergraph::adapters::crypto::DecryptionKeys;
use evergraph::adapters::event_ids::CountedIds;
use evergraph::adapters::sink::file::{FileSink, events_in};
use evergraph::adapters::sink::memory::MemorySink;
use evergraph::app::intake::{Figures, Intake, IntakeConfig, IntakeServices};
use evergraph::app::reception::{Reception, ReceptionServices};
use evergraph::app::statistics::Statistics;
use evergraph::domain::ids::{AppId, TenantId};
use evergraph::domain::notification::event::Event;
use evergraph::domain::notification::refusal::TokenFault;
use evergraph::domain::notification::token::Proven;
use evergraph::domain::ownership::Home;
use evergraph::domain::subscription::Desired;
use evergraph::http::{Handler, HandlerParts};
use evergraph::ports::keys::{PublisherTokens, TokenError};
use evergraph::ports::sink::{Sink, SinkError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::fleet::{Fleet, TENANT, home, wish};
use crate::full::Fillable;

pub const NOTIFICATIONS: &str = "/api/notifications/prod";
pub const LIFECYCLE: &str = "/api/lifecycle/prod";

/// Fails or dawdles as told, and hands on otherwise.
pub struct Moody {
    inner: Arc<dyn Sink>,
    pub failures: Mutex<VecDeque<bool>>,
    pub takes: Mutex<Duration>,
}

#[async_trait::async_trait]
impl Sink for Moody {
    fn place(&self) -> String {
        self.inner.place()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        let takes = *self.takes.lock().unwrap();
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        if self.failures.lock().unwrap().pop_front() == Some(true) {
            return Err(SinkError::Unavailable {
                place: self.place(),
                why: "as told".to_owned(),
            });
        }
        self.inner.write(events).await
    }
}

/// Tokens by their text: `good:{tenant}`, anything else is wrong. Notes what it is told.
#[derive(Default)]
pub struct Publisher(pub Mutex<Option<(BTreeSet<AppId>, bool)>>);

#[async_trait::async_trait]
impl PublisherTokens for Publisher {
    fn applications(&self, known: BTreeSet<AppId>, complete: bool) {
        *self.0.lock().unwrap() = Some((known, complete));
    }

    async fn check(&self, token: &str, _: Timestamp) -> Result<Proven, TokenError> {
        let Some(tenant) = token.strip_prefix("good:") else {
            return Err(TokenError::Wrong(TokenFault::Signature));
        };
        Ok(Proven {
            tenant: TenantId::parse(tenant).unwrap(),
            application: AppId::parse("app").unwrap(),
            until: Timestamp::MAX,
        })
    }
}

pub struct World {
    pub fleet: Fleet,
    pub handler: Handler,
    router: Router,
    pub sink: Arc<Moody>,
    pub publisher: Arc<Publisher>,
    pub reception: Arc<Reception>,
    /// Where the intake leaves its wake marks.
    pub store: Arc<Fillable>,
    kept: Kept,
}

enum Kept {
    Folder(tempfile::TempDir),
    Memory(Arc<MemorySink>),
}

/// What a test may change before the world is made.
pub struct Plan {
    pub wishes: Vec<Desired>,
    pub keys: DecryptionKeys,
    pub memory: bool,
    /// A sink instead of the usual one.
    pub sink: Option<Arc<dyn Sink>>,
    pub change: fn(&mut IntakeConfig),
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            wishes: vec![inbox(), files()],
            keys: DecryptionKeys::none(),
            memory: false,
            sink: None,
            change: |_| {},
        }
    }
}

pub fn inbox() -> Desired {
    wish("inbox", "users/u0/messages", "created,updated")
}

pub fn files() -> Desired {
    wish("files", "drives/d/root", "updated")
}

impl World {
    /// With a folder as its sink, under real time.
    pub fn new() -> Self {
        Self::of(Plan::default())
    }

    /// With a sink in memory, for paused time.
    pub fn in_memory() -> Self {
        Self::of(Plan {
            memory: true,
            ..Plan::default()
        })
    }

    pub fn of(plan: Plan) -> Self {
        let fleet = Fleet::new(plan.wishes);
        let (inner, kept): (Arc<dyn Sink>, Kept) = match plan.memory {
            true => {
                let sink = Arc::new(MemorySink::default());
                (Arc::clone(&sink) as _, Kept::Memory(sink))
            }
            false => {
                let folder = tempfile::tempdir().unwrap();
                let sink = FileSink::open(folder.path()).unwrap();
                (Arc::new(sink), Kept::Folder(folder))
            }
        };
        let sink = Arc::new(Moody {
            inner,
            failures: Mutex::default(),
            takes: Mutex::default(),
        });
        let publisher = Arc::new(Publisher::default());
        let former = ["https://old.example.com/api/notifications/staging"];
        let home = home("https://app.example.com", "prod", &former);
        let mut config = IntakeConfig::new(home.clone(), Arc::clone(&fleet.config.ring));
        (plan.change)(&mut config);
        let store = Arc::new(Fillable {
            inner: Arc::clone(&fleet.services.store),
            is_full: AtomicBool::new(false),
        });
        let services = IntakeServices {
            sink: plan.sink.unwrap_or_else(|| Arc::clone(&sink) as _),
            store: Arc::clone(&store) as _,
            clock: Arc::clone(&fleet.services.clock),
            ids: Arc::new(CountedIds::of_process(7)),
            publisher: Arc::clone(&publisher) as _,
            keys: Arc::new(plan.keys),
        };
        let intake = Arc::new(Intake::new(services, config));
        let reception = reception(&fleet, intake, &publisher);
        let handler = handler(&fleet, &home, &reception);
        Self {
            router: handler.router(),
            fleet,
            handler,
            sink,
            publisher,
            reception,
            store,
            kept,
        }
    }

    pub async fn post_body(&self, path: &str, body: impl Into<Body>) -> StatusCode {
        let request = Request::post(path)
            .header("content-type", "application/json; charset=utf-8")
            .body(body.into())
            .unwrap();
        let router = self.router.clone();
        router.oneshot(request).await.unwrap().status()
    }

    /// Any request.
    pub async fn send(&self, request: Request<Body>) -> StatusCode {
        let router = self.router.clone();
        router.oneshot(request).await.unwrap().status()
    }

    pub async fn post(&self, items: &[Value]) -> u16 {
        let body = json!({ "value": items }).to_string();
        self.post_body(NOTIFICATIONS, body).await.as_u16()
    }

    /// The events that are in the sink.
    pub fn events(&self) -> Vec<Value> {
        let lines = match &self.kept {
            Kept::Folder(folder) => events_in(folder.path()).unwrap(),
            Kept::Memory(sink) => sink
                .events()
                .iter()
                .map(|event| String::from_utf8(event.to_vec()).unwrap())
                .collect(),
        };
        let parse = |line: &String| serde_json::from_str(line).unwrap();
        lines.iter().map(parse).collect()
    }

    pub fn figures(&self) -> Figures {
        self.reception.intake().figures()
    }

    pub fn jump(&self, length: SignedDuration) {
        self.fleet.sim.clock.advance(length);
    }

    /// The clientState of a wish, as our ring signs it.
    pub fn client_state(&self, wish: &Desired) -> String {
        let config = &self.fleet.config;
        let state = config
            .ring
            .derive(&config.home.current.fleet, &wish.key.tag());
        state.expose().to_owned()
    }

    /// A basic change of a thing.
    pub fn change(&self, wish: &Desired, number: u32) -> Value {
        json!({
            "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
            "subscriptionExpirationDateTime": "2030-01-05T00:00:00.8+00:00",
            "changeType": "updated",
            "clientState": self.client_state(wish),
            "tenantId": TENANT,
            "resource": format!("Users('u0')/Messages('m{number}')"),
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Message",
                "@odata.id": format!("Users('u0')/Messages('m{number}')"),
                "@odata.etag": "W/\"1\"",
                "id": format!("m{number}"),
            },
        })
    }

    pub fn lifecycle(&self, wish: &Desired, word: &str, subscription: &str) -> Value {
        json!({
            "subscriptionId": subscription,
            "subscriptionExpirationDateTime": "2030-01-05T00:00:00.0000000Z",
            "organizationId": TENANT,
            "clientState": self.client_state(wish),
            "lifecycleEvent": word,
        })
    }
}

fn reception(fleet: &Fleet, intake: Arc<Intake>, publisher: &Arc<Publisher>) -> Arc<Reception> {
    let services = ReceptionServices {
        desired: Arc::clone(&fleet.services.desired),
        graph: Arc::clone(&fleet.services.graph),
        publisher: Arc::clone(publisher) as _,
        applications: BTreeSet::new(),
    };
    let statistics = Statistics::new(
        Arc::clone(&fleet.services.store),
        Arc::clone(&fleet.services.clock),
        Arc::new(CountedIds::of_process(9)),
        Arc::clone(&fleet.services.trail),
    );
    Reception::new(intake, services, Arc::new(statistics))
}

fn handler(fleet: &Fleet, home: &Home, reception: &Arc<Reception>) -> Handler {
    let tick = SignedDuration::from_mins(5);
    let handler = Handler::new(home.fleets().cloned().collect(), tick);
    handler.take_in(Arc::clone(reception));
    handler.ready(HandlerParts {
        services: fleet.services.clone(),
        config: fleet.config.clone(),
        pass_limit: Duration::from_secs(570),
    });
    handler
}
