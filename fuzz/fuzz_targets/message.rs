//! Fuzz target: SIP messages of a datagram. What is done with the input stands in `entries/message.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/message.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
