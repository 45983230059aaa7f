//! One item of a Cosmos DB container over the REST API, in all regions that are named
//! (<https://learn.microsoft.com/rest/api/cosmos-db/cosmosdb-resource-uri-syntax-for-rest>).

mod container;
mod item;
mod rows;

pub use container::Container;
pub use item::{CREATES, CosmosItem, MARK};
