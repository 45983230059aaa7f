//! An item.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Map, Value};

use super::container::{Ask, Container};
use super::rows;
use crate::adapters::kinds::call::Reply;
use crate::adapters::kinds::canonical;
use crate::domain::conflict::{Cause, Operation};
use crate::domain::ensure::kinds::cosmos::{FeedEntry, ItemRow, ItemSpec, Thing, View, agree};
use crate::domain::ensure::kinds::mark::Mark;
use crate::domain::ensure::{
    Facts, Failure, HolderId, Observation, Progress, Seen, Stop, Token, Told,
};
use crate::ports::ensure::Kind;

/// What is wanted, beside what the specification compares.
#[derive(Clone, PartialEq, Debug)]
pub struct Wish {
    /// Keys, owner and comparison.
    pub spec: ItemSpec,
    /// The item to be created: id, partition key and all wanted properties.
    pub item: Map<String, Value>,
    /// The property that holds the mark.
    pub mark_field: String,
    /// Paths whose values are unique in a partition of the container.
    pub unique: Vec<String>,
}

/// A wanted item.
pub struct CosmosItem {
    container: Container,
    wish: Wish,
}

impl CosmosItem {
    /// The item of a wish in its container.
    pub fn new(container: Container, wish: Wish) -> Self {
        Self { container, wish }
    }

    fn row(&self, reply: &Reply) -> Result<ItemRow, Failure> {
        let value = reply.json()?;
        rows::item(&value, &self.wish.mark_field).ok_or_else(|| Failure::NoReply {
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
            let view = match self.read_in(region, &self.wish.spec.id).await {
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

    /// Entries of the conflict feed about the item; there is none without a second region.
    async fn feed(&self) -> Result<Vec<FeedEntry>, Failure> {
        if self.container.regions() < 2 {
            return Ok(Vec::new());
        }
        let all = self
            .container
            .pages(&["conflicts"], None, "Conflicts")
            .await?;
        let (id, field) = (&self.wish.spec.id, &self.wish.mark_field);
        let about = all.iter().filter_map(|one| rows::entry(one, id, field));
        Ok(about.collect())
    }

    /// Other items that hold one of our unique values.
    async fn others(&self) -> Result<Vec<ItemRow>, Failure> {
        let mut others: Vec<ItemRow> = Vec::new();
        for path in &self.wish.unique {
            let Some(value) = rows::at_path(&self.wish.item, path) else {
                continue;
            };
            let query = rows::by_value(path, value);
            let found = self
                .container
                .pages(&["docs"], Some(&query), "Documents")
                .await?;
            let found = found
                .iter()
                .filter_map(|one| rows::item(one, &self.wish.mark_field));
            others.extend(found.filter(|row| row.id != self.wish.spec.id));
        }
        others.sort_by(|left, right| left.id.cmp(&right.id));
        others.dedup_by(|left, right| left.id == right.id);
        Ok(others)
    }

    fn marked(&self, mut item: Map<String, Value>, token: &Token) -> Value {
        let mark = Mark {
            owner: self.wish.spec.owner.clone(),
            token: token.clone(),
        };
        item.insert(self.wish.mark_field.clone(), mark.to_string().into());
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
        item.extend(canonical::object(&self.wish.spec.fields));
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
        self.wish.spec.key()
    }

    fn facts(&self) -> Facts {
        self.wish.spec.facts()
    }

    fn instruction(&self, reason: Stop) -> Option<String> {
        self.wish.spec.instruction(reason)
    }

    async fn observe(&self) -> Result<Told<Observation>, Failure> {
        let views = self.views().await?;
        let feed = self.feed().await?;
        let shown = views.iter().any(|view| matches!(view, View::Shows(_)));
        let others = if shown {
            Vec::new()
        } else {
            self.others().await?
        };
        Ok(Told::new(self.wish.spec.judge(&views, &feed, &others)))
    }

    async fn read(&self, id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        let seen = match Thing::of(id) {
            Some(Thing::Item(id)) => {
                let region = self.container.write_region();
                let row = self.read_in(region, &id).await?;
                row.map(|row| self.wish.spec.seen(&row))
            }
            Some(Thing::Entry(_)) => {
                let views = self.views().await?;
                let feed = self.feed().await?;
                let seen = self.wish.spec.judge(&views, &feed, &[]).holders;
                seen.into_iter().find(|one| one.id == *id)
            }
            None => None,
        };
        Ok(Told::new(seen))
    }

    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure> {
        let item = self.marked(self.wish.item.clone(), token);
        let ask = Ask {
            region: self.container.write_region(),
            operation: Operation::Create,
            method: Method::POST,
            below: &["docs"],
            if_match: None,
            body: Some(&item),
        };
        let reply = self.container.call(ask).await?;
        let seen = self.wish.spec.seen(&self.row(&reply)?);
        Ok(Told::by(seen, reply.request_id))
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        let item = self.changed(seen)?;
        let ask = Ask {
            region: self.container.write_region(),
            operation: Operation::Update,
            method: Method::PUT,
            below: &["docs", &self.wish.spec.id],
            if_match: seen.version.as_deref(),
            body: Some(&item),
        };
        let reply = self.container.call(ask).await?;
        let seen = self.wish.spec.seen(&self.row(&reply)?);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_its_place_part_by_part() {
        let query = rows::by_value("/a/b\"c", &Value::from(1));
        assert_eq!(
            query["query"],
            "SELECT * FROM c WHERE c[\"a\"][\"b\\\"c\"] = @p0"
        );
        assert_eq!(query["parameters"][0]["value"], 1);
    }
}
