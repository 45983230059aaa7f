//! The specifications of people of a bookings business.

use super::super::super::declaration::fields::Fields;
use super::{ADDRESS, Checks, address, not_empty};
use crate::domain::ensure::HolderId;
use crate::domain::ensure::kinds::bookings::{CustomerSpec, Role, StaffSpec};
use crate::domain::ensure::kinds::fields::Fields as Properties;

const PROPERTIES: &str = "a table of the properties of Graph, [properties]";

pub(super) fn read_staff(mut fields: Fields<'_, '_, '_>) -> Option<StaffSpec> {
    let text = "a text in quotes";
    let business = fields.text("business", text);
    let mail = fields.text("address", text);
    let role = fields.text("role", text);
    let adopt = fields.flag("adopt");
    let known = fields.text("id", text);
    let wanted = fields.anything("properties", PROPERTIES);
    let mut checks = Checks(fields.finished());
    let business = checks.needed("business", business.as_ref(), ADDRESS, address);
    let mail = checks.needed("address", mail.as_ref(), ADDRESS, address);
    let wanted = wanted.map(toml::Spanned::get_ref);
    let mut properties = checks.properties(wanted, |name, _| has_a_key_of_its_own(name));
    checks.needs_a_name(&properties);
    let mut words: Vec<(&str, Role)> = Role::ALL.iter().map(|one| (one.as_str(), *one)).collect();
    // The word of the documentation, which the service refuses.
    words.push(("teamMember", Role::Member));
    if role.is_none() {
        checks.missing(
            "role",
            &words
                .iter()
                .map(|(word, _)| *word)
                .collect::<Vec<_>>()
                .join(", "),
        );
    }
    let role = checks.word("role", role.as_ref(), &words);
    let known = checks.value(
        "id",
        known.as_ref(),
        "the id that an earlier run told",
        not_empty,
    );
    let (address, role) = (mail?, role?);
    properties.insert("role".to_owned(), quoted(role.as_str()));
    Some(StaffSpec {
        business: business?,
        address,
        role,
        fields: properties,
        adopt: adopt.is_none_or(|at| at.value),
        known: known.map(HolderId::new),
    })
}

pub(super) fn read_customer(mut fields: Fields<'_, '_, '_>) -> Option<CustomerSpec> {
    let text = "a text in quotes";
    let business = fields.text("business", text);
    let mail = fields.text("address", text);
    let owner = fields.text("owner", text);
    let adopt = fields.flag("adopt");
    let wanted = fields.anything("properties", PROPERTIES);
    let mut checks = Checks(fields.finished());
    let business = checks.needed("business", business.as_ref(), ADDRESS, address);
    let mail = checks.needed("address", mail.as_ref(), ADDRESS, address);
    let wanted = wanted.map(toml::Spanned::get_ref);
    let properties = checks.properties(wanted, |name, value| {
        has_a_key_of_its_own(name).or_else(|| one_address(name, value))
    });
    checks.needs_a_name(&properties);
    let owner = checks.owner(owner.as_ref());
    Some(CustomerSpec {
        business: business?,
        address: mail?,
        owner: owner?,
        fields: properties,
        adopt: adopt.is_some_and(|at| at.value),
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn has_a_key_of_its_own(name: &str) -> Option<&'static str> {
    match name {
        "emailAddress" => Some("anything else; the mail address is the key address"),
        "role" => Some("anything else; the role is the key role"),
        "id" => Some("anything else; the service gives the id"),
        _ => None,
    }
}

/// The mark stands in the post office box of the one address; the service decides the type.
fn one_address(name: &str, value: &serde_json::Value) -> Option<&'static str> {
    let addresses = value.as_array().filter(|_| name == "addresses")?;
    let taken = |address: &serde_json::Value| {
        address.get("postOfficeBox").is_some() || address.get("type").is_some()
    };
    (addresses.len() > 1 || addresses.iter().any(taken))
        .then_some("at most one address, without postOfficeBox (our mark stands there) and type")
}

impl Checks<'_, '_> {
    fn needs_a_name(&mut self, properties: &Properties) {
        if !properties.contains_key("displayName") {
            self.missing("properties.displayName", "the service asks for a name");
        }
    }
}
