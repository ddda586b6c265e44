//! Fuzz target: RTP packets through the jitter buffer. What is done with the input stands in `entries/jitter.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/jitter.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
