//! The classifier of conflicts.
#![no_main]

#[path = "../targets/conflict.rs"]
mod conflict;

libfuzzer_sys::fuzz_target!(|data: &[u8]| conflict::run(data));
