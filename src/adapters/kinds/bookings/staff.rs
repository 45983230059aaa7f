//! A staff member.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::pages::People;
use crate::adapters::kinds::call::Line;
use crate::adapters::kinds::canonical;
use crate::domain::ensure::kinds::bookings::{Role, StaffRow, StaffSpec};
use crate::domain::ensure::kinds::fields::to_change;
use crate::domain::ensure::{
    Drift, Facts, Failure, HolderId, Observation, Seen, Stop, Token, Told,
};
use crate::ports::ensure::Kind;

/// A wanted staff member of a bookings business.
pub struct BookingsStaff {
    people: People,
    spec: StaffSpec,
    /// Ids that the service gave to what this run created.
    made: Mutex<BTreeSet<String>>,
}

impl BookingsStaff {
    /// The staff member of a specification; the line leads to Graph's root.
    pub fn new(line: Line, spec: StaffSpec) -> Self {
        let kind = "#microsoft.graph.bookingStaffMember";
        Self {
            people: People::new(line, &spec.business, "staffMembers", kind),
            spec,
            made: Mutex::default(),
        }
    }

    fn made(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self, row: &Map<String, Value>) -> Seen {
        let row_read = read(row);
        let made_here = self.made().contains(&row_read.id);
        Seen {
            content: Some(Value::Object(row.clone()).to_string().into()),
            ..self.spec.judge(&row_read, made_here)
        }
    }
}

/// What the service shows. A row without an address (its user is gone) is nobody's.
fn read(row: &Map<String, Value>) -> StaffRow {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    StaffRow {
        id: text("id").to_owned(),
        address: text("emailAddress").to_owned(),
        role: Role::parse(text("role")),
        fields: canonical::fields(row),
    }
}

#[async_trait]
impl Kind for BookingsStaff {
    fn name(&self) -> &'static str {
        "bookings-staff"
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
        let about = listed
            .rows
            .iter()
            .filter(|row| self.spec.is_about(&read(row)));
        let holders = about.map(|row| self.seen(row)).collect();
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
        let mut properties = canonical::object(&self.spec.fields);
        properties.insert("emailAddress".into(), self.spec.address.trim().into());
        properties.insert("role".into(), self.spec.role.as_str().into());
        let told = self.people.create(properties, token).await?;
        self.made().insert(read(&told.value).id);
        Ok(Told::by(self.seen(&told.value), told.request_id))
    }

    async fn patch(&self, seen: &Seen) -> Result<Told<Seen>, Failure> {
        let row = content(seen);
        let change = to_change(&self.spec.fields, &canonical::fields(&row));
        let told = self
            .people
            .update(&seen.id, canonical::object(&change))
            .await?;
        let stands = Seen {
            drift: Drift::None,
            ..seen.clone()
        };
        Ok(Told::by(stands, told.request_id))
    }
}

/// The row that was seen; empty where it was not kept, so that everything wanted is sent.
pub(super) fn content(seen: &Seen) -> Map<String, Value> {
    let text = seen.content.as_deref().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}
