//! Fuzz target: RTP packets and the statistics of their stream. What is done with the input stands in `entries/rtp.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/rtp.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
