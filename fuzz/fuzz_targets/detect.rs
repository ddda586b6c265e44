//! Fuzz target: samples through everything that listens. What is done with the input stands in
//! `entries/detect.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/detect.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
