//! One container in its regions: which region is asked, the session, and the headers of a call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use serde_json::{Value, json};

use crate::adapters::kinds::call::{Line, Reply, Request, Scheme};
use crate::domain::conflict::Operation;
use crate::domain::ensure::Failure;
use crate::ports::clock::Clock;

/// The version of the API that every call names.
const VERSION: &str = "2018-12-31";

/// Most pages of the conflict feed or of a query.
const PAGES: usize = 100;

/// A container, as one session sees it.
pub struct Container {
    regions: Vec<Line>,
    /// Which region takes our writes.
    writes: AtomicUsize,
    database: String,
    name: String,
    /// The partition key header: `["value"]`.
    partition: String,
    /// What the service said last to have seen of us.
    session: Mutex<Option<String>>,
    clock: Arc<dyn Clock>,
}

/// A call of the container.
pub(super) struct Ask<'a> {
    pub region: usize,
    pub operation: Operation,
    pub method: Method,
    /// Below the container, such as `["docs", "id"]`.
    pub below: &'a [&'a str],
    /// The ETag that must still stand.
    pub if_match: Option<&'a str>,
    pub body: Option<&'a Value>,
}

impl Container {
    /// A container; the lines lead to the account's endpoint in each region, the first is
    /// preferred. `partition` is the value of the partition key.
    pub fn new(
        regions: Vec<Line>,
        database: &str,
        name: &str,
        partition: &Value,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let regions = regions.into_iter();
        Self {
            regions: regions
                .map(|line| line.with_scheme(Scheme::CosmosAad))
                .collect(),
            writes: AtomicUsize::new(0),
            database: database.to_owned(),
            name: name.to_owned(),
            partition: json!([partition]).to_string(),
            session: Mutex::default(),
            clock,
        }
    }

    /// How many regions there are.
    pub(super) fn regions(&self) -> usize {
        self.regions.len()
    }

    /// The region that takes our writes.
    pub(super) fn write_region(&self) -> usize {
        self.writes.load(Ordering::Relaxed) % self.regions.len().max(1)
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one call.
    pub(super) async fn call(&self, ask: Ask<'_>) -> Result<Reply, Failure> {
        let request = self.request(&ask).await?;
        self.send(ask.region, ask.operation, request).await
    }

    async fn request(&self, ask: &Ask<'_>) -> Result<Request, Failure> {
        let line = self.line(ask.region)?;
        let mut segments = vec!["dbs", self.database.as_str(), "colls", self.name.as_str()];
        segments.extend(ask.below);
        let url = line.at(&segments);
        let mut request = Request::new(ask.operation, ask.method.clone(), url)
            .header("x-ms-date", &self.date().await?)
            .header("x-ms-version", VERSION)
            .header("x-ms-documentdb-partitionkey", &self.partition);
        if ask.below.len() > 1 {
            request = request.by_id();
        }
        if let Some(token) = self.session().as_deref() {
            request = request.header("x-ms-session-token", token);
        }
        if let Some(etag) = ask.if_match {
            request = request.header("if-match", etag);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        Ok(request)
    }

    fn line(&self, region: usize) -> Result<&Line, Failure> {
        self.regions.get(region).ok_or_else(|| Failure::NotSent {
            words: "no endpoint of the account is named".into(),
        })
    }

    async fn send(
        &self,
        region: usize,
        operation: Operation,
        request: Request,
    ) -> Result<Reply, Failure> {
        let outcome = self.line(region)?.call(request).await;
        match &outcome {
            // Only what we wrote binds the session: a read elsewhere must show it, nothing else.
            Ok(reply) if operation != Operation::Read => {
                if let Some(token) = reply.header("x-ms-session-token") {
                    *self.session() = Some(token.to_owned());
                }
            }
            // The next write goes to the next region; the engine asks again after a wait.
            Err(Failure::Refused(refusal))
                if refusal.verdict.rule == "cosmos/write-region-moved" =>
            {
                self.writes.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        outcome
    }

    /// What the container says of itself.
    pub(super) async fn properties(&self) -> Result<Value, Failure> {
        let ask = Ask {
            region: self.write_region(),
            operation: Operation::Read,
            method: Method::GET,
            below: &[],
            if_match: None,
            body: None,
        };
        self.call(ask).await?.json()
    }

    /// All pages of the conflict feed, or of a query where there is one: the rows under `name`.
    pub(super) async fn pages(
        &self,
        below: &[&str],
        query: Option<&Value>,
        name: &str,
    ) -> Result<Vec<Value>, Failure> {
        let region = self.write_region();
        let mut rows = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let method = if query.is_some() {
                Method::POST
            } else {
                Method::GET
            };
            let ask = Ask {
                region,
                operation: Operation::Read,
                method,
                below,
                if_match: None,
                body: None,
            };
            let mut request = self.request(&ask).await?;
            if let Some(query) = query {
                request = request
                    .header("x-ms-documentdb-isquery", "True")
                    .bytes("application/query+json", query.to_string().into_bytes());
            }
            if let Some(token) = &next {
                request = request.header("x-ms-continuation", token);
            }
            let reply = self.send(region, Operation::Read, request).await?;
            next = reply.header("x-ms-continuation").map(str::to_owned);
            match reply.json()?.get_mut(name).map(Value::take) {
                Some(Value::Array(page)) => rows.extend(page),
                _ => {
                    let words = format!("a page has no {name}");
                    return Err(Failure::NoReply { words });
                }
            }
            if next.is_none() {
                return Ok(rows);
            }
        }
        let words = format!("there are more than {PAGES} pages of {name}");
        Err(Failure::NoReply { words })
    }

    /// The moment as RFC 7231 writes it.
    async fn date(&self) -> Result<String, Failure> {
        let now = self.clock.now().await.map_err(|error| Failure::NotSent {
            words: error.to_string(),
        })?;
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        let text = printer.timestamp_to_rfc9110_string(&now);
        text.map_err(|error| Failure::NotSent {
            words: error.to_string(),
        })
    }
}
