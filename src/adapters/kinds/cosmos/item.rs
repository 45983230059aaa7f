//! An item.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::container::{Ask, Container};
use super::rows::{self, Shape};
use crate::adapters::kinds::call::Reply;
use crate::adapters::kinds::canonical;
use crate::domain::conflict::{Cause, Operation};
use crate::domain::ensure::kinds::cosmos::{FeedEntry, ItemRow, ItemSpec, Thing, View, agree};
use crate::domain::ensure::kinds::mark::Mark;
use crate::domain::ensure::{
    Facts, Failure, HolderId, Observation, Progress, Seen, Stop, Token, Told,
};
use crate::ports::ensure::Kind;

/// How many creates one run may send: a POST makes an id once in its partition, however often it
/// is sent, so that 449 and 429 may be met as long as their budgets last (30 s at 10 ms to 1 s).
pub const CREATES: u32 = 60;

/// The property that holds the mark.
pub const MARK: &str = "evergraph";

/// A wanted item.
pub struct CosmosItem {
    container: Container,
    spec: ItemSpec,
    /// What the container says of itself; read once.
    shape: OnceCell<Shape>,
}

impl CosmosItem {
    /// The item of a specification in its container.
    pub fn new(container: Container, spec: ItemSpec) -> Self {
        Self {
            container,
            spec,
            shape: OnceCell::new(),
        }
    }

    async fn shape(&self) -> Result<&Shape, Failure> {
        let ask = || async {
            let properties = self.container.properties().await?;
            Shape::read(&properties).ok_or(Failure::NotSupported(
                "The container's partition key has several levels; write the item by hand.",
            ))
        };
        self.shape.get_or_try_init(ask).await
    }

    /// The item as it is created, but for the mark.
    fn item(&self, shape: &Shape) -> Map<String, Value> {
        let mut item = canonical::object(&self.spec.fields);
        item.insert("id".into(), self.spec.id.clone().into());
        let partition = serde_json::from_str(&self.spec.partition).unwrap_or(Value::Null);
        rows::put_at(&mut item, &shape.partition, partition);
        item
    }

    fn row(&self, reply: &Reply) -> Result<ItemRow, Failure> {
        let value = reply.json()?;
        rows::item(&value, MARK).ok_or_else(|| Failure::NoReply {
            words: "the answer is no item with an id".into(),
        })
    }

    async fn read_in(&self, region: usize, id: &str) -> Result<Option<ItemRow>, Failure> {
        let ask = Ask {
            region,
            operation: Operation::Read,
            method: Method::GET,
            below: &["docs", id],
            if_match: None,
            body: None,
        };
        match self.container.call(ask).await {
            Ok(reply) => self.row(&reply).map(Some),
            Err(Failure::Gone { .. }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What each region shows. The region of our writes must answer; of another one an outage
    /// is part of the picture, but not a refusal: that may ask us to wait.
    async fn views(&self) -> Result<Vec<View>, Failure> {
        let mut views = Vec::new();
        for region in 0..self.container.regions() {
            let view = match self.read_in(region, &self.spec.id).await {
                Ok(Some(row)) => View::Shows(row),
                Ok(None) => View::Absent,
                Err(Failure::Refused(refusal)) if refusal.verdict.cause == Cause::NotVisibleYet => {
                    View::Behind
                }
                Err(failure) if region == self.container.write_region() => return Err(failure),
                Err(failure @ (Failure::NoReply { .. } | Failure::NotSent { .. })) => {
                    View::Unseen(failure.to_string())
                }
                Err(failure) => return Err(failure),
            };
            views.push(view);
        }
        Ok(views)
    }

    /// Entries of the conflict feed about the item. There are none without a second region, nor
    /// where the last writer wins.
    async fn feed(&self) -> Result<Vec<FeedEntry>, Failure> {
        if self.container.regions() < 2 || !self.shape().await?.feed {
            return Ok(Vec::new());
        }
        let all = self
            .container
            .pages(&["conflicts"], None, "Conflicts")
            .await?;
        let about = all
            .iter()
            .filter_map(|one| rows::entry(one, &self.spec.id, MARK));
        Ok(about.collect())
    }

    /// Other items that hold one of our unique values.
    async fn others(&self, shape: &Shape) -> Result<Vec<ItemRow>, Failure> {
        let item = self.item(shape);
        let mut others: Vec<ItemRow> = Vec::new();
        for paths in &shape.unique {
            let values: Option<Vec<(&str, &Value)>> = paths
                .iter()
                .map(|path| Some((path.as_str(), rows::at_path(&item, path)?)))
                .collect();
            let Some(values) = values.filter(|values| !values.is_empty()) else {
                continue;
            };
            let query = rows::by_values(&values);
            let found = self
                .container
                .pages(&["docs"], Some(&query), "Documents")
                .await?;
            let found = found.iter().filter_map(|one| rows::item(one, MARK));
            others.extend(found.filter(|row| row.id != self.spec.id));
        }
        others.sort_by(|left, right| left.id.cmp(&right.id));
        others.dedup_by(|left, right| left.id == right.id);
        Ok(others)
    }

    fn marked(&self, mut item: Map<String, Value>, token: &Token) -> Value {
        let mark = Mark {
            owner: self.spec.owner.clone(),
            token: token.clone(),
        };
        item.insert(MARK.into(), mark.to_string().into());
        Value::Object(item)
    }

    /// The item that was seen with the wanted properties laid over it; everything else stays.
    fn changed(&self, seen: &Seen) -> Result<Value, Failure> {
        let text = seen.content.as_deref().unwrap_or_default();
        let mut item: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| Failure::NotSent {
                words: "the item was not read before it is changed".into(),
            })?;
        rows::without_system(&mut item);
        item.extend(canonical::object(&self.spec.fields));
        let adopted = Token::new("adopted");
        Ok(self.marked(item, seen.token.as_ref().unwrap_or(&adopted)))
    }
}

#[async_trait]
impl Kind for CosmosItem {
    fn name(&self) -> &'static str {
        "cosmos-item"
    }

    fn key(&self) -> String {
        self.spec.key()
    }

    fn facts(&self) -> Facts {
        self.spec.facts()
    }

    fn instruction(&self, reason: Stop) -> Option<String> {
        self.spec.instruction(reason)
    }

    async fn observe(&self) -> Result<Told<Observation>, Failure> {
        let views = self.views().await?;
        let feed = self.feed().await?;
        let shown = views.iter().any(|view| matches!(view, View::Shows(_)));
        let others = if shown {
            Vec::new()
        } else {
            self.others(self.shape().await?).await?
        };
        Ok(Told::new(self.spec.judge(&views, &feed, &others)))
    }

    async fn read(&self, id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        let seen = match Thing::of(id) {
            Some(Thing::Item(id)) => {
                let region = self.container.write_region();
                let row = self.read_in(region, &id).await?;
                row.map(|row| self.spec.seen(&row))
            }
            Some(Thing::Entry(_)) => {
                let views = self.views().await?;
                let feed = self.feed().await?;
                let seen = self.spec.judge(&views, &feed, &[]).holders;
                seen.into_iter().find(|one| one.id == *id)
            }
            None => None,
        };
        Ok(Told::new(seen))
    }

    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure> {
        let item = self.marked(self.item(self.shape().await?), token);
        let ask = Ask {
            region: self.container.write_region(),
            operation: Operation::Create,
            method: Method::POST,
            below: &["docs"],
            if_match: None,
            body: Some(&item),
        };
        let reply = self.container.call(ask).await?;
        let seen = self.spec.seen(&self.row(&reply)?);
        Ok(Told::by(seen, reply.request_id))
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        let item = self.changed(seen)?;
        let ask = Ask {
            region: self.container.write_region(),
            operation: Operation::Update,
            method: Method::PUT,
            below: &["docs", &self.spec.id],
            if_match: seen.version.as_deref(),
            body: Some(&item),
        };
        let reply = self.container.call(ask).await?;
        let seen = self.spec.seen(&self.row(&reply)?);
        Ok(Told::by(seen, reply.request_id))
    }

    /// Deletes an entry of the conflict feed. The item itself is never deleted.
    async fn delete(&self, seen: &Seen) -> Result<Told<()>, Failure> {
        let Some(Thing::Entry(id)) = Thing::of(&seen.id) else {
            return Err(Failure::NotSupported("Delete the item by hand."));
        };
        let ask = Ask {
            region: self.container.write_region(),
            operation: Operation::Delete,
            method: Method::DELETE,
            below: &["conflicts", &id],
            if_match: None,
            body: None,
        };
        let reply = self.container.call(ask).await?;
        Ok(Told::by((), reply.request_id))
    }

    /// Whether the regions agree by now.
    async fn poll(&self) -> Result<Told<Progress>, Failure> {
        let agreed = agree(&self.views().await?);
        Ok(Told::new(if agreed {
            Progress::Settled
        } else {
            Progress::Running { wait: None }
        }))
    }
}
