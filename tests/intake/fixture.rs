//! An intake between a scripted sink and scripted keys.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::adapters::event_ids::CountedIds;
use evergraph::adapters::state::memory::MemoryStore;
use evergraph::app::intake::{Answer, Intake, IntakeConfig, IntakeServices, Receipt, Route};
use evergraph::domain::client_state::KeyRing;
use evergraph::domain::ids::{AppId, FleetId, SubscriptionName, TenantId};
use evergraph::domain::notification::Sealed;
use evergraph::domain::notification::event::Event;
use evergraph::domain::notification::refusal::{Refusal, TokenFault};
use evergraph::domain::notification::roster::{Expected, Opening, Roster};
use evergraph::domain::notification::token::Proven;
use evergraph::domain::ownership::{FleetUrl, Home, Origin};
use evergraph::domain::resource::ResourceKind;
use evergraph::domain::subscription::KeyTag;
use evergraph::ports::clock::{Clock, ClockError};
use evergraph::ports::keys::{ContentKeys, OpenError, Opened, PublisherTokens, TokenError};
use evergraph::ports::sink::{Sink, SinkError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub const TENANT: &str = "84bd8158-6d4d-4958-8b9f-9d6445542f95";
pub const OTHER: &str = "9f4ebab6-520d-49c0-85cc-7b25c78d4a93";
pub const INBOX: KeyTag = KeyTag::from_bytes([1; 16]);
pub const DRIVE: KeyTag = KeyTag::from_bytes([2; 16]);
pub const RICH: KeyTag = KeyTag::from_bytes([3; 16]);
pub const SEALED: KeyTag = KeyTag::from_bytes([4; 16]);
pub const GONE: KeyTag = KeyTag::from_bytes([9; 16]);

/// A sink that fails as told.
#[derive(Default)]
pub struct ScriptedSink {
    pub events: Mutex<Vec<Event>>,
    pub failures: Mutex<VecDeque<bool>>,
    pub takes: Mutex<Duration>,
    pub calls: Mutex<usize>,
}

#[async_trait::async_trait]
impl Sink for ScriptedSink {
    fn place(&self) -> String {
        "the scripted sink".to_owned()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        assert!(!events.is_empty());
        *self.calls.lock().unwrap() += 1;
        let takes = *self.takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        if self.failures.lock().unwrap().pop_front() == Some(true) {
            return Err(SinkError::Unavailable {
                place: self.place(),
                why: "as scripted".to_owned(),
            });
        }
        self.events.lock().unwrap().extend_from_slice(events);
        Ok(())
    }
}

/// Tokens by their text: `good:{tenant}`, `away`, anything else is wrong.
pub struct ScriptedPublisher;

#[async_trait::async_trait]
impl PublisherTokens for ScriptedPublisher {
    async fn check(&self, token: &str, _: Timestamp) -> Result<Proven, TokenError> {
        match token.split_once(':') {
            Some(("good", tenant)) => Ok(Proven {
                tenant: TenantId::parse(tenant).unwrap(),
                application: AppId::parse("app").unwrap(),
                until: Timestamp::MAX,
            }),
            _ if token == "away" => Err(TokenError::Unchecked { why: "away".into() }),
            _ => Err(TokenError::Wrong(TokenFault::Signature)),
        }
    }
}

/// Content in the clear: `data` is what comes out, `dataSignature` says whether it is genuine.
pub struct ScriptedKeys;

impl ContentKeys for ScriptedKeys {
    fn holds(&self, certificate_id: &str) -> bool {
        certificate_id == "cert"
    }

    fn open(&self, sealed: &Sealed<'_>) -> Result<Opened, OpenError> {
        if sealed.certificate_id.as_deref() != Some("cert") {
            return Err(OpenError::NotLoaded {
                certificate_id: "another".into(),
            });
        }
        match sealed.signature.as_deref() {
            None => Err(OpenError::Wrong(Refusal::NoDataSignature)),
            Some("good") => {
                let data = sealed.data.as_deref().unwrap().as_bytes().to_vec();
                Ok(Opened::new(data.into()))
            }
            Some(_) => Err(OpenError::Wrong(Refusal::DataSignature)),
        }
    }
}

/// A clock that is set by hand; `None` cannot be read.
pub struct SetClock(pub Mutex<Option<Timestamp>>);

#[async_trait::async_trait]
impl Clock for SetClock {
    async fn now(&self) -> Result<Timestamp, ClockError> {
        let now = *self.0.lock().unwrap();
        now.ok_or_else(|| ClockError {
            place: "the test".into(),
            why: "stopped".into(),
        })
    }
}

pub struct World {
    pub intake: Arc<Intake>,
    pub sink: Arc<ScriptedSink>,
    pub store: Arc<MemoryStore>,
    pub clock: Arc<SetClock>,
}

pub fn ring(kid: &str) -> KeyRing {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    KeyRing::parse(&format!("{kid}:{key}")).unwrap()
}

pub fn fleet() -> FleetId {
    FleetId::parse("prod").unwrap()
}

pub fn client_state(tag: KeyTag) -> String {
    ring("a").derive(&fleet(), &tag).expose().to_owned()
}

fn expected(name: &str, kind: ResourceKind, opening: Option<Opening>) -> Expected {
    Expected {
        name: SubscriptionName::parse(name).unwrap(),
        tenant: TenantId::parse(TENANT).unwrap(),
        kind,
        resource_data: opening.is_some(),
        opening: opening.unwrap_or(Opening::Decrypt),
    }
}

pub fn roster() -> Roster {
    Roster::from_iter([
        (INBOX, expected("inbox", ResourceKind::Message, None)),
        (DRIVE, expected("files", ResourceKind::DriveItem, None)),
        (
            RICH,
            expected("rich", ResourceKind::Message, Some(Opening::Decrypt)),
        ),
        (
            SEALED,
            expected("sealed", ResourceKind::Message, Some(Opening::PassOn)),
        ),
    ])
}

pub fn world() -> World {
    world_with(|_| {})
}

/// An intake that was never told what is declared.
pub fn untold() -> World {
    build(|_| {})
}

pub fn world_with(change: impl FnOnce(&mut IntakeConfig)) -> World {
    let world = build(change);
    world.intake.declare(roster());
    world
}

fn build(change: impl FnOnce(&mut IntakeConfig)) -> World {
    let home = Home {
        current: FleetUrl {
            origin: Origin::parse("https://app.example.com").unwrap(),
            fleet: fleet(),
        },
        former: Vec::new(),
    };
    let mut config = IntakeConfig::new(home, Arc::new(ring("a")));
    change(&mut config);
    let sink = Arc::new(ScriptedSink::default());
    let store = Arc::new(MemoryStore::new());
    let start = "2030-01-02T03:04:05Z".parse().unwrap();
    let clock = Arc::new(SetClock(Mutex::new(Some(start))));
    let services = IntakeServices {
        sink: Arc::clone(&sink) as _,
        store: Arc::clone(&store) as _,
        clock: Arc::clone(&clock) as _,
        ids: Arc::new(CountedIds::of_process(7)),
        publisher: Arc::new(ScriptedPublisher),
        keys: Arc::new(ScriptedKeys),
    };
    let intake = Arc::new(Intake::new(services, config));
    World {
        intake,
        sink,
        store,
        clock,
    }
}

/// A basic change of a message.
pub fn message(tag: KeyTag, number: u32) -> Value {
    json!({
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "subscriptionExpirationDateTime": "2030-01-05T00:00:00.8+00:00",
        "changeType": "created",
        "clientState": client_state(tag),
        "tenantId": TENANT,
        "resource": format!("Users('u')/Messages('m{number}')"),
        "resourceData": {
            "@odata.type": "#Microsoft.Graph.Message",
            "@odata.id": format!("Users('u')/Messages('m{number}')"),
            "@odata.etag": "W/\"1\"",
            "id": format!("m{number}"),
        },
    })
}

/// A change with content, genuine or not by the word.
pub fn rich(tag: KeyTag, number: u32, signature: &str) -> Value {
    let mut item = message(tag, number);
    item["encryptedContent"] = json!({
        "data": r#"{"subject":"opened"}"#,
        "dataSignature": signature,
        "dataKey": "key",
        "encryptionCertificateId": "cert",
        "encryptionCertificateThumbprint": "AA",
    });
    item
}

pub fn lifecycle(word: &str, subscription: &str) -> Value {
    json!({
        "subscriptionId": subscription,
        "subscriptionExpirationDateTime": "2030-01-05T00:00:00.0000000Z",
        "organizationId": TENANT,
        "clientState": client_state(INBOX),
        "lifecycleEvent": word,
    })
}

impl World {
    pub async fn post_text(&self, route: Route, text: &str) -> Answer {
        let admission = self.intake.admit().unwrap();
        self.intake.receive(admission, route, text.as_bytes()).await
    }

    pub async fn post_with(&self, items: &[Value], tokens: Value) -> Answer {
        let body = json!({ "value": items, "validationTokens": tokens });
        self.post_text(Route::Notifications, &body.to_string())
            .await
    }

    pub async fn post(&self, items: &[Value]) -> Answer {
        let body = json!({ "value": items });
        self.post_text(Route::Notifications, &body.to_string())
            .await
    }

    /// The events in the sink.
    pub fn events(&self) -> Vec<Value> {
        let events = self.sink.events.lock().unwrap();
        events
            .iter()
            .map(|event| serde_json::from_slice(&event.json).unwrap())
            .collect()
    }

    pub fn pass(&self, length: SignedDuration) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.map(|now| now + length);
    }

    /// How often an item was refused for this reason.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        let figures = self.intake.figures();
        figures.refused.get(&refusal).copied().unwrap_or(0)
    }
}

/// The answer in short: status, written, repeats, refused, delays.
pub fn short(answer: &Answer) -> String {
    let (status, receipt) = match answer {
        Answer::Accepted(receipt) => (202, receipt),
        Answer::TryLater(receipt) => (503, receipt),
        Answer::Unreadable => return "400".to_owned(),
        Answer::TooLarge => return "413".to_owned(),
    };
    let Receipt {
        written,
        repeats,
        refused,
        delays,
        ..
    } = receipt;
    let delays: Vec<_> = delays.iter().map(|delay| delay.as_str()).collect();
    let text = format!(
        "{status} {written}w {repeats}r {refused}x {}",
        delays.join(",")
    );
    text.trim_end().to_owned()
}

#[track_caller]
pub fn check(answer: &Answer, wanted: &str) {
    assert_eq!(short(answer), wanted);
}
