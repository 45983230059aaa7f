//! The checks that a key goes through, in small functions with names.

pub(super) mod held;
pub(super) mod missing;
pub(super) mod obstacle;
pub(super) mod twins;
