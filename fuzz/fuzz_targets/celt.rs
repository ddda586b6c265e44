//! Fuzz target: samples through CELT. What is done with the input stands in `entries/celt.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/celt.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
