//! Fuzz target: SRTP and SRTCP packets. What is done with the input stands in `entries/srtp.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/srtp.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
