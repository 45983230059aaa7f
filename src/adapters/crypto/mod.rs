//! Opening the content of rich notifications: private keys by certificate id, and the envelope.

mod envelope;
mod keys;
mod list;

pub use keys::{DecryptionKeys, KeyFault, KeyProblem};
pub use list::{DecryptionKeyEntry, KeySource, ListFault};
