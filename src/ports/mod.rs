//! What the application needs of the world, in our own words.
//!
//! No vendor type, no HTTP status and no ETag syntax stands here. Errors are sorted by what
//! the caller must do next.

pub mod audit;
pub mod clock;
pub mod declaration;
pub mod desired;
pub mod dice;
pub mod endpoint;
pub mod ensure;
pub mod graph;
pub mod graph_outcome;
pub mod ids;
pub mod keys;
pub mod pulse;
pub mod sink;
pub mod state;
