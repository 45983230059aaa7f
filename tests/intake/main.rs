//! The intake as a whole: what Graph posts, what reaches the sink, and what is answered.
#![allow(clippy::unwrap_used, reason = "test file")]

mod basic;
mod fixture;
mod lifecycle;
mod repeats;
mod rich;
mod shape;
mod trouble;
