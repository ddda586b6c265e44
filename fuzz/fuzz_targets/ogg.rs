//! Fuzz target: Ogg files. What is done with the input stands in `entries/ogg.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/ogg.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
