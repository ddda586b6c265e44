//! Fuzz target: files that are uploaded, and samples through everything that changes sound. What is done with the input stands in
//! `entries/sound.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/sound.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
