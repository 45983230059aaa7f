//! A customer.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::pages::People;
use super::staff::content;
use crate::adapters::kinds::call::Line;
use crate::adapters::kinds::canonical;
use crate::domain::ensure::kinds::bookings::{CustomerRow, CustomerSpec};
use crate::domain::ensure::kinds::fields::{Fields, to_change};
use crate::domain::ensure::kinds::mark::{Mark, whose};
use crate::domain::ensure::{
    Drift, Facts, Failure, HolderId, Observation, Ours, Seen, Stop, Token, Told,
};
use crate::ports::ensure::Kind;

const ADDRESSES: &str = "addresses";

/// Where the mark stands: a property of an address that the service gives back
/// (<https://learn.microsoft.com/en-us/graph/api/resources/physicaladdress>). Of several
/// addresses one may be all that is kept, since every one is of the type `other`
/// (<https://learn.microsoft.com/en-us/graph/api/resources/bookingcustomer>), so one is sent.
const BOX: &str = "postOfficeBox";

/// A wanted customer of a bookings business.
pub struct BookingsCustomer {
    people: People,
    spec: CustomerSpec,
}

impl BookingsCustomer {
    /// The customer of a specification; the line leads to Graph's root.
    pub fn new(line: Line, spec: CustomerSpec) -> Self {
        let kind = "#microsoft.graph.bookingCustomer";
        Self {
            people: People::new(line, &spec.business, "customers", kind),
            spec,
        }
    }

    fn with_content(row: &Map<String, Value>, seen: Seen) -> Seen {
        Seen {
            content: Some(Value::Object(row.clone()).to_string().into()),
            ..seen
        }
    }

    fn seen(&self, row: &Map<String, Value>) -> Seen {
        let about = read(row);
        let ours = match whose(about.mark.as_ref(), &self.spec.owner) {
            Ours::Unknown if self.spec.adopt => Ours::ByRule,
            whose => whose,
        };
        Self::with_content(row, self.spec.seen(&about, ours))
    }
}

/// What the service shows: the mark apart, and the addresses without it.
fn read(row: &Map<String, Value>) -> CustomerRow {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut fields = canonical::fields(row);
    let plain = plain_addresses(row);
    if plain.is_empty() {
        fields.remove(ADDRESSES);
    } else {
        fields.insert(ADDRESSES.into(), canonical::text(&Value::Array(plain)));
    }
    CustomerRow {
        id: text("id").to_owned(),
        address: text("emailAddress").to_owned(),
        mark: boxes(row).find_map(Mark::parse),
        fields,
    }
}

fn addresses(row: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let all = row.get(ADDRESSES).and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_object)
}

fn boxes(row: &Map<String, Value>) -> impl Iterator<Item = &str> {
    addresses(row).filter_map(|address| address.get(BOX)?.as_str())
}

/// The addresses without mark and type: the service decides the type.
fn plain_addresses(row: &Map<String, Value>) -> Vec<Value> {
    let plain = addresses(row).filter_map(|address| {
        let kept = address
            .iter()
            .filter(|(name, _)| *name != BOX && *name != "type");
        let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
        let tidy = canonical::tidy(&Value::Object(kept.collect()));
        tidy.as_object()
            .is_some_and(|one| !one.is_empty())
            .then_some(tidy)
    });
    plain.collect()
}

/// Properties as they are sent: the one address carries the post office box.
fn sent(fields: &Fields, post_office_box: Option<&str>) -> Map<String, Value> {
    let mut properties = canonical::object(fields);
    if let Some(mark) = post_office_box {
        let all = properties.entry(ADDRESSES).or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            if all.is_empty() {
                all.push(json!({}));
            }
            all[0][BOX] = mark.into();
        }
    }
    properties
}

#[async_trait]
impl Kind for BookingsCustomer {
    fn name(&self) -> &'static str {
        "bookings-customer"
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
        let listed = self.people.list().await?;
        let rows: Vec<CustomerRow> = listed.rows.iter().map(read).collect();
        let judged = self.spec.judge(&rows).into_iter().map(|seen| {
            let row = listed
                .rows
                .iter()
                .find(|row| read(row).id == seen.id.as_str());
            match row {
                Some(row) => Self::with_content(row, seen),
                None => seen,
            }
        });
        let holders = judged.collect();
        let missing = listed.missing;
        Ok(Told::by(
            Observation { holders, missing },
            listed.request_id,
        ))
    }

    async fn read(&self, id: &HolderId) -> Result<Told<Option<Seen>>, Failure> {
        let told = self.people.read(id).await?;
        let seen = told.value.as_ref().map(|row| self.seen(row));
        Ok(Told::by(seen, told.request_id))
    }

    async fn create(&self, token: &Token) -> Result<Told<Seen>, Failure> {
        let mark = Mark {
            owner: self.spec.owner.clone(),
            token: token.clone(),
        };
        let mut properties = sent(&self.spec.fields, Some(&mark.to_string()));
        properties.insert("emailAddress".into(), self.spec.address.trim().into());
        let told = self.people.create(properties, token).await?;
        // Ours beyond doubt: the service has just answered our create with this very row.
        let made = self.spec.seen(&read(&told.value), Ours::ByRule);
        Ok(Told::by(
            Self::with_content(&told.value, made),
            told.request_id,
        ))
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        let row = content(seen);
        let change = to_change(&self.spec.fields, &read(&row).fields);
        // A new address must not lose the mark, nor the box that a person filled in.
        let kept = boxes(&row)
            .next()
            .filter(|_| change.contains_key(ADDRESSES));
        let told = self.people.update(&seen.id, sent(&change, kept)).await?;
        let stands = Seen {
            drift: Drift::None,
            ..seen.clone()
        };
        Ok(Told::by(stands, told.request_id))
    }

    async fn delete(&self, seen: &Seen) -> Result<Told<()>, Failure> {
        self.people.delete(&seen.id).await
    }
}
