//! The world behind the ports: Graph over HTTP, state in memory, files and Blob Storage, tokens, clock, chance.

pub mod clock;
pub mod declaration;
pub mod dice;
pub mod graph;
pub mod identity;
pub mod loopback;
mod outgoing;
pub mod pulse;
pub mod state;
mod words;
