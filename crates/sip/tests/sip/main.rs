//! Behaviour of `sip` through its public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod corpus;
mod framing;
mod mutation;
mod torture;
mod uris;
mod verdicts;
mod writing;
