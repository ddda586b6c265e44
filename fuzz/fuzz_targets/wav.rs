//! Fuzz target: WAV files. What is done with the input stands in `entries/wav.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/wav.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
