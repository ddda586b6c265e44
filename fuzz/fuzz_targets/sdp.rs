//! Fuzz target: session descriptions. What is done with the input stands in `entries/sdp.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/sdp.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
