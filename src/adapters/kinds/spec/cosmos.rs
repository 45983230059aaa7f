//! The specification of an item of Cosmos DB.

use url::Url;

use super::super::super::declaration::fields::Fields;
use super::super::cosmos::MARK;
use super::{Checks, not_empty};
use crate::domain::ensure::kinds::cosmos::ItemSpec;

/// An item, and the account's regions.
#[derive(Clone, Debug)]
pub struct CosmosSpec {
    /// What is wanted.
    pub item: ItemSpec,
    /// The addresses of the account's regions, the first one is written to.
    pub regions: Vec<Url>,
}

const REGIONS: &str =
    "a list of addresses, such as [\"https://account-westeurope.documents.azure.com\"]";

pub(super) fn read(mut fields: Fields<'_, '_, '_>) -> Option<CosmosSpec> {
    let text = "a text in quotes";
    let regions = fields.texts("regions", REGIONS);
    let database = fields.text("database", text);
    let container = fields.text("container", text);
    let partition = fields.text("partition", text);
    let id = fields.text("id", text);
    let owner = fields.text("owner", text);
    let adopt = fields.flag("adopt");
    let wanted = fields.anything(
        "properties",
        "a table of the item's properties, [properties]",
    );
    let mut checks = Checks(fields.finished());
    let wanted = wanted.map(toml::Spanned::get_ref);
    let properties = checks.properties(wanted, |name, _| reserved(name));
    let database = checks.needed("database", database.as_ref(), "its name", not_empty);
    let container = checks.needed("container", container.as_ref(), "its name", not_empty);
    let partition = checks.needed(
        "partition",
        partition.as_ref(),
        "the value of the partition key",
        |text| Some(serde_json::Value::from(text).to_string()),
    );
    let id = checks.needed(
        "id",
        id.as_ref(),
        "1 to 255 characters without / \\ ? #",
        item_id,
    );
    let owner = checks.owner(owner.as_ref());
    if regions.as_ref().is_none_or(|at| at.value.is_empty()) {
        checks.missing("regions", REGIONS);
    }
    let mut addresses = Vec::new();
    for at in regions.iter().flat_map(|at| &at.value) {
        addresses.extend(
            checks.value("regions", Some(at), "an https address", |text| {
                Url::parse(text).ok()
            }),
        );
    }
    Some(CosmosSpec {
        item: ItemSpec {
            database: database?,
            container: container?,
            partition: partition?,
            id: id?,
            owner: owner?,
            fields: properties,
            adopt: adopt.is_some_and(|at| at.value),
        },
        regions: addresses,
    })
}

fn item_id(text: &str) -> Option<String> {
    let good = (1..=255).contains(&text.len()) && !text.contains(['/', '\\', '?', '#']);
    good.then(|| text.to_owned())
}

/// Names that the service, the key or the mark has already.
fn reserved(name: &str) -> Option<&'static str> {
    match name {
        "id" => Some("anything else; the id is the key id"),
        MARK => Some("anything else; our mark stands there"),
        _ if name.starts_with('_') => Some("names without _ at their start, which the service has"),
        _ => None,
    }
}
