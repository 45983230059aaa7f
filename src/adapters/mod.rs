//! The world behind the ports: Graph over HTTP, state in memory, files and Blob Storage, tokens, clock, chance.

pub mod audit;
mod azure;
pub mod clock;
pub mod crypto;
pub mod declaration;
pub mod dice;
pub mod endpoint;
pub mod event_ids;
pub mod graph;
pub mod identity;
pub mod jwks;
pub mod kinds;
pub mod loopback;
mod outgoing;
pub mod pulse;
pub mod sink;
pub mod state;
mod words;
