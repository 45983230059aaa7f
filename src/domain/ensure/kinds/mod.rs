//! The pure part of each ready-made kind: specification, natural key, mark, comparison.

pub mod app_service;
pub mod blob;
pub mod bookings;
pub mod cosmos;
pub mod fields;
pub mod mark;
pub mod owner;
