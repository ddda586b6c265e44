//! Fuzz target: ICE, DTLS and SRTP of a browser's leg. What is done with the input stands in
//! `entries/browser.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/browser_dtls.rs"]
mod browser_dtls;
#[path = "../entries/browser.rs"]
mod entry;
#[path = "../entries/octets.rs"]
mod octets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
