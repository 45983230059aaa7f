//! Sealed content: opens when genuine, never when tampered with.
#![no_main]

#[path = "../targets/envelope.rs"]
mod envelope;

libfuzzer_sys::fuzz_target!(|data: &[u8]| envelope::run(data));
