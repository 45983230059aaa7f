//! What Graph allows per kind of resource.
