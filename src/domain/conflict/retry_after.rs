//! `Retry-After` in every form that was seen.
use std::time::Duration;

use jiff::Timestamp;

/// What the header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RetryAfter {
    /// Wait this long.
    For(Duration),
    /// No sense in it.
    Absurd(String),
}

/// Reads the header's value. `date` is the answer's own clock.
pub fn parse_retry_after(_value: &str, _date: Option<Timestamp>) -> RetryAfter {
    RetryAfter::Absurd(String::new())
}
