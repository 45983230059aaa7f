//! The audit: every decision is one record, and a record is one line of JSON.

pub mod journal;
pub mod line;
pub mod reader;
pub mod story;
pub mod trail;
