//! Behaviour of `sip` through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod corpus;
mod dialogs;
mod digest;
mod framing;
mod fuzz_corpus;
mod ipv6;
mod locate;
mod mutation;
mod timers;
mod tokens;
mod torture;
mod transactions;
mod uris;
mod verdicts;
mod writing;
