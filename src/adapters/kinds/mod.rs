//! Ready-made kinds of `ensure` over HTTP: what is wanted is compared in
//! `domain::ensure::kinds`, what to do next is decided by the engine; here it is said in the
//! words of each service.

pub mod app_service;
pub mod blob;
pub mod bookings;
pub mod call;
mod canonical;
pub mod cosmos;
pub mod spec;
