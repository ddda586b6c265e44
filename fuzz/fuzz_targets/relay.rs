//! Fuzz target: commands, packets and answers through a relay. What is done with the input stands in
//! `entries/relay.rs`, which the ordinary tests share.
#![no_main]

#[path = "../entries/relay.rs"]
mod entry;
#[path = "../entries/octets.rs"]
mod octets;
#[path = "../entries/relay_commands.rs"]
mod relay_commands;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::run(data));
