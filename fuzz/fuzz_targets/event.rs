//! Fuzz target: telephone events. What is done with the input stands in `entries/event.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/event.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
