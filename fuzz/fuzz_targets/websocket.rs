//! Fuzz target: WebSocket handshakes and frames. What is done with the input stands in `entries/websocket.rs`, which the
//! ordinary tests share.
#![no_main]

#[path = "../entries/websocket.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
