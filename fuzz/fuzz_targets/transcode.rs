//! Fuzz target: packets of both legs through a transcoded call. What is done with the input stands in `entries/transcode.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/transcode.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
