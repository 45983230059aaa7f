//! A small world for tests of the core: builders of values, a toy Graph, a toy worker over the
//! real functions, and what must hold of every plan. Deterministic, without waiting.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "test file")]

pub mod build;
pub mod graph;
pub mod safety;
pub mod worker;
pub mod world;
