//! Fuzz target: both ends of the way between sessions and the media plane. What is done with the input stands in
//! `entries/link.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/link.rs"]
mod entry;
#[path = "../entries/octets.rs"]
mod octets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
