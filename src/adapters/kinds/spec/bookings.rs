//! The specifications of people of a bookings business.

use super::super::super::declaration::fields::Fields;
use super::{ADDRESS, Checks, address, json, not_empty};
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
    let wanted = wanted.map(|value| json::properties(value.get_ref()));
    let mut checks = Checks(fields.finished());
    let business = checks.needed("business", business.as_ref(), ADDRESS, address);
    let mail = checks.needed("address", mail.as_ref(), ADDRESS, address);
    let words: Vec<(&str, Role)> = Role::ALL.iter().map(|one| (one.as_str(), *one)).collect();
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
    let mut properties = wanted.unwrap_or_default();
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
    let wanted: Option<Properties> = wanted.map(|value| json::properties(value.get_ref()));
    let mut checks = Checks(fields.finished());
    let business = checks.needed("business", business.as_ref(), ADDRESS, address);
    let mail = checks.needed("address", mail.as_ref(), ADDRESS, address);
    let owner = checks.owner(owner.as_ref());
    Some(CustomerSpec {
        business: business?,
        address: mail?,
        owner: owner?,
        fields: wanted.unwrap_or_default(),
        adopt: adopt.is_some_and(|at| at.value),
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
