//! Staff members and customers: rows of properties, with what only the portal sees.

use serde_json::{Map, Value, json};

/// How a person stands in the business.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In every list.
    Active,
    /// A staff member whom the lists of the API do not show; the address is still taken
    /// (Q&A 5491714).
    Hidden,
    /// Removed lately; the address is still taken (same place).
    Removed,
}

impl Standing {
    /// The word of the portal's lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Hidden => "hidden",
            Self::Removed => "removed",
        }
    }
}

/// A staff member or a customer.
#[derive(Clone, PartialEq, Debug)]
pub struct Person {
    /// The id that the service gave.
    pub id: String,
    /// The properties, as the API shows them, without the id.
    pub properties: Map<String, Value>,
    /// How the person stands.
    pub standing: Standing,
    /// Whether a staff member can open the booking page. Only the portal shows it; staff added
    /// by the API lacked it (msgraph-sdk-dotnet#3138).
    pub page_access: bool,
    /// In how many more lists the row is left out.
    pub(super) unlisted: u32,
}

impl Person {
    pub(super) fn new(id: String, properties: Map<String, Value>, page_access: bool) -> Self {
        Self {
            id,
            properties,
            standing: Standing::Active,
            page_access,
            unlisted: 0,
        }
    }

    /// The mail address in lower case.
    pub fn address(&self) -> String {
        folded(self.properties.get("emailAddress"))
    }

    /// The text of a property; empty where it is none.
    pub fn text(&self, name: &str) -> &str {
        let value = self.properties.get(name).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    /// The row as the API shows it.
    pub(super) fn shown(&self, kind: &str) -> Value {
        let mut row = Map::new();
        row.insert(
            "@odata.type".into(),
            format!("#microsoft.graph.{kind}").into(),
        );
        row.insert("id".into(), self.id.clone().into());
        row.extend(self.properties.clone());
        Value::Object(row)
    }

    /// The row as the portal shows it.
    pub(super) fn inside(&self) -> Value {
        let mut row = self.shown("person");
        row["standing"] = json!(self.standing.as_str());
        row["pageAccess"] = json!(self.page_access);
        row
    }

    /// Takes over properties; annotations and the id are not among them.
    pub(super) fn lay_over(&mut self, properties: &Map<String, Value>) {
        for (name, value) in properties {
            self.properties.insert(name.clone(), value.clone());
        }
    }
}

/// A mail address in lower case and without blanks around it.
pub(super) fn folded(value: Option<&Value>) -> String {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.trim().to_lowercase()
}

/// The properties of a body: no annotations, no id, and every address of the type `other`, as
/// the page of `bookingCustomer` says.
pub(super) fn properties(body: &Map<String, Value>) -> Map<String, Value> {
    let own = body
        .iter()
        .filter(|(name, _)| !name.contains("@odata") && *name != "id");
    let mut kept: Map<String, Value> = own
        .map(|(name, value)| (name.clone(), without_annotations(value)))
        .collect();
    if let Some(Value::Array(addresses)) = kept.get_mut("addresses") {
        for address in addresses.iter_mut().filter_map(Value::as_object_mut) {
            address.insert("type".into(), "other".into());
        }
    }
    kept
}

fn without_annotations(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(without_annotations).collect(),
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| !name.contains("@odata"))
            .map(|(name, value)| (name.clone(), without_annotations(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
