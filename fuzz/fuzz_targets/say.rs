//! Fuzz target: what is said of numbers, dates and texts. What is done with the input stands in
//! `entries/say.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/say.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
