//! Fuzz target: STUN datagrams. What is done with the input stands in `entries/stun.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/stun.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
