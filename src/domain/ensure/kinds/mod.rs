//! The pure part of each ready-made kind: specification, natural key, mark, comparison.

pub mod app_service;
pub mod blob;
pub mod owner;
