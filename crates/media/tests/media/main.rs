//! The relay driven as a shell drives it: commands, packets and time in, effects and forwards out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod adapted;
mod adverse;
mod commands;
mod diagnosis;
mod digits;
mod emodel;
mod forked;
mod fuzz_corpus;
mod latching;
mod machine;
mod masked;
mod paused;
mod phone;
mod property;
mod quality;
mod recorded;
mod room;
mod room_relays;
mod rows;
mod served;
mod sounds;
mod srtp;
mod streams;
mod transcode;
mod web;
mod world;
