//! Fuzz target: answers and frames of a WebSocket server. What is done with the input stands in
//! `entries/client.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/client.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
