//! The normal form of resource paths.
#![no_main]

#[path = "../targets/resource_path.rs"]
mod resource_path;

libfuzzer_sys::fuzz_target!(|data: &[u8]| resource_path::run(data));
