//! The audit: every decision is one record, and a record is one line of JSON.

pub mod line;
pub mod trail;
