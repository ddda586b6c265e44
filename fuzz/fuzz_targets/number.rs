//! Fuzz target: numbers as they are dialled and sent. What is done with the input stands in
//! `entries/number.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/number.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
