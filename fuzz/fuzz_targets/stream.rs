//! Fuzz target: SIP messages of a stream. What is done with the input stands in `entries/stream.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/stream.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
