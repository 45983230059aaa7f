//! Several sinks behind one: each event goes where its subscription is declared to go, and
//! everything else, that of subscriptions no longer declared included, to the sink of the
//! settings.
//!
//! A sink that cannot be opened or written fails for its own events only: those are answered
//! 503 and come again, and are never left somewhere else, where nobody would look for them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;

use crate::domain::notification::event::Event;
use crate::ports::declaration::{DeclaredSink, Routing};
use crate::ports::desired::DesiredSource;
use crate::ports::sink::{Sink, SinkError};

/// Opens a declared sink; the error says why it cannot.
pub type OpenSink = Box<dyn Fn(&DeclaredSink) -> Result<Arc<dyn Sink>, String> + Send + Sync>;

/// The sink of the settings, and those of the last declaration that could be used.
pub struct RoutedSink {
    default: Arc<dyn Sink>,
    desired: Arc<dyn DesiredSource>,
    open: OpenSink,
    table: Mutex<Arc<Table>>,
}

#[derive(Default)]
struct Table {
    routing: Arc<Routing>,
    open: BTreeMap<String, Result<Arc<dyn Sink>, String>>,
}

impl fmt::Debug for RoutedSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoutedSink({})", self.default.place())
    }
}

impl RoutedSink {
    /// Over the sink of the settings. Declared ones are opened when a declaration names them.
    pub fn new(default: Arc<dyn Sink>, desired: Arc<dyn DesiredSource>, open: OpenSink) -> Self {
        Self {
            default,
            desired,
            open,
            table: Mutex::default(),
        }
    }

    /// The table of the declaration in use.
    fn table(&self) -> Arc<Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(routing) = self.desired.routing()
            && !Arc::ptr_eq(&routing, &table.routing)
        {
            *table = Arc::new(self.opened(routing, &table));
        }
        Arc::clone(&table)
    }

    /// What stayed as it was stays open.
    fn opened(&self, routing: Arc<Routing>, before: &Table) -> Table {
        let open = routing.sinks.iter().map(|(name, declared)| {
            let same = before.routing.sinks.get(name) == Some(declared);
            let kept = before.open.get(name).filter(|kept| same && kept.is_ok());
            let opened = kept.cloned().unwrap_or_else(|| self.open(declared));
            (name.clone(), opened)
        });
        Table {
            open: open.collect(),
            routing,
        }
    }

    fn open(&self, declared: &DeclaredSink) -> Result<Arc<dyn Sink>, String> {
        let opened = (self.open)(declared);
        match &opened {
            Ok(sink) => tracing::info!("the sink {} is {}", declared.name, sink.place()),
            Err(why) => tracing::error!("the sink {} cannot be opened: {why}", declared.name),
        }
        opened
    }

    async fn write_to(
        &self,
        sink: Option<&Result<Arc<dyn Sink>, String>>,
        events: &[Event],
        name: &str,
    ) -> Result<(), SinkError> {
        match sink {
            Some(Ok(sink)) => sink.write(events).await,
            Some(Err(why)) => Err(SinkError::Denied {
                place: name.to_owned(),
                why: why.clone(),
            }),
            None => self.default.write(events).await,
        }
    }
}

/// Beside others a sink gets so long: less than the intake's deadline, so that what the others
/// wrote is still remembered as written.
const PATIENCE: Duration = Duration::from_millis(1500);

async fn in_time(
    name: &str,
    writing: impl Future<Output = Result<(), SinkError>>,
) -> Result<(), SinkError> {
    let written = tokio::time::timeout(PATIENCE, writing).await;
    written.unwrap_or_else(|_| {
        Err(SinkError::Unavailable {
            place: match name {
                "" => "of EVERGRAPH_SINK".to_owned(),
                name => name.to_owned(),
            },
            why: format!("it took longer than {} ms", PATIENCE.as_millis()),
        })
    })
}

#[async_trait::async_trait]
impl Sink for RoutedSink {
    fn place(&self) -> String {
        self.default.place()
    }

    async fn write(&self, events: &[Event]) -> Result<(), SinkError> {
        let outcomes = self.write_each(events).await;
        outcomes.into_iter().collect()
    }

    async fn write_each(&self, events: &[Event]) -> Vec<Result<(), SinkError>> {
        let table = self.table();
        if table.routing.routes.is_empty() {
            return self.default.write_each(events).await;
        }
        let mut groups: BTreeMap<&str, (Vec<usize>, Vec<Event>)> = BTreeMap::new();
        for (at, event) in events.iter().enumerate() {
            let name = table.routing.routes.get(&event.tag);
            let group = groups.entry(name.map_or("", String::as_str)).or_default();
            group.0.push(at);
            group.1.push(event.clone());
        }
        let alone = groups.len() == 1;
        let writing = groups.iter().map(|(name, (_, events))| {
            let sink = table.open.get(*name);
            let writing = self.write_to(sink, events, name);
            async move {
                match alone {
                    true => writing.await,
                    false => in_time(name, writing).await,
                }
            }
        });
        let written = join_all(writing).await;
        let mut outcomes = vec![Ok(()); events.len()];
        for ((places, _), outcome) in groups.values().zip(written) {
            for at in places {
                outcomes[*at].clone_from(&outcome);
            }
        }
        outcomes
    }
}
