//! Fuzz target: who vouches for a caller, and by which certificate. What is done with the input stands in
//! `entries/identity.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/identity.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
