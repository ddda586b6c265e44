//! Fuzz target: G.722 streams. What is done with the input stands in `entries/g722.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/g722.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
