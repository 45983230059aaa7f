//! Several sinks: each notification goes where its subscription is declared to go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergraph::adapters::sink::contract::{self, Consumer};
use evergraph::adapters::sink::memory::MemorySink;
use evergraph::adapters::sink::routed::RoutedSink;
use evergraph::domain::notification::event::Event;
use evergraph::domain::notification::refusal::Delay;
use evergraph::domain::subscription::{Declaration, DesiredSet, KeyTag};
use evergraph::ports::declaration::{DeclaredSink, Routing, SinkPlace};
use evergraph::ports::desired::DesiredSource;
use evergraph::ports::sink::{Sink, SinkError};

use crate::world::*;

/// A declaration of which only the routes matter.
#[derive(Default)]
struct Routes(Mutex<Arc<Routing>>);

#[async_trait::async_trait]
impl DesiredSource for Routes {
    fn place(&self) -> String {
        "a test".to_owned()
    }

    async fn read(&self) -> Declaration {
        Declaration::Read(DesiredSet::default())
    }

    fn routing(&self) -> Option<Arc<Routing>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }
}

fn routing(tag: KeyTag, folder: &str) -> Arc<Routing> {
    let orders = DeclaredSink {
        name: "orders".to_owned(),
        place: SinkPlace::Folder(folder.into()),
    };
    Arc::new(Routing {
        sinks: BTreeMap::from([("orders".to_owned(), orders)]),
        routes: BTreeMap::from([(tag, "orders".to_owned())]),
    })
}

/// A sink in memory that fails or hangs as told.
#[derive(Default)]
struct Fickle {
    kept: MemorySink,
    fails: Mutex<bool>,
    hangs: Mutex<bool>,
}

#[async_trait::async_trait]
impl Sink for Fickle {
    fn place(&self) -> String {
        "fickle".to_owned()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        let hangs = *self.hangs.lock().unwrap();
        if hangs {
            std::future::pending::<()>().await;
        }
        if *self.fails.lock().unwrap() {
            return Err(SinkError::Unavailable {
                place: self.place(),
                why: "as told".to_owned(),
            });
        }
        self.kept.write(events).await
    }
}

struct Switch {
    world: World,
    routes: Arc<Routes>,
    default: Arc<Fickle>,
    orders: Arc<Fickle>,
    opened: Arc<Mutex<Vec<String>>>,
}

/// The inbox goes to orders, files to the default.
fn switch() -> Switch {
    let (default, orders) = (Arc::new(Fickle::default()), Arc::new(Fickle::default()));
    let routes = Arc::new(Routes(Mutex::new(routing(inbox().key.tag(), "a"))));
    let opened = Arc::new(Mutex::new(Vec::new()));
    let (target, log) = (Arc::clone(&orders), Arc::clone(&opened));
    let open = move |sink: &DeclaredSink| {
        let SinkPlace::Folder(folder) = &sink.place else {
            return Err("no folder".to_owned());
        };
        log.lock().unwrap().push(folder.display().to_string());
        match folder.to_str() {
            Some("broken") => Err("it is broken".to_owned()),
            _ => Ok(Arc::clone(&target) as Arc<dyn Sink>),
        }
    };
    let sink = RoutedSink::new(
        Arc::clone(&default) as _,
        Arc::clone(&routes) as _,
        Box::new(open),
    );
    let world = World::of(Plan {
        memory: true,
        sink: Some(Arc::new(sink)),
        ..Plan::default()
    });
    Switch {
        world,
        routes,
        default,
        orders,
        opened,
    }
}

impl Switch {
    async fn post(&self, first: u32) -> u16 {
        let items = [
            self.world.change(&inbox(), first),
            self.world.change(&inbox(), first + 1),
            self.world.change(&files(), first),
        ];
        self.world.post(&items).await
    }

    /// Events in the default sink, and in that of the orders.
    fn counts(&self) -> (usize, usize) {
        let count = |sink: &Fickle| sink.kept.events().len();
        (count(&self.default), count(&self.orders))
    }
}

#[tokio::test(start_paused = true)]
async fn each_event_goes_where_its_subscription_is_declared_to_go() {
    let switch = switch();
    assert_eq!(switch.post(1).await, 202);
    assert_eq!(switch.counts(), (1, 2));
    assert_eq!(switch.post(10).await, 202);
    assert_eq!(*switch.opened.lock().unwrap(), ["a"], "opened once");
}

#[tokio::test(start_paused = true)]
async fn another_declaration_is_taken_up_with_the_next_event() {
    let switch = switch();
    assert_eq!(switch.post(1).await, 202);
    *switch.routes.0.lock().unwrap() = routing(files().key.tag(), "b");
    assert_eq!(switch.post(10).await, 202);
    // Now the inbox is in no route, as one that is no longer declared.
    assert_eq!(switch.counts(), (3, 3));
    *switch.routes.0.lock().unwrap() = Arc::default();
    assert_eq!(switch.post(20).await, 202);
    assert_eq!(switch.counts(), (6, 3));
    assert_eq!(*switch.opened.lock().unwrap(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn what_one_sink_did_not_take_comes_again_and_what_the_other_took_is_not_doubled() {
    let switch = switch();
    *switch.orders.fails.lock().unwrap() = true;
    assert_eq!(switch.post(1).await, 503);
    assert_eq!(switch.counts(), (1, 0));
    *switch.orders.fails.lock().unwrap() = false;
    assert_eq!(switch.post(1).await, 202);
    // A file says only that something changed, so it always passes.
    assert_eq!(switch.counts(), (2, 2));
    *switch.default.fails.lock().unwrap() = true;
    assert_eq!(switch.post(10).await, 503);
    assert_eq!(switch.counts(), (2, 4));
    *switch.default.fails.lock().unwrap() = false;
    assert_eq!(switch.post(10).await, 202);
    assert_eq!(switch.counts(), (3, 4), "both messages were written before");
    assert_eq!(switch.world.figures().delayed.get(&Delay::Sink), Some(&2));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_does_not_make_the_other_forget() {
    let switch = switch();
    *switch.default.hangs.lock().unwrap() = true;
    let began = tokio::time::Instant::now();
    assert_eq!(switch.post(1).await, 503);
    assert!(began.elapsed() < Duration::from_secs(2));
    *switch.default.hangs.lock().unwrap() = false;
    assert_eq!(switch.post(1).await, 202);
    assert_eq!(switch.counts(), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn events_for_a_sink_that_cannot_be_opened_are_left_nowhere_else() {
    let switch = switch();
    *switch.routes.0.lock().unwrap() = routing(inbox().key.tag(), "broken");
    assert_eq!(switch.post(1).await, 503);
    assert_eq!(switch.counts(), (1, 0));
}

struct Ordered(Arc<Fickle>);

#[async_trait::async_trait]
impl Consumer for Ordered {
    async fn take(&self) -> Vec<String> {
        let events = self.0.kept.events();
        self.0.kept.clear();
        let text = |event: &bytes::Bytes| String::from_utf8(event.to_vec()).unwrap();
        events.iter().map(text).collect()
    }
}

#[tokio::test]
async fn a_switched_sink_keeps_the_contract_of_all_sinks() {
    let tag = contract::event(1, 0).tag;
    let orders = Arc::new(Fickle::default());
    let target = Arc::clone(&orders);
    let sink = RoutedSink::new(
        Arc::new(MemorySink::default()),
        Arc::new(Routes(Mutex::new(routing(tag, "a")))),
        Box::new(move |_| Ok(Arc::clone(&target) as Arc<dyn Sink>)),
    );
    let consumer = Ordered(Arc::clone(&orders));
    contract::hands_on_what_it_took(&sink, &consumer).await;
    contract::takes_events_of_any_size(&sink, &consumer).await;
    contract::takes_many_at_once(&sink, &consumer).await;
    contract::serves_many_writers(&sink, &consumer).await;
    contract::takes_a_repeat(&sink, &consumer).await;
}
