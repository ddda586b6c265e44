//! Fuzz target: packets and samples through Opus. What is done with the input stands in
//! `entries/opus.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/opus.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
