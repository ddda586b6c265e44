//! Fuzz target: compound RTCP packets. What is done with the input stands in `entries/rtcp.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/rtcp.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
