//! Ids of invocations and handler processes.

/// A new GUID, lower case with dashes.
#[expect(
    clippy::disallowed_methods,
    reason = "ids only have to be unique; nothing is decided by them and no test depends on their value"
)]
pub(crate) fn guid() -> String {
    uuid::Uuid::new_v4().to_string()
}
