//! Conditional headers.

use super::answers::{self, Refusal};
use super::store::Blob;
use crate::sim::services::Ask;

/// Whether the conditions of a write hold. `If-None-Match: *` on what exists is answered as a
/// duplicate, not as a condition (recorded by the SDKs for the real service).
pub(super) fn of_write(ask: &Ask, there: Option<&Blob>) -> Result<(), Refusal> {
    match (ask.header("if-none-match"), there) {
        (Some("*"), Some(_)) => return Err(answers::BLOB_EXISTS),
        (Some(etag), Some(blob)) if etag == blob.etag => return Err(answers::CONDITION),
        _ => {}
    }
    match (ask.header("if-match"), there) {
        (Some(_), None) => Err(answers::CONDITION),
        (Some(etag), Some(blob)) if etag != "*" && etag != blob.etag => Err(answers::CONDITION),
        _ => Ok(()),
    }
}
