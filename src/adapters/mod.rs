//! The world behind the ports: Graph over HTTP, state in memory, files and Blob Storage, tokens, clock, chance.

pub mod declaration;
